//! The status message in the loop, with a broker of our making and a clock that jumps.

use super::bench::{Action, Bench, bench, lost};
use crate::model::{Failure, Health, HealthState, LastError};
use crate::mqtt::client::{Event, STATUS_ID};
use serde_json::Value;
use std::time::Duration;
use tokio::time::advance;

const TOPIC: &str = "status/CC:1B:E0:E0:E6:D0";

fn say(b: &Bench, state: HealthState, reason: &str) {
    b.stats.set_health(Health { state, reason: reason.into(), since: None });
}

fn start(connection: &str) -> Bench {
    Bench::start_with_status(connection, "status/{router}", 1)
}

/// State and reason of the status messages among these.
fn told(actions: Vec<Action>) -> Vec<String> {
    let one = |action| match action {
        Action::PublishStatus(topic, message) => {
            assert_eq!(topic, TOPIC);
            let word = |key: &str| message[key].as_str().expect("a word").to_owned();
            Some(format!("{} {}", word("state"), word("reason")).trim_end().to_owned())
        }
        _ => None,
    };
    actions.into_iter().filter_map(one).collect()
}

fn acknowledge(b: &Bench) {
    b.event(Event::Published(STATUS_ID));
}

#[test]
fn status_is_the_first_message_of_a_connection_once_it_is_known() {
    bench(|| async {
        let b = start("long");
        let actions = b.actions().await;
        assert!(
            matches!(&actions[..], [Action::Connect(_)]),
            "nobody is offline over a living connection: {actions:?}"
        );
        say(&b, HealthState::Online, "");
        let actions = b.actions().await;
        let [Action::PublishStatus(_, message)] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(message["router"], "CC:1B:E0:E0:E6:D0");
        assert_eq!(message["broker"], "broker:1883");
        assert_eq!(message["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(message["epoch"].as_str().map(str::len), Some(16));
        assert_eq!((&message["timestamp"], &message["since"]), (&Value::from(0), &Value::Null));
        assert_eq!(message["ledger"]["Received"], 0);
        let ledger = b.stats.snapshot();
        acknowledge(&b);
        assert_eq!(b.actions().await, []);
        assert_eq!(b.stats.snapshot(), ledger, "it is in no book of adverts");
        // Another connection, and all anew.
        b.event(lost(LastError::Closed));
        b.actions().await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(told(b.actions().await), ["online"]);
    });
}

#[test]
fn status_changes_go_once_a_second_and_the_last_one_wins() {
    bench(|| async {
        let b = start("long");
        say(&b, HealthState::Online, "");
        assert_eq!(told(b.actions().await), ["online"]);
        for n in 0..100 {
            say(&b, HealthState::Degraded, &format!("r{n}"));
            assert_eq!(told(b.actions().await).len(), 0, "too soon, and the first one is not acknowledged");
        }
        acknowledge(&b);
        b.settle().await;
        advance(Duration::from_millis(900)).await;
        assert_eq!(told(b.actions().await).len(), 0);
        advance(Duration::from_millis(101)).await;
        assert_eq!(told(b.actions().await), ["degraded r99"]);
        acknowledge(&b);
        b.settle().await;
        // What came and went is not told.
        say(&b, HealthState::Online, "");
        b.settle().await;
        say(&b, HealthState::Degraded, "r99");
        b.settle().await;
        advance(Duration::from_secs(59)).await;
        assert_eq!(told(b.actions().await).len(), 0);
        advance(Duration::from_millis(1001)).await;
        assert_eq!(told(b.actions().await), ["degraded r99"], "fresh figures");
    });
}

#[test]
fn status_takes_a_place_in_the_window_and_a_timeout_like_any_other() {
    bench(|| async {
        let b = Bench::start_with_status("long", "status/{router}", 2);
        say(&b, HealthState::Online, "");
        (0..30).for_each(|n| b.push(n));
        let actions = b.actions().await;
        let adverts = actions.iter().filter(|action| matches!(action, Action::Publish(..))).count();
        assert_eq!((adverts, told(actions).len()), (19, 1));
        acknowledge(&b);
        assert_eq!(b.published().await.len(), 1);
        (1..=20).for_each(|id| b.event(Event::Published(id)));
        b.settle().await;
        (21..=30).for_each(|id| b.event(Event::Published(id)));
        b.settle().await;
        // Nothing but the status is in flight.
        advance(Duration::from_secs(60)).await;
        assert_eq!(told(b.actions().await).len(), 1);
        advance(Duration::from_secs(31)).await;
        b.settle().await;
        assert_eq!(b.link().error.map(|e| e.code.as_str()), Some("timeout"));
        assert_eq!(b.stats.snapshot().published, 90);
    });
}

#[test]
fn status_that_the_broker_closes_on_is_given_up_and_not_the_adverts() {
    bench(|| async {
        let mut b = start("long");
        say(&b, HealthState::Online, "");
        b.push(1);
        for _ in 0..3 {
            assert_eq!(told(b.actions().await), ["online"]);
            b.event(lost(LastError::Closed));
            b.settle().await;
            advance(Duration::from_secs(60)).await;
        }
        assert_eq!(b.published().await, [1]);
        b.event(Event::Published(1));
        b.settle().await;
        say(&b, HealthState::Degraded, "off");
        advance(Duration::from_secs(600)).await;
        assert_eq!(b.actions().await, [], "it is given up");
        b.set(|d| d.raw.status_topic = "allowed".into());
        let actions = b.actions().await;
        assert!(matches!(&actions[..], [.., Action::PublishStatus(topic, _)] if topic == "allowed"), "{actions:?}");
    });
}

#[test]
fn status_that_is_refused_is_tried_again_with_the_next_news() {
    bench(|| async {
        let b = start("long");
        say(&b, HealthState::Online, "");
        assert_eq!(told(b.actions().await), ["online"]);
        b.event(Event::Refused(STATUS_ID, Failure::new(LastError::Refused, "not authorised")));
        advance(Duration::from_secs(2)).await;
        assert_eq!(told(b.actions().await).len(), 0);
        say(&b, HealthState::Degraded, "off");
        assert_eq!(told(b.actions().await), ["degraded off"]);
    });
}

#[test]
fn status_ends_before_the_will_is_taken_back() {
    bench(|| async {
        for stop in [true, false] {
            let mut b = start("long");
            say(&b, HealthState::Online, "");
            b.actions().await;
            acknowledge(&b);
            b.settle().await;
            if stop {
                b.stop.send_replace(true);
            } else {
                b.set(|d| d.raw.status_topic = "other".into());
            }
            let actions = b.actions().await;
            let [Action::PublishStatus(topic, message)] = &actions[..] else { panic!("{actions:?}") };
            assert_eq!((&**topic, &message["state"]), (TOPIC, &Value::from("offline")));
            assert_eq!(message["reason"], if stop { "stopped" } else { "reconfigured" });
            acknowledge(&b);
            let actions = b.actions().await;
            assert_eq!(actions[0], Action::Disconnect);
            assert_eq!(b.run.is_finished(), stop);
        }
    });
}

#[test]
fn status_end_that_is_not_acknowledged_is_left_to_the_will() {
    bench(|| async {
        let b = start("long");
        say(&b, HealthState::Online, "");
        b.actions().await;
        acknowledge(&b);
        b.settle().await;
        b.stop.send_replace(true);
        assert_eq!(told(b.actions().await), ["offline stopped"]);
        advance(Duration::from_millis(501)).await;
        assert_eq!(b.actions().await, [Action::Abort, Action::Close]);
    });
}

#[test]
fn status_goes_over_short_connections_and_they_are_made_for_it() {
    bench(|| async {
        let b = start("short");
        say(&b, HealthState::Online, "");
        let actions = b.actions().await;
        assert!(matches!(&actions[..], [Action::Connect(_), Action::PublishStatus(..)]), "{actions:?}");
        acknowledge(&b);
        assert_eq!(b.actions().await, [Action::Disconnect]);
        // Adverts within the minute go without.
        b.push(1);
        assert_eq!(b.actions().await.len(), 2);
        b.event(Event::Published(1));
        assert_eq!(b.actions().await, [Action::Disconnect]);
        say(&b, HealthState::Degraded, "no-bluez");
        advance(Duration::from_secs(1)).await;
        assert_eq!(told(b.actions().await), ["degraded no-bluez"]);
        acknowledge(&b);
        b.settle().await;
        advance(Duration::from_secs(60)).await;
        assert_eq!(told(b.actions().await), ["degraded no-bluez"]);
        acknowledge(&b);
        b.actions().await;
        // The end takes a connection more.
        b.stop.send_replace(true);
        assert_eq!(told(b.actions().await), ["offline stopped"]);
        acknowledge(&b);
        let actions = b.actions().await;
        assert_eq!(actions, [Action::Disconnect, Action::Close]);
    });
}

#[test]
fn status_that_is_due_has_a_short_connection_tried_again_although_nothing_is_heard() {
    bench(|| async {
        let b = start("short");
        b.answer(Some(Err(Failure::new(LastError::Refused, "no"))));
        say(&b, HealthState::Offline, "connecting");
        for _ in 0..3 {
            assert!(matches!(&b.actions().await[..], [Action::Connect(_)]));
            advance(Duration::from_secs(60)).await;
        }
        b.answer(Some(Ok(())));
        b.actions().await;
        advance(Duration::from_secs(60)).await;
        b.actions().await;
        say(&b, HealthState::Online, "");
        assert_eq!(told(b.actions().await), ["online"]);
    });
}
