//! Brokers that die and come back, and which one the loop uses.

use super::bench::{Bench, Did, bench, lost};
use super::*;
use crate::model::LastError;
use crate::mqtt::client::Event;
use std::time::Duration;
use tokio::time::advance;

fn connect(host: &str) -> Did {
    Did::Connect(format!("{host}:1883"))
}

fn probe(host: &str) -> Did {
    Did::Probe(format!("{host}:1883"))
}

#[test]
fn fallbacks_are_tried_in_order_without_delay_and_a_round_that_failed_waits() {
    bench(|| async {
        let b = Bench::with("long", &["b", "c:7"]);
        b.dead(&["broker", "b", "c"]);
        let round = [connect("broker"), connect("b"), Did::Connect("c:7".into())];
        assert_eq!(b.did().await, round);
        assert_eq!(b.link().state, LinkState::Waiting);
        assert_eq!(b.did().await, []);
        b.dead(&["broker", "b"]);
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.did().await, round);
        let link = b.link();
        assert_eq!((link.state, &*link.broker, link.failovers), (LinkState::Connected, "c:7", 1));
        assert_eq!((link.failures, link.error), (5, None));
    });
}

#[test]
fn a_lost_broker_is_tried_once_more_and_then_the_others_from_the_first_on() {
    bench(|| async {
        let b = Bench::with("long", &["b", "c"]);
        b.dead(&["broker"]);
        b.push(7);
        assert_eq!(b.published().await, [7]);
        advance(Duration::from_secs(11)).await;
        b.dead(&["broker", "b"]);
        b.tell(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        let did = b.did().await;
        assert_eq!(did[..4], [Did::Abandon, connect("b"), connect("broker"), connect("c")]);
        assert!(matches!(did[4..], [Did::Publish(_, _, 7, _)]), "{did:?}");
        assert_eq!(b.link().failovers, 2);
    });
}

#[test]
fn a_broker_that_accepts_and_drops_us_is_left_for_the_next_one() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        assert_eq!(b.did().await, [connect("broker")]);
        b.tell(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.did().await, [Did::Abandon, connect("b")]);
    });
}

#[test]
fn a_broker_that_does_not_accept_is_given_up_soon_and_given_more_time_in_later_rounds() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.answer(None);
        assert_eq!(b.did().await, [connect("broker")]);
        advance(Duration::from_millis(2100)).await;
        assert_eq!(b.did().await, [Did::Abandon, connect("b")]);
        advance(Duration::from_millis(2100)).await;
        assert_eq!(b.did().await, [Did::Abandon]);
        assert_eq!(b.link().error.map(|e| e.code.as_str()), Some("timeout"));
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.did().await, [connect("broker")]);
        advance(Duration::from_secs(3)).await;
        assert_eq!(b.did().await, []);
        advance(Duration::from_millis(1100)).await;
        assert_eq!(b.did().await, [Did::Abandon, connect("b")]);
    });
}

#[test]
fn a_refused_login_moves_on_and_waits_long_only_if_all_refuse() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.answer(Some(Err(Failure::new(LastError::Auth, "no"))));
        assert_eq!(b.did().await, [connect("broker"), connect("b")]);
        advance(Duration::from_secs(29)).await;
        assert_eq!(b.did().await, []);
        b.dead(&["b"]);
        advance(Duration::from_secs(31)).await;
        assert_eq!(b.did().await, [connect("broker"), connect("b")]);
        // The second round: a step of two seconds.
        advance(Duration::from_secs(2)).await;
        assert_eq!(b.did().await, [connect("broker"), connect("b")]);
    });
}

#[test]
fn once_the_first_broker_answers_what_is_in_flight_is_settled_and_the_connection_goes_back() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.dead(&["broker"]);
        assert_eq!(b.did().await, [connect("broker"), connect("b")]);
        advance(Duration::from_secs(29)).await;
        assert_eq!(b.did().await, []);
        advance(Duration::from_secs(61)).await;
        assert_eq!(b.did().await, [probe("broker")]);
        b.dead(&[]);
        let mut id = 1;
        loop {
            b.push(1);
            assert_eq!(b.published().await, [1]);
            advance(Duration::from_secs(10)).await;
            if b.did().await == [probe("broker")] {
                break;
            }
            b.tell(Event::Published(id));
            id += 1;
            assert!(id < 10, "no probe");
        }
        b.push(2);
        assert_eq!(b.did().await, [], "nothing new goes to the fallback");
        b.tell(Event::Published(id));
        let did = b.did().await;
        assert_eq!(did[..2], [Did::Disconnect, connect("broker")]);
        assert!(matches!(did[2..], [Did::Publish(_, _, 2, _)]), "{did:?}");
        let link = b.link();
        assert_eq!((&*link.broker, link.failovers, link.connects, link.failures), ("broker:1883", 1, 2, 1));
    });
}

#[test]
fn a_first_broker_that_answers_but_refuses_is_asked_ever_less_often() {
    bench(|| async {
        let b = Bench::with("long", &["b"]);
        b.dead(&["broker"]);
        b.did().await;
        b.lure();
        let mut probes = 0;
        for _ in 0..240 {
            advance(Duration::from_secs(15)).await;
            probes += b.did().await.iter().filter(|did| **did == probe("broker")).count();
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
        b.did().await;
        b.dead(&[]);
        // It accepts, and closes.
        let mut homes = Vec::new();
        for second in 0..7_200 {
            advance(Duration::from_secs(1)).await;
            if b.did().await.contains(&connect("broker")) {
                homes.push(second);
                b.tell(lost(LastError::Closed));
            }
        }
        assert!(homes.iter().filter(|at| **at < 400).count() <= 2, "{homes:?}");
        assert!((3..=6).contains(&homes.len()), "{homes:?}");
        assert!(homes[2] - homes[1] > homes[1] - homes[0], "{homes:?}");
        // One that stays for a while is gone home to as usual.
        let mut stays = false;
        for _ in 0..8_000 {
            advance(Duration::from_secs(1)).await;
            stays |= b.did().await.contains(&connect("broker"));
        }
        assert!(stays && b.link().broker == "broker:1883");
        b.dead(&["broker"]);
        b.tell(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(b.did().await.last(), Some(&connect("b")));
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
        b.tell(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        b.did().await;
        let error = b.link().error.expect("refused");
        assert!(error.detail.starts_with("The router's clock is not synchronised (it says 20"), "{}", error.detail);
        assert!(error.detail.ends_with("It is out of date."));
        b.answer(Some(Ok(())));
        assert!(b.did().await.is_empty(), "it waits for half a minute at least");
        b.stats.set_clock_synchronised(true);
        assert_eq!(b.did().await, [connect("broker")]);
        assert_eq!(clock_first(error.clone(), true), error);
        assert_eq!(clock_first(Failure::new(LastError::Dns, "no"), false).detail, "no");
        // Once is enough.
        b.answer(Some(Err(Failure::new(LastError::Auth, "no"))));
        b.tell(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        b.did().await;
        b.stats.set_clock_synchronised(true);
        assert!(b.did().await.is_empty());
    });
}

#[test]
fn short_connections_look_for_the_first_broker_by_using_it() {
    bench(|| async {
        let b = Bench::with("short", &["b"]);
        b.dead(&["broker"]);
        for (id, hosts) in [(1, vec!["broker", "b"]), (2, vec!["b"])] {
            b.push(0);
            let did = b.did().await;
            assert_eq!(did[..hosts.len()], hosts.iter().map(|host| connect(host)).collect::<Vec<_>>());
            b.tell(Event::Published(id));
            assert_eq!(b.did().await, [Did::Disconnect]);
        }
        b.dead(&[]);
        advance(Duration::from_secs(91)).await;
        b.push(3);
        assert_eq!(b.did().await[0], connect("broker"));
        assert_eq!(b.link().failovers, 1);
    });
}
