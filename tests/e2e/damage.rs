//! Reports that arrive damaged: counted with a reason, and told.

use crate::rig::Rig;
use crate::support::eventually;
use crate::support::identities::Who;

/// As the monitor channel gives an LE Advertising Report whose data end early, and a whole one.
const CUT: &[u8] = b"\x03\0\0\0\x0E\0\x3E\x0C\x02\x01\x00\x00\x66\x55\x44\x33\x22\x11\x05\x1E";
const WHOLE: &[u8] = b"\x03\0\0\0\x11\0\x3E\x0F\x02\x01\x03\x00\x66\x55\x44\x33\x22\xC1\x03\x02\x01\x06\xC4";

#[test]
fn damaged_reports_are_told_and_whole_ones_arrive() {
    let rig = Rig::start();
    rig.connect();
    rig.await_stat("Health", "online");
    for _ in 0..1000 {
        rig.air.send(CUT);
    }
    for _ in 0..50 {
        rig.air.send(WHOLE);
    }
    rig.await_items(50);
    rig.await_stat("HealthReason", "reports-damaged");
    let ledger = rig.ledger();
    assert_eq!(["Received", "Malformed", "Malformed.cut-short"].map(|name| ledger[name]), [50, 1000, 1000]);
    assert_eq!(rig.stat("MalformedByReason")["cut-short"], 1000);
    let diagnosis = rig.bus.call(Who::Admin, "Diagnose", &[]).expect("a diagnosis").to_string();
    assert!(diagnosis.contains("Many reports of hci0 arrive damaged"), "{diagnosis}");
    eventually("the log has it, once", || {
        rig.bus.log().matches("arrived damaged, their adverts are lost").count() == 1
    });
}
