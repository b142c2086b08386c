use super::*;

fn session(mqtt5: bool) -> Session {
    let owner = Owner { host: "broker".into(), port: 1883, client_id: "me".into(), username: String::new(), mqtt5 };
    Session::new(owner)
}

const PUBLISH: &[u8] = &[0x34, 5, 0, 1, b'a', 0, 1];
const PUBREL: &[u8] = &[0x62, 2, 0, 1];

#[test]
fn session_has_a_message_from_its_publish_to_its_pubcomp() {
    for (mqtt5, publish, release) in [(false, "s-1", "sc-1"), (true, "s5-1", "sc5-1")] {
        let session = session(mqtt5);
        let mut packets = session.client();
        session.hand_over(42);
        packets.put("c-0", vec![b"command"]).expect("kept");
        assert!(!session.has(42));
        // Status messages of QoS 1 are not part of it.
        packets.put(publish, vec![&[0x33, 5, 0, 1, b'a', 0, 1]]).expect("kept");
        assert!(!session.has(42));
        packets.put(publish, vec![&PUBLISH[..2], &PUBLISH[2..]]).expect("kept");
        packets.remove("c-0").expect("gone");
        assert!(session.has(42));
        assert_eq!(packets.keys().expect("keys"), [publish]);
        packets.put(release, vec![PUBREL]).expect("kept");
        assert_eq!(packets.keys().expect("keys"), [publish, release]);
        assert_eq!(
            (packets.get(publish).expect("there"), packets.get(release).expect("there")),
            (PUBLISH.into(), PUBREL.into())
        );
        assert!(!packets.contains_key(release), "Paho takes false for yes");
        assert_eq!((session.step(), session.step()), (Some(Step::Accepted(42)), None));
        for key in ["s5-1", "sc5-1", "s-1", "sc-1"] {
            packets.remove(key).expect("gone");
        }
        assert_eq!((session.step(), session.step()), (Some(Step::Done(42)), None));
        assert!(!session.has(42) && packets.contains_key(release));
    }
}

#[test]
fn publish_that_is_removed_without_a_pubrel_was_refused() {
    let session = session(true);
    let mut packets = session.client();
    session.hand_over(1);
    packets.put("s5-1", vec![PUBLISH]).expect("kept");
    packets.remove("s5-1").expect("gone");
    assert_eq!(session.step(), Some(Step::Refused(1, 1)));
}

#[test]
fn client_that_was_cut_off_changes_nothing() {
    let session = session(false);
    let mut old = session.client();
    session.hand_over(1);
    session.hand_over(2);
    old.put("s-1", vec![PUBLISH]).expect("kept");
    session.detach();
    old.put("s-2", vec![PUBLISH]).expect("ignored");
    old.put("sc-1", vec![PUBREL]).expect("ignored");
    old.remove("s-1").expect("ignored");
    assert!(session.has(1) && !session.has(2) && session.step().is_none());
    // The next one repeats it: no message is taken for that.
    let mut new = session.client();
    assert_eq!(new.keys().expect("keys"), ["s-1"]);
    session.hand_over(3);
    new.put("s-1", vec![PUBLISH]).expect("known");
    assert!(!session.has(3));
}

#[test]
fn session_that_the_broker_has_not_has_nothing_on_its_way() {
    for present in [true, false] {
        let session = session(false);
        let mut packets = session.client();
        session.hand_over(1);
        packets.put("s-1", vec![PUBLISH]).expect("kept");
        packets.put("sc-1", vec![PUBREL]).expect("kept");
        session.detach();
        assert_eq!(session.step(), Some(Step::Accepted(1)));
        let mut packets = session.client();
        session.connecting();
        // PUBCOMP arrived at once, or Paho found that there is no session.
        packets.remove("s-1").expect("gone");
        assert_eq!(session.step(), None);
        session.connected(present);
        assert_eq!((session.step(), session.has(1)), (present.then_some(Step::Done(1)), false));
    }
}
