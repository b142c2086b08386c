use super::*;

fn address(last: u8) -> Option<Address> {
    Some(Address([0xC0, 0xDE, 0, 0, 0, last]))
}

/// Adapters 1, 2 and so on, in these states.
fn radio(states: &[(RadioState, &str)]) -> Radio {
    let mut radio = Radio::default();
    let wanted: Vec<_> = (1..).zip(states).map(|(n, _)| address(n)).collect();
    radio.want(&wanted);
    for (n, (state, detail)) in (1..).zip(states) {
        radio.change(address(n), |adapter| {
            if *state != RadioState::AdapterMissing {
                adapter.name = format!("hci{}", n - 1);
            }
            (adapter.state, adapter.detail) = (*state, (*detail).to_owned());
        });
    }
    radio
}

fn summary(states: &[(RadioState, &str)]) -> (&'static str, String) {
    let radio = radio(states);
    (radio.state.as_str(), radio.detail)
}

use RadioState::{AdapterMissing, AdapterOff, NoBluez, PassiveUnsupported, Scanning, Starting};

#[test]
fn radio_without_adapters_is_off() {
    assert_eq!(summary(&[]), ("off", String::new()));
}

#[test]
fn radio_of_one_adapter_has_its_state() {
    assert_eq!(summary(&[(AdapterOff, "rfkill")]), ("adapter-off", "rfkill".to_owned()));
    assert_eq!(summary(&[(Starting, "")]), ("starting", String::new()));
}

#[test]
fn radio_scans_if_all_adapters_do() {
    assert_eq!(summary(&[(Scanning, ""), (Scanning, "")]), ("scanning", String::new()));
    assert_eq!(summary(&[(Scanning, ""), (Scanning, "repeats")]), ("scanning", "hci1: repeats".to_owned()));
}

#[test]
fn radio_names_the_worst_adapter() {
    let ordered = [NoBluez, AdapterMissing, AdapterOff, PassiveUnsupported, Starting, Scanning];
    for (n, worse) in ordered.into_iter().enumerate() {
        for better in &ordered[n + 1..] {
            assert_eq!(summary(&[(*better, "b"), (worse, "w")]).0, worse.as_str());
            assert_eq!(summary(&[(worse, "w"), (*better, "b")]).0, worse.as_str());
        }
    }
    let missing = summary(&[(Scanning, ""), (AdapterMissing, "removed")]);
    assert_eq!(missing, ("adapter-missing", "C0:DE:00:00:00:02: removed".to_owned()));
    let told = summary(&[(AdapterMissing, "no C0:DE:00:00:00:01"), (AdapterOff, "rfkill")]);
    assert_eq!(told, ("adapter-missing", "no C0:DE:00:00:00:01".to_owned()));
    assert_eq!(summary(&[(Starting, ""), (Scanning, "")]).1, "hci0: the scan is being set up");
    assert_eq!(summary(&[(NoBluez, "gone"), (NoBluez, "gone")]).1, "gone");
}

fn in_use(radio: &Radio) -> Vec<(&str, &str)> {
    radio.in_use().map(|adapter| (&*adapter.name, &*adapter.address)).collect()
}

#[test]
fn radio_lists_the_adapters_in_use() {
    let mut radio = radio(&[(Scanning, ""), (AdapterMissing, "gone"), (Starting, "")]);
    assert_eq!(in_use(&radio), [("hci0", "C0:DE:00:00:00:01"), ("hci2", "C0:DE:00:00:00:03")]);
    radio.change(address(3), AdapterStatus::vanish);
    assert_eq!(in_use(&radio), [("hci0", "C0:DE:00:00:00:01")]);
    assert_eq!(radio.adapters[2].address, "C0:DE:00:00:00:03");
}

#[test]
fn radio_keeps_what_is_known_over_another_choice() {
    let mut radio = radio(&[(Scanning, ""), (AdapterMissing, "gone")]);
    radio.want(&[address(3), address(1)]);
    assert_eq!((radio.state, in_use(&radio)), (Starting, vec![("hci0", "C0:DE:00:00:00:01")]));
    radio.change(address(2), |_| panic!("it is not wanted any more"));
    radio.want(&[]);
    assert_eq!(radio, Radio::default());
}

#[test]
fn radio_lists_an_adapter_that_is_gone_without_trouble() {
    use RadioState::Gone;
    let rest = radio(&[(Scanning, "repeats"), (Gone, "unplugged")]);
    assert_eq!((rest.state, &*rest.detail, rest.adapters.len()), (Scanning, "repeats", 2));
    assert_eq!(summary(&[(AdapterOff, "rfkill"), (Gone, "unplugged")]), ("adapter-off", "rfkill".to_owned()));
}
