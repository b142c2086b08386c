//! Whatever the broker refuses has a word of its own, loses nothing, and is mended by a setting.

use crate::rig::Rig;
use crate::support::broker::Scenario;
use crate::support::eventually;

/// Sets a scenario up wrong, expects the word, sets it right.
fn refused(scenario: Scenario, word: &str, wrong: impl FnOnce(&Rig), right: impl FnOnce(&Rig)) {
    let rig = Rig::start();
    rig.set("PushIntervalMs", &["u", "10"]);
    rig.configure(scenario);
    rig.await_stat("LinkState", "connected");
    wrong(&rig);
    rig.await_stat("LastError", word);
    let detail = rig.stat("LastErrorDetail");
    assert!(detail.as_str().is_some_and(|text| text.len() > 20), "a sentence for people: {detail}");
    rig.air.play(0..10, 3);
    eventually("the adverts wait", || rig.ledger()["Queued"] == 10);
    assert_eq!(rig.broker.received(), 0, "nothing was published");
    right(&rig);
    rig.await_stat("LinkState", "connected");
    assert_eq!(rig.stat("LastError"), "");
    eventually("what waited arrives", || rig.arrived("scanTopic") == (0..10).collect::<Vec<_>>());
}

#[test]
fn refusal_of_a_wrong_password() {
    refused(
        Scenario::Password,
        "auth",
        |rig| rig.set("Password", &["s", "wrong"]),
        |rig| rig.set("Password", &["s", "password"]),
    );
}

#[test]
fn refusal_of_a_wrong_pre_shared_key() {
    refused(
        Scenario::Psk,
        "tls-psk",
        |rig| rig.set_as_root("Psk", &["s", "123456789abcdee"]),
        |rig| rig.set_as_root("Psk", &["s", "123456789abcdef"]),
    );
}

#[test]
fn refusal_of_an_unknown_identity() {
    refused(
        Scenario::Psk,
        "tls-psk-identity",
        |rig| rig.set("PskIdentity", &["s", "nobody"]),
        |rig| rig.set("PskIdentity", &["s", "psk_test"]),
    );
}

#[test]
fn refusal_over_a_wrong_ca() {
    refused(
        Scenario::Certificate,
        "tls-certificate",
        |rig| rig.set_as_root("CaCertificate", &["s", &rig.broker.certificates.other_ca.pem()]),
        |rig| rig.set_as_root("CaCertificate", &["s", &rig.broker.certificates.ca.pem()]),
    );
}

#[test]
fn refusal_over_an_expired_certificate() {
    refused(
        Scenario::Certificate,
        "tls-certificate-expired",
        |rig| rig.set_as_root("Port", &["q", &rig.broker.ports.expired.to_string()]),
        |rig| rig.set_as_root("Port", &["q", &rig.broker.ports.certificate.to_string()]),
    );
}

#[test]
fn refusal_over_a_wrong_host_name() {
    refused(
        Scenario::Certificate,
        "tls-hostname",
        |rig| rig.set_as_root("Port", &["q", &rig.broker.ports.elsewhere.to_string()]),
        |rig| rig.set_as_root("Port", &["q", &rig.broker.ports.certificate.to_string()]),
    );
}

#[test]
fn refusal_over_a_missing_client_certificate() {
    refused(
        Scenario::ClientCertificate,
        "tls-client-certificate",
        |rig| rig.set("RequireClientCertificate", &["b", "false"]),
        |rig| rig.set("RequireClientCertificate", &["b", "true"]),
    );
}
