//! Every report that the controller makes arrives once, byte for byte.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use radio_controller::hex;
use radio_controller::play::Play;
use serde_json::{Value, json};

use crate::bench;
use crate::guest::{Guest, eventually};
use crate::rig::{ADDRESS, Rig, wait_scan};

const ARRIVE: Duration = Duration::from_secs(30);

#[test]
fn adverts_of_our_own_are_exact() {
    bench::run(|guest| exact(guest, &guest.adverts(), 1));
}

#[test]
fn adverts_of_our_own_are_exact_on_a_second_adapter() {
    bench::run(|guest| exact(guest, &guest.adverts(), 2));
}

/// Recorded ones, in a folder beside the checkout; where it is not there is nothing to play.
#[test]
fn recorded_adverts() {
    let Some(file) = recorded() else {
        println!("no shared/data/ble-adverts.jsonl beside the checkout");
        return;
    };
    bench::run(move |guest| exact(guest, &with_raw(guest, &file), 1));
}

/// BlueZ scans for ten seconds in one go, then starts again: the service must not notice.
#[test]
fn again_and_again_for_longer_than_bluez_scans_in_one_go() {
    bench::run(|guest| {
        let radio = guest.radio(ADDRESS);
        let rig = Rig::start(guest, "active");
        wait_scan(&radio.controller, "active", |scan| scan.active);
        rig.wait_state("scanning");
        let play = Play { file: guest.adverts(), rate: 100, times: 30, described: false, force: true };
        let sent = play.run(&radio.controller).expect("the play").counts.sent;
        eventually(ARRIVE, "every item", || rig.items().len() as u64 >= sent);
        assert_eq!(rig.items().len() as u64, sent);
        let scan = radio.controller.state().scan;
        assert!(scan.enabled && scan.active && !scan.filter_dup, "{scan:?}");
    });
}

/// Plays the file into the last of so many controllers, which the service is told to use.
fn exact(guest: &Guest, file: &Path, controllers: usize) {
    let radio = guest.radio(ADDRESS);
    let others: Vec<_> = (2..=controllers).map(|n| (guest.controller(&address(n)), address(n))).collect();
    let (controller, address) = others.last().map_or((&radio.controller, ADDRESS), |(c, a)| (c, a));
    radio.bluez.wait_powered(address);
    let rig = Rig::start(guest, "active");
    rig.set(&["Adapters", "as", "1", address]);
    wait_scan(controller, "active", |scan| scan.active);
    rig.wait_stat("AdapterAddresses", json!([address]));
    rig.wait_state("scanning");

    let lines = fs::read_to_string(file).expect("the file");
    let chip = controller.state().index.expect("plugged in");
    let expected: Vec<Value> = lines.lines().flat_map(|line| reports(&raw(line), chip)).collect();
    let play = Play { file: file.to_owned(), rate: 200, times: 1, described: false, force: false };
    let counts = play.run(controller).expect("the play").counts;
    assert_eq!((counts.sent, counts.unheard), (expected.len() as u64, 0), "the file's reports as the test reads them");

    let ledger = eventually(ARRIVE, "every advert is published", || {
        let ledger = rig.ledger();
        (ledger["Published"] == counts.sent).then_some(ledger)
    });
    eventually(ARRIVE, "every item arrives", || rig.items().len() >= expected.len());
    let items = rig.items();
    for (n, (item, expected)) in items.iter().zip(&expected).enumerate() {
        assert_eq!(named_apart(item), *expected, "report {n}");
    }
    assert_eq!(items.len(), expected.len(), "each exactly once");
    assert_eq!(ledger["Received"], counts.sent, "{ledger:?}");
    for none in ["Malformed", "CaptureLost", "Dropped", "Queued", "InFlight"] {
        assert_eq!(ledger[none], 0, "{none} in {ledger:?}");
    }
}

fn address(n: usize) -> String {
    format!("C0:DE:00:00:00:{n:02X}")
}

fn recorded() -> Option<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = ["../shared", "../../shared"].map(|folder| checkout.join(folder));
    let folders = env::var_os("CASSIA_SHARED").map(PathBuf::from).into_iter().chain(beside);
    folders.map(|folder| folder.join("data/ble-adverts.jsonl")).find(|file| file.exists())
}

/// The lines that have a whole event.
fn with_raw(guest: &Guest, file: &Path) -> PathBuf {
    let lines = fs::read_to_string(file).expect("the file");
    let with: String = lines.lines().filter(|line| !raw(line).is_empty()).map(|line| format!("{line}\n")).collect();
    guest.file("recorded.jsonl", &with)
}

fn raw(line: &str) -> Vec<u8> {
    let line: Value = serde_json::from_str(line).expect("JSON");
    hex::decode(line["raw_hci"].as_str().unwrap_or_default()).expect("hex")
}

/// `name` is made from the AD bytes, which are compared themselves: the encoder's own tests look after it.
fn named_apart(item: &Value) -> Value {
    let mut item = item.clone();
    assert!(item.as_object_mut().expect("an object").remove("name").is_some_and(|name| name.is_string()), "{item}");
    item
}

/// What an event says by the book (Core 5.4, Vol 4, Part E, 7.7.65), read without the service's own code.
fn reports(event: &[u8], chip: u16) -> Vec<Value> {
    assert_eq!((event[0], event[1], usize::from(event[2])), (4, 0x3E, event.len() - 3), "a whole LE Meta event");
    let mut at = 5;
    let mut items = Vec::new();
    for _ in 0..event[4] {
        let (item, length) = match event[3] {
            0x02 => legacy(&event[at..]),
            0x0D => extended(&event[at..]),
            other => panic!("subevent {other}"),
        };
        items.push(item);
        items.last_mut().expect("pushed")["chipId"] = json!(chip);
        at += length;
    }
    assert_eq!(at, event.len(), "nothing is left over");
    items
}

fn legacy(r: &[u8]) -> (Value, usize) {
    let end = 9 + usize::from(r[8]);
    (item(r[0], r[0] == 4, r[1], &r[2..8], r[end], &r[9..end]), end + 1)
}

fn extended(r: &[u8]) -> (Value, usize) {
    let event_type = u16::from(r[0]) + 256 * u16::from(r[1]);
    let end = 24 + usize::from(r[23]);
    let kind = match event_type {
        0x13 => 0,
        0x15 => 1,
        0x12 => 2,
        0x10 => 3,
        0x1A | 0x1B => 4,
        _ => 5,
    };
    let mut item = item(kind, event_type & 8 != 0, r[2], &r[3..9], r[13], &r[24..end]);
    if kind == 5 {
        let phy = |phy| ["", "1M", "2M", "CODED"][usize::from(phy)];
        let bits = ["Connectable", "Scannable", "Directed", "ScanResponse"];
        let set: Vec<_> = (0..4).filter(|bit| event_type & 1 << bit != 0).map(|bit| bits[bit]).collect();
        let status = ["Complete", "Incomplete", "Truncated"][usize::from(event_type >> 5 & 3)];
        let more = json!({
            "primaryPhy": phy(r[9]), "secondaryPhy": phy(r[10]), "secondryPhy": phy(r[10]), "sid": r[11],
            "txPower": r[12] as i8, "interval": u16::from(r[14]) + 256 * u16::from(r[15]),
            "prop": set.join(","), "dataStatus": status,
        });
        item.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    }
    (item, end)
}

fn item(kind: u8, response: bool, address_type: u8, address: &[u8], rssi: u8, data: &[u8]) -> Value {
    let printed: Vec<_> = address.iter().rev().map(|byte| format!("{byte:02X}")).collect();
    let (address, word) = match address_type {
        0 | 2 => (printed.join(":"), "public"),
        1 | 3 => (printed.join(":"), "random"),
        _ => ("00:00:00:00:00:00".to_owned(), "anonymous"),
    };
    let bytes = if response { "scanData" } else { "adData" };
    json!({
        "bdaddrs": [{"bdaddr": address, "bdaddrType": word}],
        "evtType": kind, "rssi": rssi as i8, bytes: hex::encode(data),
    })
}
