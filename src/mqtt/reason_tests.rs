use super::*;
use crate::dbus::names::LAST_ERRORS;

/// Each code, the word of CONNACK and that of DISCONNECT.
const CODES: [(u8, &str, &str); 37] = [
    (0x00, "protocol", "closed"),
    (0x04, "protocol", "closed"),
    (0x10, "protocol", "protocol"),
    (0x80, "server-unavailable", "closed"),
    (0x81, "protocol", "protocol"),
    (0x82, "protocol", "protocol"),
    (0x83, "server-unavailable", "closed"),
    (0x84, "mqtt-version", "mqtt-version"),
    (0x85, "client-id", "client-id"),
    (0x86, "auth", "auth"),
    (0x87, "auth", "not-authorised"),
    (0x88, "server-unavailable", "server-unavailable"),
    (0x89, "server-unavailable", "server-unavailable"),
    (0x8A, "auth", "auth"),
    (0x8B, "server-unavailable", "server-unavailable"),
    (0x8C, "auth", "auth"),
    (0x8D, "timeout", "timeout"),
    (0x8E, "session-taken-over", "session-taken-over"),
    (0x8F, "protocol", "protocol"),
    (0x90, "status-topic", "message-refused"),
    (0x91, "protocol", "protocol"),
    (0x92, "protocol", "protocol"),
    (0x93, "protocol", "protocol"),
    (0x94, "protocol", "protocol"),
    (0x95, "too-large", "too-large"),
    (0x96, "quota", "quota"),
    (0x97, "quota", "quota"),
    (0x98, "administrative", "administrative"),
    (0x99, "status-topic", "message-refused"),
    (0x9A, "status-topic", "status-topic"),
    (0x9B, "status-topic", "qos"),
    (0x9C, "server-moved", "server-moved"),
    (0x9D, "server-moved", "server-moved"),
    (0x9E, "protocol", "protocol"),
    (0x9F, "server-unavailable", "server-unavailable"),
    (0xA0, "server-unavailable", "server-unavailable"),
    (0xA1, "protocol", "protocol"),
];

#[test]
fn reason_codes_of_connack_and_disconnect_have_their_word_and_text() {
    let properties = Properties {
        reason_string: Some("maintenance until 18:00".into()),
        server_reference: Some("other:1883".into()),
        ..Properties::default()
    };
    for (code, connack, disconnect) in CODES {
        for (with, word, act) in
            [(With::Connack, connack, "refuses to connect"), (With::Disconnect, disconnect, "ended the connection")]
        {
            let failure = failure(with, code, &properties);
            let name = name(code).expect("in the table of MQTT 5");
            let said = format!("The broker {act}: {name} ({code:#04X}).");
            assert_eq!(failure.word, word, "{code:#x} {with:?}");
            assert!(failure.detail.starts_with(&said), "{}", failure.detail);
            assert!(failure.detail.contains(" It says: maintenance until 18:00."), "{}", failure.detail);
            assert!(failure.detail.contains(" It names another broker: other:1883."), "{}", failure.detail);
            assert!(LAST_ERRORS.contains(&word));
        }
    }
    // The table is whole, but for one code that only SUBACK has.
    let known = (0..=255).filter(|code| name(*code).is_some() && *code != 0xA2);
    assert!(known.eq(CODES.iter().map(|(code, ..)| *code)));
}

#[test]
fn reason_codes_that_are_none_are_violations() {
    for with in [With::Connack, With::Acknowledgement, With::Disconnect] {
        for code in (0..=255).filter(|code| name(*code).is_none()) {
            assert_eq!(failure(with, code, &Properties::default()).word, "protocol");
        }
    }
}

#[test]
fn reason_codes_of_messages_have_documented_words_and_advice() {
    for code in [0x80, 0x83, 0x87, 0x90, 0x91, 0x95, 0x97, 0x99, 0x9A, 0x9B] {
        let failure = failure(With::Acknowledgement, code, &Properties::default());
        assert!(LAST_ERRORS.contains(&failure.word) && failure.word != "protocol", "{code:#x} {}", failure.word);
        let said = format!("The broker refuses the message: {} ({code:#04X}). ", name(code).expect("known"));
        assert!(failure.detail.len() > said.len() && failure.detail.starts_with(&said), "{}", failure.detail);
        assert_eq!(passes(code), matches!(code, 0x80 | 0x83 | 0x91 | 0x97), "{code:#x}");
    }
}

#[test]
fn reason_codes_of_mqtt_3_have_documented_words() {
    let words = ["mqtt-version", "client-id", "server-unavailable", "auth", "auth"];
    for (code, word) in (1..).zip(words) {
        assert_eq!(connack_v3(code).word, word, "{code}");
    }
    (6..=255).for_each(|code| assert_eq!(connack_v3(code).word, "protocol"));
}
