//! The system clock is set while messages wait for a broker.

use std::time::Duration;

use radio_controller::Advert;
use rustix::process::Signal;

use crate::bench;
use crate::guest::eventually;
use crate::rig::{Rig, SOON};
use crate::service_faults::scanning;

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
const COUNT: usize = 100;

fn waits(rig: &Rig<'_>) -> u64 {
    let ledger = rig.ledger();
    ledger["Queued"] + ledger["Spooled"] + ledger["InFlight"]
}

/// More than the age that the spool allows (SpoolMaxAgeSecs, a week), more than any, and back: it is told, and nothing is too old.
#[test]
fn clock_that_is_set_makes_no_message_too_old() {
    bench::run_within(Duration::from_secs(180), |guest| {
        let (radio, mut rig) = scanning(guest, "passive");
        rig.apply(&["QueueMaxBytes", "u", "65536", "PushBatchSize", "u", "1"]);
        rig.broker.end(Signal::TERM);
        rig.wait_stat("LinkState", "waiting");
        let advert =
            Advert { evt: 3, ..Advert::new("C0:FF:EE:00:03:01".parse().expect("an address"), b"\x02\x01\x06") };
        for _ in 0..COUNT {
            assert_eq!(radio.controller.report(std::slice::from_ref(&advert), false).expect("plugged in").sent, 1);
        }
        eventually(SOON, "the adverts wait", || waits(&rig) == COUNT as u64);
        // What is on the disk is read by another run, too.
        assert!(rig.service.end(Signal::TERM).success());
        rig.service = guest.service().start();
        rig.ready();
        eventually(SOON, "the adverts wait on the disk", || rig.ledger()["Spooled"] == COUNT as u64);
        for (step, told) in [
            // The time that reading and setting take is lost.
            (8 * DAY, "set forward by 6912"),
            (30 * YEAR, "set forward by 9460"),
            (-30 * YEAR - 8 * DAY, "set back by 9467"),
        ] {
            guest.move_clock(step);
            eventually(SOON, told, || rig.said("INFO", told) == 1);
            assert_eq!(waits(&rig), COUNT as u64, "after {step} s");
        }
        assert_eq!(rig.said("INFO", "the system clock was set"), 3);

        rig.broker = guest.open_broker();
        rig.sub = guest.subscribe("scanTopic");
        eventually(SOON * 2, "what waited is published", || rig.ledger()["Published"] == COUNT as u64);
        assert_eq!(rig.stat("DroppedByReason")["spool-age"], 0);
        rig.flows(&radio.controller);
    });
}
