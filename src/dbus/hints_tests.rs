use super::*;
use crate::config::Draft;

/// The settings with this mode and a broker.
fn config(mode: &str) -> Config {
    let mut draft = Draft::default();
    (draft.form.protocol, draft.form.host, draft.form.scan_mode) = ("mqtt".into(), "broker".into(), mode.into());
    Config::check(&draft).expect("right")
}

/// What is known of one adapter that scans, changed by the test.
fn one(change: impl FnOnce(&mut AdapterStatus)) -> Stats {
    let stats = Stats::default();
    stats.set_radio(|radio| {
        radio.capture = CaptureKind::Monitor;
        radio.want(&[None]);
        radio.change(None, |adapter| {
            (adapter.name, adapter.address) = ("hci0".into(), "C0:DE:00:00:00:01".into());
            adapter.state = RadioState::Scanning;
            change(adapter);
        });
    });
    stats
}

/// The hints about this adapter.
fn hints_of(mode: &str, change: impl FnOnce(&mut AdapterStatus)) -> Vec<String> {
    let hints = hints(&config(mode), &one(change), "none");
    hints.into_iter().filter(|hint| !hint.starts_with("HealthReason")).collect()
}

#[test]
fn duty_cycle_is_no_matter_while_it_is_whole_or_unknown() {
    for percent in [None, Some(100), Some(90)] {
        assert_eq!(hints_of("passive", |adapter| adapter.duty_cycle = percent), [""; 0], "{percent:?}");
    }
}

#[test]
fn duty_cycle_that_is_low_names_the_keys_of_the_mode() {
    for (mode, keys) in [
        ("passive", ["ScanIntervalAdvMonitor=96", "ScanWindowAdvMonitor=96"]),
        ("active", ["ScanIntervalDiscovery=18", "ScanWindowDiscovery=18"]),
    ] {
        let hints = hints_of(mode, |adapter| adapter.duty_cycle = Some(50));
        assert_eq!(hints.len(), 1, "{hints:?}");
        for part in ["hci0 listens 50 % of the time", "[LE] of /etc/bluetooth/main.conf", "systemctl restart bluetooth"]
        {
            assert!(hints[0].contains(part), "{part}: {hints:?}");
        }
        assert!(keys.iter().all(|key| hints[0].contains(key)), "{hints:?}");
    }
}

#[test]
fn damaged_reports_name_the_adapter_and_what_to_check() {
    let stats = one(|_| {});
    stats.set_radio(|radio| radio.damaged = vec!["hci0".into()]);
    let hints = hints(&config("passive"), &stats, "none");
    assert!(hints[0].starts_with("Many reports of hci0 arrive damaged"), "{hints:?}");
    assert!(["RTS/CTS", "baud rate", "firmware"].iter().all(|part| hints[0].contains(part)), "{hints:?}");
}
