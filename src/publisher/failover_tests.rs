//! Brokers that die and come back, and which one the loop uses.

use super::bench::{Action, Bench, bench, lost};
use super::clock_first;
use crate::model::{Failure, LastError, LinkState};
use crate::mqtt::client::Event;
use std::time::Duration;
use tokio::time::advance;

fn connect(host: &str) -> Action {
    Action::Connect(format!("{host}:1883"))
}

fn probe(host: &str) -> Action {
    Action::Probe(format!("{host}:1883"))
}

#[test]
fn failover_tries_fallbacks_in_order_without_delay_and_waits_after_a_round() {
    bench(|| async {
        let b = Bench::with("long", &["b", "c:7"]);
        b.dead(&["broker", "b", "c"]);
        let round = [connect("broker"), connect("b"), Action::Connect("c:7".into())];
        assert_eq!(b.actions().await, round);
        assert_eq!(b.link().state, LinkState::Waiting);
        assert_eq!(b.actions().await, []);
        b.dead(&["broker", "b"]);
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.actions().await, round);
        let link = b.link();
        assert_eq!((link.state, &*link.broker, link.failovers), (LinkState::Connected, "c:7", 1));
        assert_eq!((link.failures, link.error), (5, None));
    });
}

#[test]
fn failover_tries_a_lost_broker_once_more_and_then_the_others_from_the_first_on() {
    bench(|| async {
        let b = Bench::with("long", &["b", "c"]);
        b.dead(&["broker"]);
        b.push(7);
        assert_eq!(b.published().await, [7]);
        advance(Duration::from_secs(11)).await;
        b.dead(&["broker", "b"]);
        b.event(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        let actions = b.actions().await;
        assert_eq!(actions[..4], [Action::Abort, connect("b"), connect("broker"), connect("c")]);
        assert!(matches!(actions[4..], [Action::Publish(_, _, 7, _)]), "{actions:?}");
        assert_eq!(b.link().failovers, 2);
    });
}

#[test]
fn failover_leaves_a_broker_that_accepts_and_drops_us() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        assert_eq!(b.actions().await, [connect("broker")]);
        b.event(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.actions().await, [Action::Abort, connect("b")]);
    });
}

#[test]
fn failover_gives_a_silent_broker_little_time_and_more_in_later_rounds() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.answer(None);
        assert_eq!(b.actions().await, [connect("broker")]);
        advance(Duration::from_millis(2100)).await;
        assert_eq!(b.actions().await, [Action::Abort, connect("b")]);
        advance(Duration::from_millis(2100)).await;
        assert_eq!(b.actions().await, [Action::Abort]);
        assert_eq!(b.link().error.map(|e| e.code.as_str()), Some("timeout"));
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.actions().await, [connect("broker")]);
        advance(Duration::from_secs(3)).await;
        assert_eq!(b.actions().await, []);
        advance(Duration::from_millis(1100)).await;
        assert_eq!(b.actions().await, [Action::Abort, connect("b")]);
    });
}

#[test]
fn failover_moves_on_from_a_refused_login_and_waits_long_only_if_all_refuse() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.answer(Some(Err(Failure::new(LastError::Auth, "no"))));
        assert_eq!(b.actions().await, [connect("broker"), connect("b")]);
        advance(Duration::from_secs(29)).await;
        assert_eq!(b.actions().await, []);
        b.dead(&["b"]);
        advance(Duration::from_secs(31)).await;
        assert_eq!(b.actions().await, [connect("broker"), connect("b")]);
        // The second round: a step of two seconds.
        advance(Duration::from_secs(2)).await;
        assert_eq!(b.actions().await, [connect("broker"), connect("b")]);
    });
}

#[test]
fn failback_follows_a_probe_that_is_answered_once_nothing_is_in_flight() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.dead(&["broker"]);
        assert_eq!(b.actions().await, [connect("broker"), connect("b")]);
        advance(Duration::from_secs(29)).await;
        assert_eq!(b.actions().await, []);
        advance(Duration::from_secs(61)).await;
        assert_eq!(b.actions().await, [probe("broker")]);
        b.dead(&[]);
        let mut id = 1;
        loop {
            b.push(1);
            assert_eq!(b.published().await, [1]);
            advance(Duration::from_secs(10)).await;
            if b.actions().await == [probe("broker")] {
                break;
            }
            b.event(Event::Published(id));
            id += 1;
            assert!(id < 10, "no probe");
        }
        b.push(2);
        assert_eq!(b.actions().await, [], "nothing new goes to the fallback");
        b.event(Event::Published(id));
        let actions = b.actions().await;
        assert_eq!(actions[..2], [Action::Disconnect, connect("broker")]);
        assert!(matches!(actions[2..], [Action::Publish(_, _, 2, _)]), "{actions:?}");
        let link = b.link();
        assert_eq!((&*link.broker, link.failovers, link.connects, link.failures), ("broker:1883", 1, 2, 1));
    });
}

#[test]
fn failback_probes_a_broker_that_answers_but_refuses_ever_less_often() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.dead(&["broker"]);
        b.actions().await;
        b.answer_probes();
        let mut probes = 0;
        for _ in 0..240 {
            advance(Duration::from_secs(15)).await;
            probes += b.actions().await.iter().filter(|action| **action == probe("broker")).count();
            assert_eq!(b.link().broker, "b:1883");
        }
        assert!((2..=6).contains(&probes), "{probes} in an hour");
    });
}

#[test]
fn failback_is_ever_less_often_to_a_first_broker_that_keeps_nobody_and_usual_to_one_that_does() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.dead(&["broker"]);
        b.actions().await;
        b.dead(&[]);
        // It accepts, and closes.
        let mut homes = Vec::new();
        for second in 0..7_200 {
            advance(Duration::from_secs(1)).await;
            if b.actions().await.contains(&connect("broker")) {
                homes.push(second);
                b.event(lost(LastError::Closed));
            }
        }
        assert!(homes.iter().filter(|at| **at < 400).count() <= 2, "{homes:?}");
        assert!((3..=6).contains(&homes.len()), "{homes:?}");
        assert!(homes[2] - homes[1] > homes[1] - homes[0], "{homes:?}");
        // One that stays for a while is gone home to as usual.
        let mut stays = false;
        for _ in 0..8_000 {
            advance(Duration::from_secs(1)).await;
            stays |= b.actions().await.contains(&connect("broker"));
        }
        assert!(stays && b.link().broker == "broker:1883");
        b.dead(&["broker"]);
        b.event(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.actions().await.last(), Some(&connect("b")));
        b.dead(&[]);
        advance(Duration::from_secs(91)).await;
        b.settle().await;
        b.settle().await;
        assert_eq!(b.link().broker, "broker:1883");
    });
}

#[test]
fn attempt_follows_at_once_when_the_clock_is_set_and_names_it_before() {
    bench(|| async {
        let b = Bench::start("long");
        b.answer(Some(Err(Failure::new(LastError::TlsCertificateExpired, "It is out of date."))));
        b.event(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        b.actions().await;
        let error = b.link().error.expect("refused");
        assert!(error.detail.starts_with("The router's clock is not synchronised (it says 20"), "{}", error.detail);
        assert!(error.detail.ends_with("It is out of date."));
        b.answer(Some(Ok(())));
        assert!(b.actions().await.is_empty(), "it waits for half a minute at least");
        b.stats.set_clock_synchronised(true);
        assert_eq!(b.actions().await, [connect("broker")]);
        assert_eq!(clock_first(error.clone(), true), error);
        assert_eq!(clock_first(Failure::new(LastError::Dns, "no"), false).detail, "no");
        // Once is enough.
        b.answer(Some(Err(Failure::new(LastError::Auth, "no"))));
        b.event(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        b.actions().await;
        b.stats.set_clock_synchronised(true);
        assert!(b.actions().await.is_empty());
    });
}

#[test]
fn failback_of_short_connections_is_their_next_attempt() {
    bench(|| async {
        let b = Bench::with("short", &["b"]);
        b.dead(&["broker"]);
        for (id, hosts) in [(1, vec!["broker", "b"]), (2, vec!["b"])] {
            b.push(0);
            let actions = b.actions().await;
            assert_eq!(actions[..hosts.len()], hosts.iter().map(|host| connect(host)).collect::<Vec<_>>());
            b.event(Event::Published(id));
            assert_eq!(b.actions().await, [Action::Disconnect]);
        }
        b.dead(&[]);
        advance(Duration::from_secs(91)).await;
        b.push(3);
        assert_eq!(b.actions().await[0], connect("broker"));
        assert_eq!(b.link().failovers, 1);
    });
}
