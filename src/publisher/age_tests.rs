//! What waited says for how long when it is handed over, and is the same message nevertheless.

use super::bench::{Bench, bench, lost};
use crate::model::{BootTime, DropReason, LastError, Message, RxTimes};
use crate::mqtt::client::Event;
use std::time::Duration;
use tokio::time::advance;

fn waited(tag: u8, millis: i64) -> Message {
    let received = RxTimes::new(BootTime::now().plus(-millis), 1, Vec::new());
    Message { payload: format!("[{{\"tag\":{tag}}}]").into_bytes(), adverts: 1, received, ..Message::default() }
}

/// Tag and age of everything published so far.
fn sent(b: &Bench) -> Vec<(u64, Option<u64>)> {
    let item = |payload: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&payload).expect("JSON")[0].take();
    b.payloads()
        .into_iter()
        .map(item)
        .map(|item| (item["tag"].as_u64().expect("a tag"), item["age"].as_u64()))
        .collect()
}

#[test]
fn age_is_that_of_the_moment_of_each_handing_over() {
    bench(|| async {
        let b = Bench::start("long");
        b.push_message(waited(1, 60_000));
        b.push_message(waited(2, 1_000));
        b.settle().await;
        b.event(lost(LastError::Closed));
        b.settle().await;
        advance(Duration::from_secs(1)).await;
        b.settle().await;
        let sent = sent(&b);
        assert!(matches!(sent[..], [(1, Some(60_000..)), (2, None), (1, Some(60_000..)), (2, None)]), "{sent:?}");
        assert!(sent[2].1 >= sent[0].1);
    });
}

#[test]
fn age_hides_no_message_that_ends_every_connection() {
    bench(|| async {
        let b = Bench::start("long");
        (1..=3).for_each(|tag| b.push_message(waited(tag, 60_000)));
        // All three twice, then the first one alone; another one gets through, and once more the first one does not.
        for losses in [6, 1] {
            for _ in 0..losses {
                b.settle().await;
                b.event(lost(LastError::Closed));
                b.settle().await;
                advance(Duration::from_secs(60)).await;
            }
            b.settle().await;
            b.event(Event::Published(2));
        }
        b.settle().await;
        assert_eq!(b.stats.snapshot().dropped(DropReason::Refused), 1);
        assert_eq!(sent(&b).iter().rev().take(2).map(|(tag, _)| *tag).collect::<Vec<_>>(), [3, 1]);
    });
}
