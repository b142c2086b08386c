//! Each way to be refused has its own word, nothing is published, and a corrected setting connects at once.

use crate::service::{Service, candidate_of};
use crate::support::broker::Scenario;
use crate::support::broker::{Mosquitto, TlsVersion};
use crate::support::broker_subscriber::Subscriber;
use cassia_bypass::config::{Candidate, Secret};
use cassia_bypass::model::LinkState;

type Change = fn(&mut Candidate, &Mosquitto);

/// What is wrong, with which scenario, and the word that it gives.
const CASES: &[(&str, Scenario, Change, &str)] = &[
    ("a wrong password", Scenario::Password, |d, _| d.secrets.password = secret("wrong"), "auth"),
    ("no login", Scenario::Password, |d, _| d.raw.username.clear(), "auth"),
    ("a wrong password behind a key", Scenario::Psk, |d, _| d.secrets.password = secret("wrong"), "auth"),
    ("a wrong password behind a certificate", Scenario::Certificate, |d, _| d.secrets.password = secret("x"), "auth"),
    ("a wrong key", Scenario::Psk, |d, _| d.secrets.psk = secret("123456789abcde"), "tls-psk"),
    ("an unknown identity", Scenario::Psk, |d, _| d.raw.psk_identity = "nobody".into(), "tls-psk-identity"),
    (
        "a certificate where a key is expected",
        Scenario::Psk,
        |d, b| d.raw.port = b.ports.certificate,
        "tls-psk-identity",
    ),
    (
        "another CA",
        Scenario::Certificate,
        |d, b| d.raw.ca_certificate = b.certificates.other_ca.pem(),
        "tls-certificate",
    ),
    ("the system's CAs", Scenario::Certificate, |d, _| d.raw.ca_certificate.clear(), "tls-certificate"),
    (
        "another certificate pasted",
        Scenario::Certificate,
        |d, b| d.raw.ca_certificate = b.certificates.client.certificate.clone(),
        "tls-certificate",
    ),
    ("an expired certificate", Scenario::Certificate, |d, b| d.raw.port = b.ports.expired, "tls-certificate-expired"),
    ("another host's name", Scenario::Certificate, |d, b| d.raw.port = b.ports.elsewhere, "tls-hostname"),
    (
        "another host's name, by name",
        Scenario::Certificate,
        |d, b| {
            d.raw.port = b.ports.common_name;
            d.raw.host = "localhost".into();
        },
        "tls-hostname",
    ),
    (
        "no client certificate",
        Scenario::ClientCertificate,
        |d, _| d.raw.require_client_certificate = false,
        "tls-client-certificate",
    ),
    (
        "a client certificate of another CA",
        Scenario::ClientCertificate,
        |d, b| {
            d.raw.client_certificate = b.certificates.other_client.certificate.clone();
            d.secrets.client_key = secret(&b.certificates.other_client.key);
        },
        "tls-client-certificate",
    ),
    ("a port without encryption", Scenario::Certificate, |d, b| d.raw.port = b.ports.anonymous, "tls"),
    ("a port without encryption, with a key", Scenario::Psk, |d, b| d.raw.port = b.ports.anonymous, "tls"),
];

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn refusals(version: TlsVersion) {
    let broker = Mosquitto::with_tls(version);
    let subscriber = Subscriber::start(&broker, "#");
    for (published, (what, scenario, change, word)) in CASES.iter().enumerate() {
        let mut wrong = candidate_of(*scenario, &broker);
        change(&mut wrong, &broker);
        let mut service = Service::start(wrong);
        service.push(*what);
        let detail = service.fails_with(word);
        println!("{version:?} {what}: {word}: {detail}");
        for hidden in ["wrong", "123456789abcde", "PRIVATE KEY"] {
            assert!(!detail.contains(hidden), "{what}: a secret in {detail}");
        }
        assert_eq!(service.ledger().published, 0, "{what}");
        assert_eq!(service.link().connects, 0, "{what}");
        // Without the change it would wait for half a minute at least.
        service.set(|candidate| *candidate = candidate_of(*scenario, &broker));
        service.soon("the right setting is used at once", |s| s.link().state == LinkState::Connected);
        service.all_published();
        service.soon("it arrived, and nothing else did", |_| subscriber.count() == published + 1);
        assert_eq!(service.link().error, None);
    }
}

#[test]
fn refusals_have_their_codes_with_tls_1_2() {
    refusals(TlsVersion::Only12);
}

#[test]
fn refusals_have_their_codes_with_tls_1_3() {
    refusals(TlsVersion::Only13);
}

#[test]
fn refused_login_has_its_code_in_every_version_of_mqtt() {
    let broker = Mosquitto::start();
    for version in ["3.1", "3.1.1", "5"] {
        for connection in ["long", "short"] {
            let mut candidate = candidate_of(Scenario::Password, &broker);
            candidate.raw.mqtt_version = version.into();
            candidate.raw.connection_type = connection.into();
            candidate.secrets.password = secret("wrong");
            let mut service = Service::start(candidate);
            service.push("[]");
            service.fails_with("auth");
            service.set(|candidate| candidate.secrets.password = secret("password"));
            service.all_published();
        }
    }
}

#[test]
fn refused_message_of_mqtt_5_is_dropped_and_the_next_one_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let acl = directory.path().join("acl");
    std::fs::write(&acl, "topic readwrite good\n").expect("written");
    let broker = Mosquitto::with(None, &format!("acl_file {}", acl.display()));
    for qos in [1, 2] {
        let mut candidate = candidate_of(Scenario::Anonymous, &broker);
        candidate.raw.mqtt_version = "5".into();
        candidate.raw.scan_qos = qos;
        candidate.raw.scan_topic = "bad".into();
        let mut service = Service::start(candidate);
        service.push("[]");
        service.soon("refused", |s| s.ledger().dropped_total() == 1);
        service.set(|candidate| candidate.raw.scan_topic = "good".into());
        service.push("[]");
        service.soon("the next one is published", |s| s.ledger().published == 1);
        assert_eq!((service.link().connects, service.link().failures), (1, 0));
    }
}

#[test]
fn refused_message_that_is_too_large_does_not_block_the_others() {
    let broker = Mosquitto::with(None, "max_packet_size 3000");
    for (version, qos) in [("5", 0), ("5", 1), ("3.1.1", 1), ("3.1.1", 2)] {
        let mut candidate = candidate_of(Scenario::Anonymous, &broker);
        candidate.raw.mqtt_version = version.into();
        candidate.raw.scan_qos = qos;
        let mut limits = crate::service::limits();
        limits.backoff_base = std::time::Duration::from_millis(20);
        limits.backoff_cap = std::time::Duration::from_millis(200);
        let service = Service::with(candidate, limits);
        service.push("[1]");
        service.push(vec![b'x'; 5000]);
        service.push("[2]");
        let mut small = 2;
        service.soon("the small ones are published, the large one is refused", |s| {
            let ledger = s.ledger();
            let (published, refused) = (ledger.published == small, ledger.dropped_total() == 1);
            if published && !refused {
                // A suspected message waits until another one gets through.
                s.push("[3]");
                small += 1;
            }
            published && refused
        });
    }
}
