//! Texts of strangers on a terminal: from certificates, settings files, arguments. They move no cursor and turn no direction.

use crate::ctl::{Terminal, ctl};
use crate::support::bus::Bus;
use crate::support::identities::Who;
use crate::support::process::output;
use cassia_bypass::printable::is_printable;
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::{X509, X509Name};
use std::fs;
use std::net::TcpListener;

/// Clears the screen, in C0 and in C1; sets the title; turns what follows.
const HOSTILE: &str = "a\u{1b}[2J\u{9b}2J\u{1b}]0;x\u{7}\u{202e}b\u{2028}c\u{7f}\r";
/// The same as the shell's printf has it.
const TYPED: &str = r"a\033[2J\302\2332J\033]0;x\007\342\200\256b\342\200\250c\177\r";
/// What we send ourselves: colours, and the screen of `watch`.
const OURS: [&str; 13] = [
    "\x1b[0m",
    "\x1b[4m",
    "\x1b[1m",
    "\x1b[2m",
    "\x1b[31m",
    "\x1b[32m",
    "\x1b[33m",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[?25l",
    "\x1b[?25h",
    "\x1b[H",
    "\x1b[J",
];

fn hostile_certificate() -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    let key = PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key");
    let mut name = X509Name::builder().expect("a name");
    name.append_entry_by_text("CN", HOSTILE).expect("a part");
    let name = name.build();
    let mut certificate = X509::builder().expect("a certificate");
    certificate.set_version(2).expect("set");
    certificate.set_subject_name(&name).expect("set");
    certificate.set_issuer_name(&name).expect("set");
    certificate.set_pubkey(&key).expect("set");
    certificate.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("set");
    certificate.set_not_after(&Asn1Time::days_from_now(20).expect("a time")).expect("set");
    certificate.sign(&key, MessageDigest::sha256()).expect("signed");
    (certificate.build(), key)
}

/// What was shown, which must do nothing but colours.
fn harmless(shown: &str, what: &str) {
    // The terminal makes two characters of a line end, of which `watch` sends two itself.
    let mut rest = shown.replace("\x1b[K\r\r\n", "\n").replace("\r\n", "\n").replace("\x1b[K", "");
    OURS.iter().for_each(|ours| rest = rest.replace(ours, ""));
    let bad: Vec<char> = rest.chars().filter(|c| !is_printable(*c) && *c != '\n').collect();
    assert!(bad.is_empty(), "{what}: {bad:?} in {shown:?}");
}

#[test]
fn terminal_escapes() {
    let bus = Bus::start(env!("CARGO_BIN_EXE_cassia-bypassd"));
    let (certificate, key) = hostile_certificate();
    let pem = String::from_utf8(certificate.to_pem().expect("PEM")).expect("text");
    // As an older version may have stored them: they are ignored, and kept.
    let mut settings = toml::Table::new();
    for key in ["username", "scan_topic", "client_id", HOSTILE] {
        settings.insert(key.to_owned(), HOSTILE.into());
    }
    settings.insert("filter_names".into(), vec![HOSTILE].into());
    settings.insert("ca_certificate".into(), pem.clone().into());
    let file = bus.state().join("settings.toml");
    fs::write(&file, settings.to_string()).expect("written");
    bus.give(&file);
    let service = bus.start_service_quietly(&[]);

    // A broker that shows the certificate.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
    acceptor.set_certificate(&certificate).expect("set");
    acceptor.set_private_key(&key).expect("set");
    let acceptor = acceptor.build();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(acceptor.accept(stream))));

    let typed = format!("\"$(printf '{TYPED}')\"");
    let own = bus.directory().join("own.pem");
    fs::write(&own, &pem).expect("written");
    for words in [
        "show",
        "show --value CaCertificate",
        "show --value",
        "describe",
        "diagnose",
        "export",
        "watch -c 2 -n 0.2",
        &format!("set --dry-run CaCertificate=@{}", own.display()),
        &format!("set --dry-run ClientCertificate=@{}", own.display()),
        &format!("test Host=127.0.0.1 Port={port} EncryptionMode=certificate"),
        &format!("test Host=127.0.0.1 Port={port} EncryptionMode=certificate CaCertificate="),
        &format!("set Username={typed}"),
        &format!("set ScanTopic={typed}"),
        &format!("set ClientId={typed}"),
        &format!("set FilterNames={typed}"),
        &format!("set Host={typed}"),
        &format!("set --dry-run Username={typed}"),
        &format!("set {typed}=1"),
        &format!("set --secret-from Password={typed}"),
        &format!("show {typed}"),
        &format!("reset {typed}"),
        &format!("import {typed}"),
        &format!("watch -n {typed}"),
        &format!("--address {typed} show"),
        &typed,
        &format!("show --color {typed}"),
    ] {
        for more in ["", " --json"] {
            let words = format!("{words}{more}");
            harmless(&Terminal::start(&bus, &words, &[]).ended(), &words);
        }
    }
    // It is all there, made harmless, and JSON has it as it is.
    let shown = ctl(&bus, Who::Admin, &["set", "--dry-run", &format!("CaCertificate=@{}", own.display())]).out;
    assert!(shown.contains("CN=a\u{fffd}[2J\u{fffd}2J"), "{shown}");
    let refused = ctl(&bus, Who::Admin, &["set", &format!("Username={HOSTILE}")]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.err.contains("Username: expected UTF-8 text of at most 65535 bytes without control characters (it holds the control character U+001B)"), "{refused:?}");
    let told = ctl(&bus, Who::Admin, &["diagnose", "--json"]).json();
    let hints = told["Hints"].to_string();
    assert!(hints.contains("Username") && hints.contains("FilterNames") && hints.contains("a\u{fffd}[2J"), "{hints}");
    assert_eq!(service.stop().code(), Some(0));
    assert!(bus.log().contains("settings.toml"), "{}", bus.log());
    harmless(&bus.log(), "the log");

    let checked = output(bus.service().args(["--check-config", "--config"]).arg(bus.directory().join(HOSTILE)));
    harmless(&String::from_utf8(checked.stdout).expect("text"), "--check-config");
    fs::write(bus.layer("site"), settings.to_string()).expect("written");
    let checked = output(bus.service().arg("--check-config"));
    assert_eq!(checked.status.code(), Some(78));
    harmless(&String::from_utf8(checked.stdout).expect("text"), "--check-config");
    assert!(!bus.failed_start().status.success());
    output(bus.service().arg(HOSTILE));
    harmless(&bus.log(), "the log");
    assert!(fs::read_to_string(&file).expect("kept").contains("username"));
}
