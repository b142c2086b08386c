use super::*;
use crate::model::LastError;
use proptest::prelude::*;

/// A connection at this level, with CONNECT sent.
struct Talk {
    exchange: Exchange,
    filter: InboundFilter,
    sent: OutboundObserver,
}

impl Talk {
    fn begin(level: u8) -> Self {
        let mut talk =
            Self { exchange: Exchange::default(), filter: InboundFilter::default(), sent: OutboundObserver::default() };
        let mut connect = vec![0x10, 10, 0, 4];
        connect.extend(b"MQTT");
        connect.extend([level, 2, 0, 60]);
        talk.send(&connect);
        talk
    }

    /// The same, accepted.
    fn accepted(level: u8) -> Self {
        let mut talk = Self::begin(level);
        let connack: &[u8] = if level == 5 { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] };
        assert_eq!(talk.hear(connack), Ok(connack.to_vec()));
        talk
    }

    fn send(&mut self, bytes: &[u8]) {
        self.sent.feed(bytes, &mut self.exchange, |_| {}).expect("our own");
    }

    fn publish(&mut self, qos: u8, id: u16) {
        let [high, low] = id.to_be_bytes();
        self.send(&[0x30 | qos << 1, 6, 0, 1, b't', high, low, b'x']);
    }

    /// What passes, or the word for what does not.
    fn hear(&mut self, bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut out = Vec::new();
        let heard = self.filter.feed(bytes, &mut self.exchange, &mut out);
        heard.map(|()| out).map_err(|failure| failure.code.as_str())
    }
}

#[test]
fn inbound_filter_passes_the_exchange_of_each_qos() {
    for level in [3, 4, 5] {
        let mut talk = Talk::accepted(level);
        talk.publish(1, 7);
        talk.publish(2, 8);
        assert_eq!(talk.hear(&[0x40, 2, 0, 7]), Ok(vec![0x40, 2, 0, 7]));
        assert_eq!(talk.hear(&[0x50, 2, 0, 8]), Ok(vec![0x50, 2, 0, 8]));
        talk.send(&[0x62, 2, 0, 8]);
        assert_eq!(talk.hear(&[0x70, 2, 0, 8]), Ok(vec![0x70, 2, 0, 8]));
        talk.send(&[0xC0, 0]);
        assert_eq!(talk.hear(&[0xD0, 0]), Ok(vec![0xD0, 0]));
    }
}

#[test]
fn inbound_filter_ends_the_connection_over_what_nothing_asked_for() {
    // After CONNACK, a message of QoS 1 with the id 1, and one of QoS 2 with the id 2.
    for (level, bytes) in [
        (4, &[0x70, 2, 0, 1][..]),
        (4, &[0x70, 2, 0, 2]),
        (4, &[0x50, 2, 0, 1]),
        (5, &[0x50, 3, 0, 1, 0x87]),
        (4, &[0x40, 2, 0, 3]),
        (4, &[0x40, 2, 0, 0]),
        (4, &[0x90, 3, 0, 1, 0]),
        (4, &[0x90, 2, 0, 1]),
        (4, &[0xB0, 2, 0, 1]),
        (5, &[0xB0, 4, 0, 1, 0, 0]),
        (4, &[0xD0, 0]),
        (4, &[0x20, 2, 0, 0]),
        (4, &[0xE0, 0]),
        (4, &[0x40, 3, 0, 1, 0]),
        (5, &[0x40, 3, 0, 1, 0x42]),
        (5, &[0x40, 6, 0, 1, 0, 2, 0x1F, 0]),
        (4, &[0x41, 2, 0, 1]),
        (4, &[0xC0, 0]),
        (4, &[0x10, 0]),
        (4, &[0x00, 0]),
        (4, &[0x40, 0x80, 0x80, 0x80, 0x80, 1]),
        (4, &[0x30, 1, 0]),
        (4, &[0x32, 4, 0, 1, b't', 0]),
        (4, &[0x32, 5, 0, 1, b't', 0, 0]),
        (4, &[0x62, 2, 0, 0]),
        (5, &[0x30, 0x80, 0x80, 0x80, 0x02]),
    ] {
        let mut talk = Talk::accepted(level);
        talk.publish(1, 1);
        talk.publish(2, 2);
        assert_eq!(talk.hear(bytes), Err("protocol"), "{bytes:x?} at level {level}");
    }
    let mut talk = Talk::accepted(4);
    talk.publish(2, 2);
    assert_eq!(talk.hear(&[0x50, 2, 0, 2]), Ok(vec![0x50, 2, 0, 2]));
    assert_eq!(talk.hear(&[0x70, 2, 0, 2]), Err("protocol"), "PUBREL was not sent");
    let mut talk = Talk::accepted(4);
    talk.publish(1, 2);
    assert_eq!(talk.hear(&[0x40, 2, 0, 2]), Ok(vec![0x40, 2, 0, 2]));
    assert_eq!(talk.hear(&[0x40, 2, 0, 2]), Err("protocol"), "twice");
}

#[test]
fn inbound_filter_lets_nothing_pass_before_connack() {
    for bytes in [&[0x40, 2, 0, 1][..], &[0xD0, 0], &[0x30, 3, 0, 1, b't']] {
        let mut talk = Talk::begin(4);
        talk.publish(1, 1);
        assert_eq!(talk.hear(bytes), Err("protocol"));
    }
    let mut out = Vec::new();
    let early = InboundFilter::default().feed(&[0x20, 2, 0, 0], &mut Exchange::default(), &mut out);
    assert_eq!(early.map_err(|failure| failure.code.as_str()), Err("protocol"), "CONNECT was not sent");
    assert!(out.is_empty());
}

#[test]
fn inbound_filter_tells_refusals_apart() {
    for (level, bytes, word) in [
        (4, &[0x20, 2, 0, 5][..], "auth"),
        (4, &[0x20, 2, 0, 1], "mqtt-version"),
        (4, &[0x20, 2, 0, 99], "protocol"),
        (5, &[0x20, 2, 0, 1], "mqtt-version"),
        (5, &[0x20, 2, 0, 0], "mqtt-version"),
        (5, &[0x20, 2, 0, 5], "auth"),
        (5, &[0x20, 3, 0, 0x87, 0], "auth"),
        (5, &[0x20, 3, 0, 0x9F, 0], "server-unavailable"),
        (5, &[0x20, 3, 0, 0x10, 0], "protocol"),
        (5, &[0x20, 3, 2, 0, 0], "protocol"),
    ] {
        assert_eq!(Talk::begin(level).hear(bytes), Err(word), "{bytes:x?} at level {level}");
    }
    let mut talk = Talk::accepted(5);
    assert_eq!(talk.hear(&[0xE0, 1, 0x8E]), Err("session-taken-over"));
    let mut talk = Talk::accepted(4);
    talk.publish(2, 2);
    assert_eq!(talk.hear(&[0x40, 2, 0, 2]), Err("qos"), "a broker without QoS 2");
}

#[test]
fn inbound_filter_shortens_what_passes_and_keeps_why_a_message_was_refused() {
    let mut talk = Talk::begin(5);
    let connack = [0x20, 14, 1, 0, 11, 0x21, 0, 9, 0x13, 0, 5, 0x27, 0, 0, 4, 0];
    assert_eq!(talk.hear(&connack), Ok(vec![0x20, 9, 1, 0, 6, 0x21, 0, 9, 0x13, 0, 5]));
    assert_eq!(talk.exchange.accepted().expect("accepted").maximum_packet_size, Some(1024));
    talk.publish(1, 1);
    talk.publish(1, 2);
    assert_eq!(talk.hear(&[0x40, 8, 0, 1, 0x10, 4, 0x1F, 0, 1, b'x']), Ok(vec![0x40, 2, 0, 1]));
    assert_eq!(talk.hear(&[0x40, 8, 0, 2, 0x97, 4, 0x1F, 0, 1, b'x']), Ok(vec![0x40, 3, 0, 2, 0x97]));
    let refusal = talk.exchange.refusal(0x97).expect("kept");
    assert!(refusal.code == LastError::Quota && refusal.detail.contains("It says: x."), "{refusal:?}");
    talk.publish(2, 3);
    assert_eq!(talk.hear(&[0x50, 3, 0, 3, 0x87]), Ok(vec![0x50, 3, 0, 3, 0x87]));
    assert_eq!(talk.exchange.refusal_qos2(3).expect("kept").1.code, LastError::NotAuthorised);
    assert_eq!(talk.exchange.refusal_qos2(3), None);
}

#[test]
fn inbound_filter_acknowledges_messages_and_keeps_none() {
    let mut talk = Talk::accepted(4);
    // 200 MB, of which nothing is kept.
    assert_eq!(talk.hear(&[0x32, 0x80, 0x84, 0xAF, 0x5F, 0, 1, b't', 0, 9]), Ok(vec![]));
    let chunk = vec![0; 64 * 1024];
    let mut left = 200_000_000 - 5;
    while left > 0 {
        assert_eq!(talk.exchange.reply(), None, "not complete");
        let part = left.min(chunk.len());
        assert_eq!(talk.hear(&chunk[..part]), Ok(vec![]));
        left -= part;
    }
    assert!(talk.filter.body.capacity() < 100);
    assert_eq!(talk.exchange.reply(), Some([0x40, 2, 0, 9]));
    assert_eq!(talk.hear(&[0x34, 5, 0, 1, b't', 0, 8, 0x30, 3, 0, 1, b't', 0x62, 2, 0, 8]), Ok(vec![]));
    assert_eq!(talk.exchange.reply(), Some([0x50, 2, 0, 8]));
    assert_eq!(talk.exchange.reply(), Some([0x70, 2, 0, 8]));
    assert_eq!(talk.exchange.reply(), None);
}

/// Any packet, well-formed or not.
fn packets() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        Just(vec![]),
        (0u8..3, 0u8..5).prop_map(|(high, low)| vec![high, low]),
        (0u8..5, any::<u8>()).prop_map(|(low, code)| vec![0, low, code]),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    let first = prop_oneof![any::<u8>(), Just(0x40), Just(0x50), Just(0x70), Just(0x32), Just(0x62), Just(0xD0)];
    (first, body).prop_map(|(first, body)| [&[first, body.len() as u8][..], &body].concat())
}

proptest! {
    #[test]
    fn inbound_filter_passes_each_acknowledgement_once(
        level in 3u8..=5,
        steps in prop::collection::vec((0u8..4, 1u16..5, packets()), 0..60),
        cut in 1usize..9,
    ) {
        let mut talk = Talk::accepted(level);
        let mut open = std::collections::BTreeMap::new();
        for (act, id, packet) in steps {
            match act {
                1 | 2 if !open.contains_key(&id) => {
                    open.insert(id, if act == 1 { 0x40 } else { 0x50 });
                    talk.publish(act, id);
                }
                3 if open.get(&id) == Some(&0x62) => {
                    open.insert(id, 0x70);
                    talk.send(&[0x62, 2, 0, id as u8]);
                }
                0 => {}
                _ => continue,
            }
            let mut passed = Vec::new();
            let heard = packet.chunks(cut).try_for_each(|part| talk.filter.feed(part, &mut talk.exchange, &mut passed));
            // What passes is one whole packet that was awaited.
            if !passed.is_empty() {
                let id = u16::from_be_bytes([passed[2], passed[3]]);
                prop_assert_eq!(open.get(&id), Some(&passed[0]));
                let refused = passed.get(4).is_some_and(|code| *code >= 0x80);
                prop_assert_eq!(passed.len(), if refused { 5 } else { 4 });
                match passed[0] {
                    0x50 if !refused => drop(open.insert(id, 0x62)),
                    _ => drop(open.remove(&id)),
                }
            }
            if heard.is_err() {
                return Ok(());
            }
        }
    }
}
