//! What the broker does not take, and what becomes of it.

use super::bench::{Action, Bench, bench, lost};
use crate::model::{DropReason, Failure, LastError, Message};
use crate::mqtt::client::Event;
use std::time::Duration;
use tokio::time::advance;

/// As many items.
fn array(items: usize) -> Message {
    let items: Vec<_> = (0..items).map(|n| format!("{{\"n\":\"{n:0>200}\"}}")).collect();
    let adverts = items.len() as u64;
    Message { payload: format!("[{}]", items.join(",")).into_bytes(), adverts, ..Message::default() }
}

/// Adverts in the messages that were published since the last call, and their ids.
async fn published(b: &Bench) -> Vec<(u64, usize)> {
    let ids = b
        .actions()
        .await
        .into_iter()
        .filter_map(|action| if let Action::Publish(id, ..) = action { Some(id) } else { None });
    let ids: Vec<_> = ids.collect();
    let payloads = b.payloads();
    let from = payloads.len() - ids.len();
    let items = |payload: &Vec<u8>| serde_json::from_slice::<serde_json::Value>(payload).ok()?.as_array().map(Vec::len);
    ids.into_iter().zip(&payloads[from..]).map(|(id, payload)| (id, items(payload).unwrap_or(0))).collect()
}

async fn lose(b: &Bench) {
    b.event(lost(LastError::Closed));
    b.settle().await;
    advance(Duration::from_secs(60)).await;
}

fn dropped(b: &Bench) -> u64 {
    b.stats.snapshot().dropped(DropReason::Refused)
}

#[test]
fn refusal_of_a_message_that_ends_every_connection_needs_another_one_that_gets_through() {
    bench(|| async {
        let b = Bench::start("long");
        (1..=3).for_each(|n| b.push(n));
        for round in 1..=6 {
            let published = b.published().await;
            assert_eq!(published, if round <= 2 { vec![1, 2, 3] } else { vec![1] }, "round {round}");
            lose(&b).await;
        }
        assert_eq!(b.published().await, [2], "the first one waits aside");
        b.event(Event::Published(2));
        assert_eq!((b.published().await, dropped(&b)), (vec![1], 0), "once more");
        lose(&b).await;
        assert_eq!((b.published().await, dropped(&b)), (vec![3], 3));
    });
}

#[test]
fn refusal_is_no_matter_of_a_message_that_gets_through_at_last() {
    bench(|| async {
        let b = Bench::start("long");
        (1..=3).for_each(|n| b.push(n));
        for _ in 1..=6 {
            b.settle().await;
            lose(&b).await;
        }
        b.settle().await;
        b.event(Event::Published(2));
        b.settle().await;
        b.event(Event::Published(1));
        b.settle().await;
        b.event(Event::Published(3));
        b.settle().await;
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.published, ledger.dropped_total()), (9, 0));
    });
}

#[test]
fn refusal_is_no_messages_fault_while_the_broker_takes_none() {
    bench(|| async {
        let b = Bench::start("long");
        (1..=3).for_each(|n| b.push(n));
        for _ in 0..50 {
            b.settle().await;
            lose(&b).await;
        }
        assert_eq!(dropped(&b), 0);
        let ledger = b.stats.snapshot();
        assert_eq!(ledger.queued + ledger.in_flight, 9);
        // Idle connections that are closed prove nothing either.
        let b = Bench::start("long");
        b.push(1);
        for _ in 0..20 {
            b.settle().await;
            lose(&b).await;
        }
        b.stop.send_replace(true);
        b.settle().await;
        advance(Duration::from_secs(6)).await;
        b.settle().await;
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.dropped(DropReason::Shutdown), dropped(&b)), (3, 0), "it was put back at the end");
    });
}

#[test]
fn refusal_that_may_pass_waits_and_sends_again_in_order() {
    bench(|| async {
        for (connection, code) in
            [("long", LastError::Quota), ("short", LastError::Quota), ("long", LastError::MessageRefused)]
        {
            let b = Bench::start(connection);
            (1..=4).for_each(|n| b.push(n));
            assert_eq!(b.published().await, [1, 2, 3, 4]);
            b.event(Event::Published(2));
            // In any order.
            for id in [4, 1, 3] {
                b.event(Event::Deferred(id, Failure::new(code, "")));
            }
            b.settle().await;
            b.push(5);
            let sent = b.published().await;
            assert!(sent.is_empty(), "it waits: {connection} {code} {sent:?}");
            advance(Duration::from_secs(1)).await;
            assert_eq!(b.published().await, [1], "one first");
            b.event(Event::Published(1));
            assert_eq!(b.published().await, [3, 4]);
            (3..=4).for_each(|id| b.event(Event::Published(id)));
            assert_eq!(b.published().await, [5]);
            b.event(Event::Published(5));
            b.settle().await;
            let ledger = b.stats.snapshot();
            assert_eq!((ledger.published, ledger.dropped_total()), (15, 0));
        }
    });
}

#[test]
fn refusal_that_does_not_pass_for_one_message_alone_is_a_refusal() {
    bench(|| async {
        for code in [LastError::MessageRefused, LastError::Quota] {
            let b = Bench::start("long");
            (1..=3).for_each(|n| b.push(n));
            assert_eq!(b.published().await, [1, 2, 3]);
            b.event(Event::Deferred(1, Failure::new(code, "no")));
            (2..=3).for_each(|id| b.event(Event::Published(id)));
            b.push(4);
            b.settle().await;
            for _ in 4..20 {
                b.settle().await;
                advance(Duration::from_secs(60)).await;
                match b.published().await[..] {
                    [1] => b.event(Event::Deferred(1, Failure::new(code, "no"))),
                    [4] if code != LastError::Quota => b.event(Event::Published(4)),
                    [] if code != LastError::Quota => break,
                    ref other => panic!("{other:?}"),
                }
            }
            let ledger = b.stats.snapshot();
            assert_eq!((ledger.published, dropped(&b)), if code == LastError::Quota { (6, 0) } else { (9, 3) });
        }
    });
}

#[test]
fn size_that_the_broker_tells_cuts_what_waits() {
    bench(|| async {
        let b = Bench::start("long");
        b.set_maximum_packet_size(1_000);
        lose(&b).await;
        b.push_message(array(20));
        b.push_message(array(1));
        let parts = published(&b).await;
        assert_eq!(parts.iter().map(|(_, items)| items).sum::<usize>(), 21);
        assert!(parts.len() > 5 && b.payloads().iter().all(|payload| payload.len() <= 1_000), "{parts:?}");
        parts.iter().for_each(|(id, _)| b.event(Event::Published(*id)));
        b.settle().await;
        let ledger = b.stats.snapshot();
        assert_eq!((ledger.published, ledger.in_flight, ledger.dropped_total()), (21, 0, 0));
        assert_eq!(b.link().maximum_packet_size, Some(1_000));
    });
}

#[test]
fn size_that_closes_the_connection_is_learned_and_costs_nothing_more() {
    bench(|| async {
        let b = Bench::start("long");
        b.take_any_size();
        (0..10).for_each(|_| b.push_message(array(100)));
        let mut closed = 0;
        while b.stats.snapshot().published < 1_000 {
            let sent = published(&b).await;
            assert!(!sent.is_empty() || closed < 20, "it goes on");
            // A broker that takes 4000 bytes.
            let payloads = b.payloads();
            let from = payloads.len() - sent.len();
            for ((id, _), payload) in sent.iter().zip(&payloads[from..]) {
                if payload.len() > 4_000 {
                    closed += 1;
                    lose(&b).await;
                    break;
                }
                b.event(Event::Published(*id));
            }
        }
        assert!(closed <= 10, "closed {closed} times");
        assert_eq!(b.stats.snapshot().dropped_total(), 0);
        assert!(b.link().maximum_packet_size.is_some_and(|size| (1_000..=4_000).contains(&size)));
        // One advert that is as large as what was refused is not tried.
        b.push_message(Message { payload: vec![b'x'; 30_000], adverts: 1, ..Message::default() });
        b.push(7);
        assert_eq!(b.published().await, [7]);
        assert_eq!(dropped(&b), 1);
    });
}
