//! `test` and `diagnose` against a real broker.

use crate::ctl::{ctl, done};
use crate::rig::Rig;
use crate::started;
use crate::support::broker::{PASSWORD, PSK, PSK_IDENTITY, USER};
use crate::support::identities::Who;
use std::fs;

#[test]
fn connection_test_tries_a_broker_and_reports_what_is_wrong() {
    let rig = Rig::start();
    let port = |port: u16| format!("Port={port}");
    let ports = rig.broker.ports;
    let test = |words: &[&str]| ctl(&rig.bus, Who::Admin, &[&["test", "host=127.0.0.1"], words].concat());
    let said = test(&[&port(ports.anonymous)]);
    assert_eq!((said.status, &*said.err), (0, ""), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], format!("Broker       127.0.0.1:{}", ports.anonymous));
    let steps: Vec<Vec<&str>> = lines.iter().map(|line| line.split_whitespace().take(2).collect()).collect();
    for step in ["name", "tcp", "mqtt", "publish"] {
        assert!(steps.contains(&vec![step, "ok"]), "{said:?}");
    }
    assert_eq!(*lines.last().expect("a line"), "Verdict      ok: The broker took a message on scanTopic.");

    let password = rig.bus.directory().join("password");
    let secret = format!("Password={}", password.display());
    for (text, status, verdict) in [(PASSWORD, 0, "ok: "), ("wrong", 1, "auth: ")] {
        fs::write(&password, text).expect("written");
        let said = test(&[&port(ports.password), &format!("username={USER}"), "--secret-from", &secret]);
        assert_eq!(said.status, status, "{said:?}");
        assert!(said.out.contains(&format!("\nVerdict      {verdict}")), "{said:?}");
    }
    let psk = rig.bus.directory().join("psk");
    fs::write(&psk, PSK).expect("written");
    let (psk, identity) = (format!("Psk=@{}", psk.display()), format!("PskIdentity={PSK_IDENTITY}"));
    fs::write(&password, PASSWORD).expect("written");
    let user = format!("Username={USER}");
    let words = [&*port(ports.psk), &user, "EncryptionMode=psk", &identity, &psk, "--secret-from", &secret];
    let said = test(&words);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("\nTLS          TLSv1."), "{said:?}");

    let ca = rig.bus.directory().join("ca.pem");
    fs::write(&ca, rig.broker.certificates.ca.pem()).expect("written");
    let ca = format!("CaCertificate=@{}", ca.display());
    let said = test(&[&port(ports.expired), "EncryptionMode=certificate", &ca]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.out.contains("  tls        failed") && said.out.contains("Verdict      tls-certificate-expired: "),
        "{said:?}"
    );
    // Nothing was set.
    assert_eq!(done(&rig.bus, Who::Nobody, &["show", "--changed"]), "");
    // What cannot be tried is a refusal.
    let said = ctl(&rig.bus, Who::Admin, &["test"]);
    assert_eq!((said.status, &*said.out), (1, ""), "{said:?}");
    assert!(said.err.contains("Host: expected"), "{said:?}");
}

#[test]
fn diagnosis_is_a_page() {
    let rig = Rig::start();
    let page = || done(&rig.bus, Who::Admin, &["diagnose"]);
    let at_first = page();
    assert!(at_first.starts_with("Health        offline: "), "{at_first}");
    assert!(at_first.contains("\n  - Protocol is none: nothing is published. Set Protocol to mqtt."), "{at_first}");
    rig.connect();
    let ca = rig.bus.directory().join("ca.pem");
    fs::write(&ca, rig.broker.certificates.ca.pem()).expect("written");
    done(&rig.bus, Who::Admin, &["set", &format!("CaCertificate=@{}", ca.display()), "FilterRssi=-70"]);
    rig.await_stat("LinkState", "connected");
    let then = page();
    for text in [
        &*format!("\nBroker        connected 127.0.0.1:{}\n", rig.broker.ports.anonymous),
        "\nFilters       FilterRssi: at least -70 dBm\n",
        "\nCertificates  CaCertificate: CN=",
        " days left\n",
        "\nClock         not synchronised\n",
    ] {
        assert!(then.contains(text), "{text}: {then}");
    }
    for line in [at_first, then].iter().flat_map(|page| page.lines()) {
        assert!(!line.ends_with([':', ' ']), "{line:?}");
    }
}

#[test]
fn diagnosis_of_a_word_without_a_reason_has_no_colon() {
    let (bus, _service) = started();
    done(&bus, Who::Admin, &["set", "ScanMode=off"]);
    let page = done(&bus, Who::Admin, &["diagnose"]);
    assert!(page.contains("\nCapture       none\n"), "{page}");
    for line in page.lines() {
        assert!(!line.ends_with([':', ' ']), "{line:?}: {page}");
    }
}
