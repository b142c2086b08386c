use super::*;
use crate::model::LastError;

/// Each code, the word of CONNACK and that of DISCONNECT.
const CODES: [(u8, LastError, LastError); 37] = [
    (0x00, LastError::Protocol, LastError::Closed),
    (0x04, LastError::Protocol, LastError::Closed),
    (0x10, LastError::Protocol, LastError::Protocol),
    (0x80, LastError::ServerUnavailable, LastError::Closed),
    (0x81, LastError::Protocol, LastError::Protocol),
    (0x82, LastError::Protocol, LastError::Protocol),
    (0x83, LastError::ServerUnavailable, LastError::Closed),
    (0x84, LastError::MqttVersion, LastError::MqttVersion),
    (0x85, LastError::ClientId, LastError::ClientId),
    (0x86, LastError::Auth, LastError::Auth),
    (0x87, LastError::Auth, LastError::NotAuthorised),
    (0x88, LastError::ServerUnavailable, LastError::ServerUnavailable),
    (0x89, LastError::ServerUnavailable, LastError::ServerUnavailable),
    (0x8A, LastError::Auth, LastError::Auth),
    (0x8B, LastError::ServerUnavailable, LastError::ServerUnavailable),
    (0x8C, LastError::Auth, LastError::Auth),
    (0x8D, LastError::Timeout, LastError::Timeout),
    (0x8E, LastError::SessionTakenOver, LastError::SessionTakenOver),
    (0x8F, LastError::Protocol, LastError::Protocol),
    (0x90, LastError::StatusTopic, LastError::MessageRefused),
    (0x91, LastError::Protocol, LastError::Protocol),
    (0x92, LastError::Protocol, LastError::Protocol),
    (0x93, LastError::Protocol, LastError::Protocol),
    (0x94, LastError::Protocol, LastError::Protocol),
    (0x95, LastError::TooLarge, LastError::TooLarge),
    (0x96, LastError::Quota, LastError::Quota),
    (0x97, LastError::Quota, LastError::Quota),
    (0x98, LastError::Administrative, LastError::Administrative),
    (0x99, LastError::StatusTopic, LastError::MessageRefused),
    (0x9A, LastError::StatusTopic, LastError::StatusTopic),
    (0x9B, LastError::StatusTopic, LastError::Qos),
    (0x9C, LastError::ServerMoved, LastError::ServerMoved),
    (0x9D, LastError::ServerMoved, LastError::ServerMoved),
    (0x9E, LastError::Protocol, LastError::Protocol),
    (0x9F, LastError::ServerUnavailable, LastError::ServerUnavailable),
    (0xA0, LastError::ServerUnavailable, LastError::ServerUnavailable),
    (0xA1, LastError::Protocol, LastError::Protocol),
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
            assert_eq!(failure.code, word, "{code:#x} {with:?}");
            assert!(failure.detail.starts_with(&said), "{}", failure.detail);
            assert!(failure.detail.contains(" It says: maintenance until 18:00."), "{}", failure.detail);
            assert!(failure.detail.contains(" It names another broker: other:1883."), "{}", failure.detail);
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
            assert_eq!(failure(with, code, &Properties::default()).code, LastError::Protocol);
        }
    }
}

#[test]
fn reason_codes_of_messages_have_documented_words_and_advice() {
    for code in [0x80, 0x83, 0x87, 0x90, 0x91, 0x95, 0x97, 0x99, 0x9A, 0x9B] {
        let failure = failure(With::Acknowledgement, code, &Properties::default());
        assert!(failure.code != LastError::Protocol, "{code:#x} {}", failure.code);
        let said = format!("The broker refuses the message: {} ({code:#04X}). ", name(code).expect("known"));
        assert!(failure.detail.len() > said.len() && failure.detail.starts_with(&said), "{}", failure.detail);
        assert_eq!(passes(code), matches!(code, 0x80 | 0x83 | 0x91 | 0x97), "{code:#x}");
    }
}

#[test]
fn reason_codes_of_mqtt_3_have_documented_words() {
    let words =
        [LastError::MqttVersion, LastError::ClientId, LastError::ServerUnavailable, LastError::Auth, LastError::Auth];
    for (code, word) in (1..).zip(words) {
        assert_eq!(connack_v3(code).code, word, "{code}");
    }
    (6..=255).for_each(|code| assert_eq!(connack_v3(code).code, LastError::Protocol));
}
