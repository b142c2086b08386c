//! `TestConnection` and `Diagnose`: a broker is tried beside the one in use, and what is in the way is told.

use crate::rig::Rig;
use crate::support::broker::{Mosquitto, PASSWORD, PSK, PSK_IDENTITY, Scenario, USER};
use crate::support::broker_subscriber::Subscriber;
use crate::support::identities::Who;
use crate::support::scripted_broker::{CONNECT, PUBLISH, Peer, ScriptedBroker, Then};
use crate::support::{eventually, free_port};
use serde_json::Value;
use std::io::Write;
use std::net::TcpListener;

/// Calls a method of the settings; the answer's dictionary by name.
fn report(rig: &Rig, method: &str, words: &[&str]) -> impl Fn(&str) -> Value + use<> {
    let parts = rig.bus.report(Who::Admin, method, words);
    move |name| parts[name].clone()
}

/// `TestConnection` with these settings: name, signature and value of each.
fn tried(rig: &Rig, settings: &[[&str; 3]]) -> impl Fn(&str) -> Value + use<> {
    let count = settings.len().to_string();
    report(rig, "TestConnection", &[&["a{sv}", &*count][..], settings.as_flattened()].concat())
}

/// The step that failed and the word for it.
fn verdict(of: impl Fn(&str) -> Value) -> (String, String) {
    let text = |name| of(name).as_str().expect("a string").to_owned();
    assert!(!text("Detail").is_empty());
    (text("FailedStep"), text("Verdict"))
}

fn failed(rig: &Rig, settings: &[[&str; 3]]) -> (String, String) {
    verdict(tried(rig, settings))
}

#[test]
fn connection_test_covers_every_scenario_before_it_is_set() {
    let rig = Rig::start();
    let (ca, client) = (rig.broker.certificates.ca.pem(), &rig.broker.certificates.client);
    for scenario in Scenario::ALL {
        for version in ["3.1", "3.1.1", "5"] {
            let port = scenario.port(&rig.broker.ports).to_string();
            let settings = [
                ["Host", "s", "127.0.0.1"],
                ["Port", "q", &port],
                ["MqttVersion", "s", version],
                ["Username", "s", USER],
                ["Password", "s", PASSWORD],
                ["EncryptionMode", "s", scenario.encryption()],
                ["Psk", "s", PSK],
                ["PskIdentity", "s", PSK_IDENTITY],
                ["CaCertificate", "s", &ca],
                ["ClientCertificate", "s", &client.certificate],
                ["ClientKey", "s", &client.key],
                ["RequireClientCertificate", "b", "true"],
            ];
            let of = tried(&rig, &settings);
            let encrypted = scenario.encryption() != "none";
            assert_eq!(of("Tls").as_str().expect("a string").starts_with("TLSv1."), encrypted);
            assert_eq!(of("Certificate")["Subject"].is_string(), scenario.encryption() == "certificate");
            let steps = of("Steps").as_array().expect("steps").clone();
            assert_eq!(steps.len(), if encrypted { 5 } else { 4 });
            assert!(steps.iter().all(|step| step["Result"] == "ok" && step["DurationMs"].is_f64()), "{steps:?}");
            assert_eq!(verdict(of), ("".into(), "ok".into()), "{scenario:?} with MQTT {version}");
        }
    }
    eventually("the messages arrive", || rig.messages().len() >= 15);
    assert!(rig.messages().iter().all(|(topic, message)| topic == "scanTopic" && *message == serde_json::json!([])));
    // Nothing was set.
    assert_eq!((rig.config("Protocol"), rig.config("Host")), ("none".into(), "".into()));
    assert_eq!((rig.config("PskSet"), rig.stat("Connects")), (false.into(), 0.into()));
}

#[test]
fn connection_test_reports_each_mistake_with_its_step() {
    let rig = Rig::start();
    let ports = rig.broker.ports;
    let ca = rig.broker.certificates.ca.pem();
    let text = |port: u16| port.to_string();
    let host = ["Host", "s", "127.0.0.1"];
    let expect = |step: &str, word: &str| (step.to_owned(), word.to_owned());
    assert_eq!(failed(&rig, &[["Host", "s", "nowhere.invalid"]]), expect("name", "dns"));
    assert_eq!(failed(&rig, &[host, ["Port", "q", &text(free_port())]]), expect("tcp", "refused"));
    let login = [host, ["Port", "q", &text(ports.password)], ["Username", "s", USER], ["Password", "s", "wrong"]];
    assert_eq!(failed(&rig, &login), expect("mqtt", "auth"));
    let v5 = [&login[..], &[["MqttVersion", "s", "5"]]].concat();
    assert_eq!(failed(&rig, &v5), expect("mqtt", "auth"));
    let psk = [host, ["Port", "q", &text(ports.psk)], ["EncryptionMode", "s", "psk"], ["Psk", "s", PSK]];
    let unknown = [&psk[..], &[["PskIdentity", "s", "nobody"]]].concat();
    assert_eq!(failed(&rig, &unknown), expect("tls", "tls-psk-identity"));
    // A port for certificates, which knows no keys.
    let port = text(ports.certificate);
    let of =
        tried(&rig, &[&psk[..1], &[["Port", "q", &port]], &psk[2..], &[["PskIdentity", "s", PSK_IDENTITY]]].concat());
    let detail = of("Detail").as_str().expect("a string").to_owned();
    assert!(detail.contains("pre-shared keys may be switched off on this Port"), "{detail}");
    assert_eq!(verdict(of), expect("tls", "tls-psk-identity"));
    let encrypted = |port: u16| {
        let port: &'static str = text(port).leak();
        vec![host, ["Port", "q", port], ["EncryptionMode", "s", "certificate"]]
    };
    let with_ca = |port| [encrypted(port), vec![["CaCertificate", "s", &*ca]]].concat();
    assert_eq!(failed(&rig, &encrypted(ports.certificate)), expect("tls", "tls-certificate"));
    assert_eq!(failed(&rig, &with_ca(ports.expired)), expect("tls", "tls-certificate-expired"));
    assert_eq!(failed(&rig, &with_ca(ports.elsewhere)), expect("tls", "tls-hostname"));
    assert_eq!(failed(&rig, &with_ca(ports.client_certificate)), expect("tls", "tls-client-certificate"));
    assert_eq!(failed(&rig, &with_ca(ports.anonymous)).0, "tls");
    // Encryption is missing.
    assert_eq!(failed(&rig, &[host, ["Port", "q", &text(ports.certificate)]]).0, "mqtt");
    // No broker at all.
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("sent");
        std::io::copy(&mut client, &mut std::io::sink()).ok();
    });
    assert_eq!(failed(&rig, &[host, ["Port", "q", &text(port)]]), expect("mqtt", "protocol"));
}

#[test]
fn trial_heeds_the_crls_beside_the_ca() {
    let rig = Rig::start();
    let certificates = &rig.broker.certificates;
    let (ca, server, client) = (&certificates.ca, &certificates.server, &certificates.client);
    let port = rig.broker.ports.certificate.to_string();
    let word = |crl: &str| {
        let both = ca.pem() + crl;
        let settings = [
            ["Host", "s", "127.0.0.1"],
            ["Port", "q", &port],
            ["EncryptionMode", "s", "certificate"],
            ["Username", "s", USER],
            ["Password", "s", PASSWORD],
            ["CaCertificate", "s", &both],
        ];
        failed(&rig, &settings).1
    };
    assert_eq!(word(&ca.revoke(&[&client.certificate], (-1, 5))), "ok");
    assert_eq!(word(&ca.revoke(&[&client.certificate, &server.certificate], (-1, 5))), "tls-certificate-revoked");
    assert_eq!(word(&ca.revoke(&[], (-5, -1))), "tls-crl");
    // The connection itself, and a newer CRL beside a password that is stored.
    rig.configure(Scenario::Certificate);
    rig.await_stat("LinkState", "connected");
    rig.set("CaCertificate", &["s", &(ca.pem() + &ca.revoke(&[], (-2, 5)))]);
    rig.set("CaCertificate", &["s", &(ca.pem() + &ca.revoke(&[&server.certificate], (-1, 5)))]);
    rig.await_stat("LastError", "tls-certificate-revoked");
    let refused = rig.bus.set(Who::Admin, "CaCertificate", &["s", &ca.pem()]).expect_err("less protection");
    assert!(refused.contains("Password: expected its value again"), "{refused}");
}

#[test]
fn connection_test_reports_a_topic_that_the_broker_does_not_allow() {
    let acl = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(acl.path(), "topic read #\ntopic write allowed\n").expect("written");
    let broker = Mosquitto::with(None, &format!("acl_file {}", acl.path().display()));
    let rig = Rig::start();
    let port = broker.ports.anonymous.to_string();
    let subscriber = Subscriber::start(&broker, "allowed");
    // Version 3 has no word for it: the broker is asked again with version 5.
    for version in ["3.1.1", "5"] {
        let settings = [["Host", "s", "127.0.0.1"], ["Port", "q", &port], ["MqttVersion", "s", version]];
        assert_eq!(failed(&rig, &settings), ("publish".into(), "not-authorised".into()));
        let allowed = [&settings[..], &[["ScanTopic", "s", "allowed"]]].concat();
        assert_eq!(failed(&rig, &allowed), ("".into(), "ok".into()));
    }
    eventually("they arrive", || subscriber.count() == 5);
}

/// A trial of a broker of a test.
fn tried_at(rig: &Rig, broker: &ScriptedBroker, settings: &[[&str; 3]]) -> (String, String, String) {
    let port = broker.port.to_string();
    let of = tried(rig, &[&[["Host", "s", "127.0.0.1"], ["Port", "q", &port]], settings].concat());
    let detail = of("Detail").as_str().expect("a string").to_owned();
    let (step, verdict) = verdict(of);
    (step, verdict, detail)
}

#[test]
fn trial_tells_the_truth_about_qos() {
    let rig = Rig::start();
    let v5 = ["MqttVersion", "s", "5"];
    let qos = |qos| ["ScanQos", "y", qos];
    let expect = |found: (String, String, String), step: &str, word: &str, part: &str| {
        assert!(found.0 == step && found.1 == word && found.2.contains(part), "{found:?}");
    };
    // Maximum QoS 1, Maximum QoS 0.
    let at_most = |maximum: u8| {
        ScriptedBroker::start(move |peer, packet| match packet.kind() {
            CONNECT => {
                peer.connack(0, &[0x24, maximum]);
                Then::GoOn
            }
            PUBLISH if packet.qos() > maximum => {
                peer.send(&[0xE0, 1, 0x9B]);
                Then::Close
            }
            _ => peer.obey(packet),
        })
    };
    let one = at_most(1);
    expect(tried_at(&rig, &one, &[v5, qos("2")]), "publish", "qos", "Set ScanQos to 1");
    expect(tried_at(&rig, &one, &[v5, qos("1")]), "", "ok", "");
    let none = at_most(0);
    expect(tried_at(&rig, &none, &[v5, qos("1")]), "publish", "qos", "Set ScanQos to 0");
    expect(tried_at(&rig, &none, &[v5, qos("0")]), "", "ok", "");
    expect(
        tried_at(&rig, &none, &[v5, qos("0"), ["StatusTopic", "s", "status"]]),
        "mqtt",
        "status-topic",
        "StatusTopic",
    );
    // PUBACK for QoS 2; a close over it.
    let puback = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == PUBLISH {
            peer.answer(0x40, packet.id());
            return Then::GoOn;
        }
        peer.obey(packet)
    });
    expect(tried_at(&rig, &puback, &[qos("2")]), "publish", "qos", "Set ScanQos to 1");
    let closes = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == PUBLISH && packet.qos() == 2 { Then::Close } else { peer.obey(packet) }
    });
    expect(tried_at(&rig, &closes, &[qos("2")]), "publish", "qos", "Set ScanQos to 1");
    let works = ScriptedBroker::start(Peer::obey);
    expect(tried_at(&rig, &works, &[qos("2")]), "", "ok", "");
}

#[test]
fn trial_finds_what_a_broker_does_not_like_at_connect() {
    let rig = Rig::start();
    let status = ["StatusTopic", "s", "status"];
    let over_will = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == CONNECT && packet.connect_flags() & 4 != 0 { Then::Close } else { peer.obey(packet) }
    });
    let (step, word, detail) = tried_at(&rig, &over_will, &[status]);
    assert!(step == "mqtt" && word == "status-topic" && detail.contains("StatusTopic"), "{step} {word} {detail}");
    assert_eq!(tried_at(&rig, &over_will, &[]).1, "ok");
    // An older broker, asked with version 5.
    let older = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == CONNECT && peer.level == 5 {
            peer.send(&[0x20, 2, 0, 1]);
            return Then::Close;
        }
        peer.obey(packet)
    });
    let (step, word, _) = tried_at(&rig, &older, &[["MqttVersion", "s", "5"]]);
    assert_eq!((&*step, &*word), ("mqtt", "mqtt-version"));
    let (_, word, detail) = tried_at(&rig, &older, &[]);
    assert!(word == "ok" && detail.contains("Whether it may is not known"), "{word}: {detail}");
    // It says why, and names another broker.
    let full = ScriptedBroker::start(|peer, _| {
        peer.connack(0x9D, b"\x1f\x00\x06closed\x1c\x00\x05b:188");
        Then::Close
    });
    let (_, word, detail) = tried_at(&rig, &full, &[["MqttVersion", "s", "5"]]);
    assert!(word == "server-moved" && detail.contains("closed") && detail.contains("b:188"), "{word}: {detail}");
    // It publishes before it answers.
    let first = ScriptedBroker::start(|peer, packet| {
        if packet.kind() == PUBLISH {
            peer.send(&[0x30, 4, 0, 1, b't', b'x', 0x32, 5, 0, 1, b't', 0, 1]);
        }
        peer.obey(packet)
    });
    assert_eq!(tried_at(&rig, &first, &[]).1, "ok");
}

#[test]
fn connection_test_leaves_the_connection_in_use_alone() {
    let rig = Rig::start();
    rig.connect();
    for _ in 0..5 {
        let of = tried(&rig, &[]);
        assert_eq!(of("Verdict"), "ok");
        assert_ne!(of("ClientId"), rig.config("ClientId"));
    }
    rig.air.play(0..20, 3);
    eventually("adverts arrive", || rig.arrived("scanTopic").len() == 20);
    assert_eq!((rig.stat("Connects"), rig.stat("Failures")), (1.into(), 0.into()));
}

#[test]
fn connection_test_refuses_by_name_what_cannot_be_tried() {
    let rig = Rig::start();
    let refused = |who, settings: &[&str]| {
        rig.bus.call(who, "TestConnection", &[&["a{sv}"], settings].concat()).expect_err("refused")
    };
    assert!(refused(Who::Admin, &["1", "Prot", "q", "1"]).contains("did you mean Protocol?"));
    assert!(refused(Who::Admin, &["1", "Port", "s", "1"]).contains("Port: expected"));
    // Nobody is named yet.
    assert!(refused(Who::Admin, &["0"]).contains("Host: expected"));
    assert!(refused(Who::Nobody, &["0"]).contains("Access denied"));
}

#[test]
fn diagnosis_says_what_to_do() {
    let rig = Rig::start();
    let of = report(&rig, "Diagnose", &[]);
    let hints = |of: &dyn Fn(&str) -> Value| of("Hints").as_array().expect("hints").clone();
    assert!(hints(&of).iter().any(|hint| hint.as_str().is_some_and(|hint| hint.contains("Set Protocol to mqtt"))));
    assert_eq!(
        (of("RadioState"), of("SpoolState"), of("ClockSynchronised")),
        ("test".into(), "ready".into(), false.into())
    );
    rig.connect();
    rig.set("FilterRssi", &["n", "-70"]);
    rig.set("CaCertificate", &["s", &rig.broker.certificates.ca.pem()]);
    eventually("the certificate is known", || rig.stat("Certificates")[0]["Setting"] == "CaCertificate");
    let of = report(&rig, "Diagnose", &[]);
    assert_eq!(of("Filters"), serde_json::json!(["FilterRssi: at least -70 dBm"]));
    assert_eq!((of("LinkState"), of("LastError")), ("connected".into(), "".into()));
    let certificate = of("Certificates")[0].clone();
    assert!(certificate["Subject"].as_str().is_some_and(|subject| subject.contains("CN=")), "{certificate}");
    assert!(certificate["DaysLeft"].as_i64().is_some_and(|days| days > 0), "{certificate}");
    // The rest is what everybody may read.
    for (key, value) in rig.stat("Certificates")[0].as_object().expect("a dictionary") {
        assert_eq!(certificate[key], *value, "{key}");
    }
    assert_eq!(of("Radios"), rig.stat("Radios"));
    rig.bus.call(Who::Nobody, "Diagnose", &[]).expect("everybody may ask");
}
