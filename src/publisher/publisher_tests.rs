//! The loop with a broker of our making and a clock that jumps.

use super::bench::{Action, Bench, bench, lost};
use crate::config::Qos;
use crate::model::{DropReason, Failure, LastError, LinkState};
use crate::mqtt::client::Event;
use std::time::Duration;
use tokio::time::advance;

#[test]
fn connection_that_is_long_is_made_before_there_is_anything_to_publish() {
    bench(|| async {
        let b = Bench::start("long");
        assert_eq!(b.actions().await, [Action::Connect("broker:1883".into())]);
        assert_eq!((b.link().state, b.link().connects, &*b.link().broker), (LinkState::Connected, 1, "broker:1883"));
        b.push(7);
        assert_eq!(b.actions().await, [Action::Publish(1, "scanTopic".into(), 7, Qos::AtLeastOnce)]);
        assert_eq!((b.stats.snapshot().in_flight, b.stats.snapshot().published), (3, 0));
        b.event(Event::Published(1));
        b.settle().await;
        assert_eq!((b.stats.snapshot().in_flight, b.stats.snapshot().published), (0, 3));
    });
}

#[test]
fn loss_requeues_what_was_not_acknowledged_in_order() {
    bench(|| async {
        let b = Bench::start("long");
        (0..5).for_each(|n| b.push(n));
        assert_eq!(b.published().await, [0, 1, 2, 3, 4]);
        b.event(Event::Published(2));
        b.event(lost(LastError::Closed));
        assert_eq!(b.actions().await, [Action::Abort]);
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
fn window_bounds_what_is_in_flight() {
    bench(|| async {
        let mut b = Bench::start("long");
        (0..250).for_each(|_| b.push(1));
        assert_eq!(b.published().await.len(), 100);
        b.event(Event::Published(1));
        assert_eq!(b.published().await.len(), 1);
        (2..=101).for_each(|id| b.event(Event::Published(id)));
        assert_eq!(b.published().await.len(), 100);
        (102..=201).for_each(|id| b.event(Event::Published(id)));
        b.set(|d| d.raw.scan_qos = 2);
        let actions = b.actions().await;
        assert!(actions.contains(&Action::Disconnect), "QoS 2 has another session");
        assert_eq!(b.stats.snapshot().in_flight, 3 * 20, "20 are enough at QoS 2");
    });
}

#[test]
fn session_keeps_its_messages_in_flight_over_a_loss_and_a_stop() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.set(|d| d.raw.scan_qos = 2);
        (1..=4).for_each(|n| b.push(n));
        assert_eq!(b.published().await, [1, 2, 3, 4]);
        b.keep(&[2, 4]);
        b.event(lost(LastError::Closed));
        b.settle().await;
        assert_eq!((b.stats.snapshot().queued, b.stats.snapshot().in_flight), (6, 6));
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.published().await, [1, 3]);
        b.keep(&[4]);
        b.event(Event::Accepted(2));
        b.event(Event::Published(2));
        b.settle().await;
        assert_eq!((b.stats.snapshot().published, b.stats.snapshot().in_flight), (3, 9));
        b.stop.send_replace(true);
        b.settle().await;
        advance(Duration::from_millis(5100)).await;
        let actions = b.actions().await;
        assert_eq!(actions[actions.len() - 3..], [Action::Disconnect, Action::Close, Action::Save(vec![4])]);
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.in_flight, ledger.dropped(DropReason::Shutdown)), (3, 6));
    });
}

#[test]
fn qos_follows_what_the_broker_tells_and_what_is_set() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.set_maximum_qos(Qos::AtMostOnce);
        b.event(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(60)).await;
        b.push(1);
        let at = |actions: Vec<Action>| {
            actions.into_iter().find_map(|action| if let Action::Publish(.., qos) = action { Some(qos) } else { None })
        };
        assert_eq!(at(b.actions().await), Some(Qos::AtMostOnce));
        assert!(b.link().qos_limit.is_some_and(|(maximum, why)| maximum == 0 && why.contains("Set ScanQos to 0")));
        b.set(|d| d.raw.scan_qos = 0);
        b.settle().await;
        assert_eq!(b.link().qos_limit, None, "nothing is lowered");
    });
}

#[test]
fn session_with_a_message_that_ends_every_connection_is_given_up() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.set(|d| d.raw.scan_qos = 2);
        // It does support QoS 2.
        b.push(9);
        assert_eq!(b.published().await, [9]);
        b.event(Event::Published(1));
        (1..=3).for_each(|n| b.push(n));
        assert_eq!(b.published().await, [1, 2, 3]);
        b.keep(&[2, 3, 4]);
        for round in 1..=6 {
            b.event(lost(LastError::Closed));
            b.settle().await;
            advance(Duration::from_secs(60)).await;
            let published = b.published().await;
            assert_eq!(published, if round < 6 { vec![] } else { vec![1] }, "round {round}");
        }
        b.event(Event::Published(2));
        assert_eq!(b.published().await, [2], "one at a time");
        for published in [2, 2, 3] {
            b.event(lost(LastError::Closed));
            b.settle().await;
            advance(Duration::from_secs(60)).await;
            assert_eq!(b.published().await, [published]);
        }
        assert_eq!(b.stats.snapshot().dropped(DropReason::Refused), 0, "no other one got through yet");
        b.event(Event::Published(4));
        assert_eq!(b.published().await, [2], "once more");
        b.event(lost(LastError::Closed));
        b.settle().await;
        assert_eq!(b.stats.snapshot().dropped(DropReason::Refused), 3);
    });
}

#[test]
fn acknowledgement_that_is_missing_for_thirty_seconds_is_a_timeout() {
    bench(|| async {
        let b = Bench::start("long");
        advance(Duration::from_secs(100)).await;
        b.push(1);
        b.push(2);
        assert_eq!(b.published().await.len(), 2);
        advance(Duration::from_secs(29)).await;
        b.event(Event::Published(1));
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
fn backoff_ends_early_only_for_settings_of_the_broker() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.settle().await;
        b.answer(Some(Err(Failure::new(LastError::Auth, "no"))));
        b.event(lost(LastError::Closed));
        b.actions().await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.actions().await.len(), 1);
        assert_eq!(b.link().error.map(|e| e.code.as_str()), Some("auth"));
        // Someone has to repair this: half a minute at least.
        advance(Duration::from_secs(29)).await;
        b.set(|d| d.raw.scan_topic = "other".into());
        b.set(|d| d.raw.scan_mode = "active".into());
        b.set(|d| d.raw.queue_max_bytes = 70_000);
        assert_eq!(b.actions().await, []);
        b.answer(Some(Ok(())));
        b.set(|d| d.raw.username = "someone".into());
        assert_eq!(b.actions().await.len(), 1);
        assert_eq!(b.link().state, LinkState::Connected);
    });
}

#[test]
fn spool_limits_hold_at_once_in_every_state() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.actions().await;
        b.set(|d| d.raw.spool_max_age_secs = 61);
        b.settle().await;
        assert_eq!((b.link().state, b.stats.spool().max_age), (LinkState::Connected, 61));
        b.answer(Some(Err(Failure::new(LastError::Refused, "no"))));
        b.event(lost(LastError::Closed));
        b.actions().await;
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
fn backoff_is_never_longer_than_a_minute() {
    bench(|| async {
        let b = Bench::start("long");
        b.settle().await;
        b.answer(Some(Err(Failure::new(LastError::Refused, "no"))));
        b.event(lost(LastError::Closed));
        b.actions().await;
        for _ in 0..20 {
            advance(Duration::from_secs(60)).await;
            assert!(!b.actions().await.is_empty());
        }
    });
}

#[test]
fn topic_and_qos_change_without_a_new_connection_and_hold_for_what_is_queued_after_them() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.actions().await;
        b.set(|d| (d.raw.scan_topic, d.raw.scan_qos) = ("a/{router}".into(), 0));
        b.push(1);
        assert_eq!(b.actions().await, [Action::Publish(1, "a/CC:1B:E0:E0:E6:D0".into(), 1, Qos::AtMostOnce)]);
        // Something in flight does not keep the connection when the broker changes, and is not lost.
        b.set(|d| d.raw.host = "other".into());
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        let actions = b.actions().await;
        assert!(
            matches!(&actions[..], [Action::Disconnect, Action::Connect(_), Action::Publish(1, _, 1, _)]),
            "{actions:?}"
        );
        assert_eq!(b.link().failures, 0);
    });
}

#[test]
fn connection_that_is_short_carries_what_waits_and_ends() {
    bench(|| async {
        let b = Bench::start("short");
        assert_eq!(b.actions().await, []);
        assert_eq!(b.link().state, LinkState::Idle);
        b.push(1);
        b.push(2);
        assert_eq!(b.actions().await.len(), 3);
        b.event(Event::Published(1));
        assert_eq!(b.actions().await, []);
        b.event(Event::Published(2));
        assert_eq!(b.actions().await, [Action::Disconnect]);
        assert_eq!((b.link().state, b.link().connects), (LinkState::Idle, 1));
        advance(Duration::from_secs(1000)).await;
        assert_eq!(b.actions().await, []);
        (0..150).for_each(|_| b.push(3));
        assert_eq!(b.published().await.len(), 100, "a burst is bounded");
        (3..=102).for_each(|id| b.event(Event::Published(id)));
        assert_eq!(b.published().await.len(), 50, "and the rest follows");
    });
}

#[test]
fn unpublished_is_everything_while_there_is_no_protocol() {
    bench(|| async {
        let mut b = Bench::start("long");
        b.push(1);
        b.actions().await;
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
fn refusal_drops_a_message_and_the_others_go_on() {
    bench(|| async {
        let b = Bench::start("long");
        b.push_bytes(vec![0; 101]);
        b.push(2);
        b.push(3);
        assert_eq!(b.published().await, [2, 3]);
        b.event(Event::Refused(2, Failure::new(LastError::Refused, "")));
        b.event(Event::Published(3));
        b.settle().await;
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.published, ledger.dropped(DropReason::Refused)), (3, 6));
    });
}

#[test]
fn stop_drains_and_then_counts_the_rest() {
    bench(|| async {
        let b = Bench::start("long");
        (0..150).for_each(|_| b.push(1));
        b.actions().await;
        b.stop.send_replace(true);
        b.settle().await;
        (1..=120).for_each(|id| b.event(Event::Published(id)));
        b.settle().await;
        advance(Duration::from_millis(4900)).await;
        b.settle().await;
        assert!(!b.run.is_finished());
        advance(Duration::from_millis(200)).await;
        let actions = b.actions().await;
        assert_eq!(actions[actions.len() - 2..], [Action::Disconnect, Action::Close]);
        assert!(b.run.is_finished());
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.published, ledger.dropped(DropReason::Shutdown)), (360, 90));
        assert_eq!((ledger.queued, ledger.in_flight), (0, 0));
    });
}

#[test]
fn stop_waits_for_an_attempt_only_if_something_is_to_be_sent() {
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
