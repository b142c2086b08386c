use super::*;
use std::num::NonZero;
use std::sync::Arc;
use tokio::task::yield_now;

fn call(sender: &str, serial: u32, member: &str) -> Message {
    let call = Message::method_call("/", member).sender(sender).serial(NonZero::new(serial).expect("not 0"));
    call.build(&()).expect("a message")
}

fn answer(call: &Message) -> Message {
    Message::method_return(&call.header()).build(&()).expect("a message")
}

async fn refused(admission: &Admission, call: &Message) -> String {
    match admission.admit(call, false).await {
        Err(fdo::Error::LimitsExceeded(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn admission_gives_a_client_so_many_places_and_one_back_with_each_answer() {
    let admission = Admission::default();
    let calls: Vec<_> = (1..).map(|serial| call(":1.5", serial, "Get")).take(MAX_CALLS_PER_CLIENT).collect();
    for call in &calls {
        admission.admit(call, false).await.expect("a place");
    }
    let more = call(":1.5", 1000, "Get");
    assert!(refused(&admission, &more).await.contains("of this client"));
    admission.admit(&call(":1.6", 1000, "Get"), false).await.expect("another client's");
    // It answered one, but others waited all the time.
    admission.end(&answer(&calls[0]));
    assert!(refused(&admission, &more).await.contains("of this client"));
    admission.caught_up();
    admission.admit(&more, false).await.expect("a place");
    // The rest of its calls is still at work.
    assert!(refused(&admission, &call(":1.5", 1001, "Get")).await.contains("of this client"));
}

#[tokio::test(start_paused = true)]
async fn admission_waits_for_a_place_and_refuses_when_none_comes() {
    let admission = Arc::new(Admission::default());
    let calls: Vec<_> = (0..MAX_CALLS).map(|n| call(&format!(":1.{n}"), 1, "Get")).collect();
    for call in &calls {
        admission.admit(call, false).await.expect("a place");
    }
    let late = call(":1.999", 1, "Get");
    let waiting = tokio::spawn({
        let (admission, late) = (admission.clone(), late.clone());
        async move { admission.admit(&late, false).await.is_ok() }
    });
    yield_now().await;
    assert!(!waiting.is_finished());
    admission.end(&answer(&calls[3]));
    assert!(waiting.await.expect("no panic"));
    assert!(refused(&admission, &call(":1.998", 1, "Get")).await.contains(&MAX_CALLS.to_string()));
}

#[tokio::test]
async fn admission_keeps_places_for_calls_that_do_not_wait() {
    let admission = Admission::default();
    for n in 0..MAX_SLOW_CALLS {
        admission.admit(&call(&format!(":1.{n}"), 1, "TestConnection"), false).await.expect("a place");
    }
    assert!(refused(&admission, &call(":1.900", 1, "Apply")).await.contains("TestConnection"));
    admission.admit(&call(":1.900", 2, "Get"), false).await.expect("a place");
}

#[tokio::test(start_paused = true)]
async fn admission_counts_bytes() {
    let admission = Admission::default();
    let large = |serial| {
        let call = Message::method_call("/", "Apply").sender(":1.5").serial(NonZero::new(serial).expect("not 0"));
        call.build(&"x".repeat(MAX_CALL_BYTES - 1000)).expect("a message")
    };
    admission.admit(&large(1), false).await.expect("a place");
    admission.admit(&large(2), false).await.expect("a place");
    refused(&admission, &large(3)).await;
    admission.end(&answer(&large(1)));
    admission.admit(&large(4), false).await.expect("a place");
}

#[tokio::test]
async fn admission_keeps_an_answer_from_who_wants_none() {
    let admission = Admission::default();
    let silent = call(":1.5", 7, "Apply");
    admission.admit(&silent, true).await.expect("a place");
    assert!(!admission.wanted(&answer(&silent)));
    assert!(admission.wanted(&answer(&call(":1.5", 8, "Apply"))));
    admission.end(&answer(&silent));
    assert!(admission.calls().is_empty());
}
