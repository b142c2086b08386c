//! The loop with a broker of our making and a clock that jumps.

use super::bench::{Bench, Did, bench, lost};
use super::*;
use crate::config::Qos;
use crate::model::LastError;
use crate::mqtt::client::Event;
use std::time::Duration;
use tokio::time::advance;

#[test]
fn a_long_connection_is_made_before_there_is_anything_to_publish() {
    bench(|| async {
        let b = Bench::start("long");
        assert_eq!(b.did().await, [Did::Connect("broker:1883".into())]);
        assert_eq!((b.link().state, b.link().connects, &*b.link().broker), (LinkState::Connected, 1, "broker:1883"));
        b.push(7);
        assert_eq!(b.did().await, [Did::Publish(1, "scanTopic".into(), 7, Qos::AtLeastOnce)]);
        assert_eq!((b.stats.snapshot().in_flight, b.stats.snapshot().published), (3, 0));
        b.tell(Event::Published(1));
        b.settle().await;
        assert_eq!((b.stats.snapshot().in_flight, b.stats.snapshot().published), (0, 3));
    });
}

#[test]
fn a_loss_puts_what_was_not_acknowledged_back_in_order() {
    bench(|| async {
        let b = Bench::start("long");
        (0..5).for_each(|n| b.push(n));
        assert_eq!(b.published().await, [0, 1, 2, 3, 4]);
        b.tell(Event::Published(2));
        b.tell(lost(LastError::Closed));
        assert_eq!(b.did().await, [Did::Abandon]);
        b.push(5);
        let link = b.link();
        assert_eq!(
            (link.state, link.failures, link.error.map(|e| e.code.as_str())),
            (LinkState::Waiting, 1, Some("closed"))
        );
        assert_eq!((b.stats.snapshot().queued, b.stats.snapshot().in_flight), (15, 0));
        // The first step of the delays is at most a second.
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.published().await, [0, 2, 3, 4, 5]);
        assert_eq!(b.link().error, None);
    });
}

#[test]
fn the_window_bounds_what_is_in_flight() {
    bench(|| async {
        let mut b = Bench::start("long");
        (0..250).for_each(|_| b.push(1));
        assert_eq!(b.published().await.len(), 100);
        b.tell(Event::Published(1));
        assert_eq!(b.published().await.len(), 1);
        (2..=101).for_each(|id| b.tell(Event::Published(id)));
        assert_eq!(b.published().await.len(), 100);
        (102..=201).for_each(|id| b.tell(Event::Published(id)));
        b.set(|d| d.raw.scan_qos = 2);
        let did = b.did().await;
        assert!(did.contains(&Did::Disconnect), "QoS 2 has another session");
        assert_eq!(b.stats.snapshot().in_flight, 3 * 20, "20 are enough at QoS 2");
    });
}

#[test]
fn what_a_session_keeps_stays_in_flight_over_a_loss_and_a_stop() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.set(|d| d.raw.scan_qos = 2);
        (1..=4).for_each(|n| b.push(n));
        assert_eq!(b.published().await, [1, 2, 3, 4]);
        b.keep(&[2, 4]);
        b.tell(lost(LastError::Closed));
        b.settle().await;
        assert_eq!((b.stats.snapshot().queued, b.stats.snapshot().in_flight), (6, 6));
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.published().await, [1, 3]);
        b.keep(&[4]);
        b.tell(Event::Accepted(2));
        b.tell(Event::Published(2));
        b.settle().await;
        assert_eq!((b.stats.snapshot().published, b.stats.snapshot().in_flight), (3, 9));
        b.stop.send_replace(true);
        b.settle().await;
        advance(Duration::from_millis(5100)).await;
        let did = b.did().await;
        assert_eq!(did[did.len() - 3..], [Did::Disconnect, Did::Close, Did::Leave(vec![4])]);
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.in_flight, ledger.dropped(DropReason::Shutdown)), (3, 6));
    });
}

#[test]
fn qos_follows_what_the_broker_tells_and_what_is_set() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.tell_maximum_qos(Qos::AtMostOnce);
        b.tell(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(60)).await;
        b.push(1);
        let at = |did: Vec<Did>| {
            did.into_iter().find_map(|did| if let Did::Publish(.., qos) = did { Some(qos) } else { None })
        };
        assert_eq!(at(b.did().await), Some(Qos::AtMostOnce));
        assert!(b.link().qos_limit.is_some_and(|(maximum, why)| maximum == 0 && why.contains("Set ScanQos to 0")));
        b.set(|d| d.raw.scan_qos = 0);
        b.settle().await;
        assert_eq!(b.link().qos_limit, None, "nothing is lowered");
    });
}

#[test]
fn a_session_with_a_message_that_ends_every_connection_is_given_up() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.set(|d| d.raw.scan_qos = 2);
        // It does support QoS 2.
        b.push(9);
        assert_eq!(b.published().await, [9]);
        b.tell(Event::Published(1));
        (1..=3).for_each(|n| b.push(n));
        assert_eq!(b.published().await, [1, 2, 3]);
        b.keep(&[2, 3, 4]);
        for round in 1..=6 {
            b.tell(lost(LastError::Closed));
            b.settle().await;
            advance(Duration::from_secs(60)).await;
            let published = b.published().await;
            assert_eq!(published, if round < 6 { vec![] } else { vec![1] }, "round {round}");
        }
        b.tell(Event::Published(2));
        assert_eq!(b.published().await, [2], "one at a time");
        for published in [2, 2, 3] {
            b.tell(lost(LastError::Closed));
            b.settle().await;
            advance(Duration::from_secs(60)).await;
            assert_eq!(b.published().await, [published]);
        }
        assert_eq!(b.stats.snapshot().dropped(DropReason::Refused), 0, "no other one got through yet");
        b.tell(Event::Published(4));
        assert_eq!(b.published().await, [2], "once more");
        b.tell(lost(LastError::Closed));
        b.settle().await;
        assert_eq!(b.stats.snapshot().dropped(DropReason::Refused), 3);
    });
}

#[test]
fn no_acknowledgement_for_thirty_seconds_is_a_timeout() {
    bench(|| async {
        let b = Bench::start("long");
        advance(Duration::from_secs(100)).await;
        b.push(1);
        b.push(2);
        assert_eq!(b.published().await.len(), 2);
        advance(Duration::from_secs(29)).await;
        b.tell(Event::Published(1));
        b.settle().await;
        advance(Duration::from_secs(29)).await;
        b.settle().await;
        assert_eq!(b.link().state, LinkState::Connected);
        advance(Duration::from_millis(1100)).await;
        b.settle().await;
        assert_eq!(b.link().error.map(|e| e.code.as_str()), Some("timeout"));
        assert_eq!(b.stats.snapshot().queued, 3);
    });
}

#[test]
fn failures_wait_and_only_settings_of_the_broker_end_the_wait() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.settle().await;
        b.answer(Some(Err(Failure::new(LastError::Auth, "no"))));
        b.tell(lost(LastError::Closed));
        b.did().await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.did().await.len(), 1);
        assert_eq!(b.link().error.map(|e| e.code.as_str()), Some("auth"));
        // Someone has to repair this: half a minute at least.
        advance(Duration::from_secs(29)).await;
        b.set(|d| d.raw.scan_topic = "other".into());
        b.set(|d| d.raw.scan_mode = "active".into());
        b.set(|d| d.raw.queue_max_bytes = 70_000);
        assert_eq!(b.did().await, []);
        b.answer(Some(Ok(())));
        b.set(|d| d.raw.username = "someone".into());
        assert_eq!(b.did().await.len(), 1);
        assert_eq!(b.link().state, LinkState::Connected);
    });
}

#[test]
fn spool_limits_hold_at_once_in_every_state() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.did().await;
        b.set(|d| d.raw.spool_max_age_secs = 61);
        b.settle().await;
        assert_eq!((b.link().state, b.stats.spool().max_age), (LinkState::Connected, 61));
        b.answer(Some(Err(Failure::new(LastError::Refused, "no"))));
        b.tell(lost(LastError::Closed));
        b.did().await;
        b.set(|d| d.raw.spool_max_age_secs = 62);
        b.settle().await;
        assert_eq!((b.link().state, b.stats.spool().max_age), (LinkState::Waiting, 62));
        b.set(|d| d.raw.protocol = "none".into());
        b.settle().await;
        b.set(|d| d.raw.spool_max_age_secs = 63);
        b.settle().await;
        assert_eq!((b.link().state, b.stats.spool().max_age), (LinkState::Off, 63));
        // An attempt that is not answered.
        b.answer(None);
        b.set(|d| d.raw.protocol = "mqtt".into());
        b.settle().await;
        b.set(|d| d.raw.spool_max_age_secs = 64);
        b.settle().await;
        assert_eq!((b.link().state, b.stats.spool().max_age), (LinkState::Connecting, 64));
    });
}

#[test]
fn the_wait_is_never_longer_than_a_minute() {
    bench(|| async {
        let b = Bench::start("long");
        b.settle().await;
        b.answer(Some(Err(Failure::new(LastError::Refused, "no"))));
        b.tell(lost(LastError::Closed));
        b.did().await;
        for _ in 0..20 {
            advance(Duration::from_secs(60)).await;
            assert!(!b.did().await.is_empty());
        }
    });
}

#[test]
fn topic_and_qos_change_without_a_new_connection_and_hold_for_what_is_queued_after_them() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.did().await;
        b.set(|d| (d.raw.scan_topic, d.raw.scan_qos) = ("a/{router}".into(), 0));
        b.push(1);
        assert_eq!(b.did().await, [Did::Publish(1, "a/CC:1B:E0:E0:E6:D0".into(), 1, Qos::AtMostOnce)]);
        // Something in flight does not keep the connection when the broker changes, and is not lost.
        b.set(|d| d.raw.host = "other".into());
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        let did = b.did().await;
        assert!(matches!(&did[..], [Did::Disconnect, Did::Connect(_), Did::Publish(1, _, 1, _)]), "{did:?}");
        assert_eq!(b.link().failures, 0);
    });
}

#[test]
fn a_short_connection_carries_what_waits_and_ends() {
    bench(|| async {
        let b = Bench::start("short");
        assert_eq!(b.did().await, []);
        assert_eq!(b.link().state, LinkState::Idle);
        b.push(1);
        b.push(2);
        assert_eq!(b.did().await.len(), 3);
        b.tell(Event::Published(1));
        assert_eq!(b.did().await, []);
        b.tell(Event::Published(2));
        assert_eq!(b.did().await, [Did::Disconnect]);
        assert_eq!((b.link().state, b.link().connects), (LinkState::Idle, 1));
        advance(Duration::from_secs(1000)).await;
        assert_eq!(b.did().await, []);
        (0..150).for_each(|_| b.push(3));
        assert_eq!(b.published().await.len(), 100, "a burst is bounded");
        (3..=102).for_each(|id| b.tell(Event::Published(id)));
        assert_eq!(b.published().await.len(), 50, "and the rest follows");
    });
}

#[test]
fn with_no_protocol_everything_is_counted_as_unpublished() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.push(1);
        b.did().await;
        b.set(|d| d.raw.protocol = "none".into());
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        b.settle().await;
        b.push(2);
        b.settle().await;
        assert_eq!((b.link().state, &*b.link().broker), (LinkState::Off, ""));
        assert_eq!(b.stats.snapshot().unpublished, 6);
    });
}

#[test]
fn unpublished_is_what_comes_to_a_stop_without_a_broker() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.set(|d| d.raw.protocol = "none".into());
        b.settle().await;
        b.stop.send_replace(true);
        b.push(1);
        b.settle().await;
        assert!(b.run.is_finished());
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.unpublished, ledger.dropped_total(), ledger.spooled), (3, 0, 0));
    });
}

#[test]
fn refused_messages_are_dropped_and_the_others_go_on() {
    bench(|| async {
        let b = Bench::start("long");
        b.push_bytes(vec![0; 101]);
        b.push(2);
        b.push(3);
        assert_eq!(b.published().await, [2, 3]);
        b.tell(Event::Refused(2, Failure::new(LastError::Refused, "")));
        b.tell(Event::Published(3));
        b.settle().await;
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.published, ledger.dropped(DropReason::Refused)), (3, 6));
    });
}

#[test]
fn a_stop_drains_and_then_counts_the_rest() {
    bench(|| async {
        let b = Bench::start("long");
        (0..150).for_each(|_| b.push(1));
        b.did().await;
        b.stop.send_replace(true);
        b.settle().await;
        (1..=120).for_each(|id| b.tell(Event::Published(id)));
        b.settle().await;
        advance(Duration::from_millis(4900)).await;
        b.settle().await;
        assert!(!b.run.is_finished());
        advance(Duration::from_millis(200)).await;
        let did = b.did().await;
        assert_eq!(did[did.len() - 2..], [Did::Disconnect, Did::Close]);
        assert!(b.run.is_finished());
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.published, ledger.dropped(DropReason::Shutdown)), (360, 90));
        assert_eq!((ledger.queued, ledger.in_flight), (0, 0));
    });
}

#[test]
fn a_stop_waits_for_a_connection_that_is_being_made_only_if_something_waits() {
    bench(|| async {
        for waiting in [false, true] {
            let b = Bench::start("long");
            b.answer(None);
            b.settle().await;
            if waiting {
                b.push(1);
            }
            b.stop.send_replace(true);
            b.settle().await;
            assert_eq!(b.run.is_finished(), !waiting);
            advance(Duration::from_secs(6)).await;
            b.settle().await;
            assert!(b.run.is_finished());
        }
    });
}
