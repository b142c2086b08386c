use super::*;
use crate::config::Candidate;
use crate::model::{Address, RecoveryAction};
use crate::stats::{AdapterStatus, Heard};

/// The settings with this mode and a broker.
fn config(mode: &str) -> Config {
    let mut candidate = Candidate::default();
    (candidate.raw.protocol, candidate.raw.host, candidate.raw.scan_mode) =
        ("mqtt".into(), "broker".into(), mode.into());
    Config::check(&candidate).expect("right")
}

/// What is known of one adapter that scans, changed by the test.
fn one(change: impl FnOnce(&mut AdapterStatus)) -> Stats {
    let stats = Stats::default();
    stats.set_radio(|radio| {
        radio.capture = CaptureKind::Monitor;
        radio.want(&[None]);
        radio.change(None, |adapter| {
            (adapter.name, adapter.address) = ("hci0".into(), "C0:DE:00:00:00:01".into());
            adapter.state = RadioState::Scanning;
            change(adapter);
        });
    });
    stats
}

/// Nobody and nothing else.
fn foreign() -> Foreign {
    Foreign { discovery: "none", unused: Vec::new() }
}

/// The hints about this adapter.
fn hints_of(mode: &str, change: impl FnOnce(&mut AdapterStatus)) -> Vec<String> {
    let hints = hints(&config(mode), &one(change), &foreign());
    hints.into_iter().filter(|hint| !hint.starts_with("HealthReason")).collect()
}

#[test]
fn duty_cycle_is_no_matter_while_it_is_whole_or_unknown() {
    for percent in [None, Some(100), Some(90)] {
        assert_eq!(hints_of("passive", |adapter| adapter.duty_cycle = percent), [""; 0], "{percent:?}");
    }
}

#[test]
fn duty_cycle_that_is_low_names_the_keys_of_the_mode() {
    for (mode, keys) in [
        ("passive", ["ScanIntervalAdvMonitor=96", "ScanWindowAdvMonitor=96"]),
        ("active", ["ScanIntervalDiscovery=18", "ScanWindowDiscovery=18"]),
    ] {
        let hints = hints_of(mode, |adapter| adapter.duty_cycle = Some(50));
        assert_eq!(hints.len(), 1, "{hints:?}");
        for part in ["hci0 listens 50 % of the time", "[LE] of /etc/bluetooth/main.conf", "systemctl restart bluetooth"]
        {
            assert!(hints[0].contains(part), "{part}: {hints:?}");
        }
        assert!(keys.iter().all(|key| hints[0].contains(key)), "{hints:?}");
    }
}

#[test]
fn hints_of_damaged_reports_name_the_adapter_and_what_to_check() {
    let stats = one(|_| {});
    stats.set_radio(|radio| radio.damaged = vec!["hci0".into()]);
    let hints = hints(&config("passive"), &stats, &foreign());
    assert!(hints[0].starts_with("Many reports of hci0 arrive damaged"), "{hints:?}");
    assert!(["RTS/CTS", "baud rate", "firmware"].iter().all(|part| hints[0].contains(part)), "{hints:?}");
}

#[test]
fn hints_tell_an_adapter_that_was_pulled_from_one_that_is_off() {
    let hints = |state, detail: &str| {
        hints_of("passive", |adapter| (adapter.state, adapter.detail) = (state, detail.to_owned())).join("\n")
    };
    let gone = hints(RadioState::AdapterMissing, "hci0 was unplugged");
    assert!(gone.contains("hci0 is not there (hci0 was unplugged). Plug it in") && !gone.contains("rfkill"), "{gone}");
    let off = hints(RadioState::AdapterOff, "it was powered off");
    assert!(off.contains("hci0 is off (it was powered off)") && off.contains("rfkill unblock bluetooth"), "{off}");
    let refuses = hints(RadioState::Starting, "the controller refuses");
    assert!(refuses.contains("hci0 does not scan as it should (the controller refuses)"), "{refuses}");
    assert_eq!(hints(RadioState::Starting, ""), "", "it has only just begun");
    assert!(hints(RadioState::NoBluez, "").contains("systemctl start bluetooth"));
}

#[test]
fn hints_name_an_unused_adapter_in_place_of_a_dead_one() {
    let unused = || Foreign { discovery: "none", unused: vec![("hci1".into(), Address([0xC0, 0xDE, 0, 0, 0, 2]))] };
    let hinted = |stats: &Stats| hints(&config("passive"), stats, &unused()).join("\n");
    let instead =
        "hci1 (C0:DE:00:00:00:02) is there and is not used. Use it: cassia-bypassctl set Adapters=C0:DE:00:00:00:02";
    for (state, detail) in
        [(RadioState::AdapterOff, ""), (RadioState::AdapterMissing, ""), (RadioState::Starting, "no")]
    {
        let dead = one(|adapter| (adapter.state, adapter.detail) = (state, detail.to_owned()));
        assert!(hinted(&dead).contains(&format!("hci0 does not scan, but {instead}")), "{}", hinted(&dead));
    }
    let good = one(|_| {});
    assert!(!hinted(&good).contains("hci1"), "{}", hinted(&good));
    // All say that it scans, and nothing was ever heard.
    good.recoveries().count(RecoveryAction::Rescan);
    assert!(hinted(&good).contains(&format!("hci0 has heard nothing so far, but {instead}")), "{}", hinted(&good));
    good.ledger(|ledger| ledger.receive(&Heard { unpublished: 1, ..Heard::default() }));
    assert!(!hinted(&good).contains("hci1"), "{}", hinted(&good));
}

#[test]
fn hints_name_adapters_with_the_same_address() {
    let stats = one(|_| {});
    let [same, other] = [1, 2].map(|last| Address([0, 0x1A, 0x7D, 0xDA, 0x71, last]));
    let hinted = |controllers| {
        stats.set_controllers(controllers);
        hints(&config("passive"), &stats, &foreign()).join("\n")
    };
    assert!(!hinted(vec![(0, same), (1, other)]).contains("address"));
    let hint = hinted(vec![(0, same), (1, other), (2, same)]);
    assert!(
        hint.contains("hci0 and hci2 have the same address, 00:1A:7D:DA:71:01: bluetoothd uses only one"),
        "{hint}"
    );
}

#[test]
fn hints_explain_signals_by_their_cause() {
    let stats = one(|_| {});
    stats.set_radio(|radio| {
        (radio.capture, radio.capture_reason) = (CaptureKind::Signals, "the network namespace is another".into());
        radio.capture_remedy = "run it with --network host";
    });
    let hints = hints(&config("passive"), &stats, &foreign()).join("\n");
    assert!(hints.contains("because the network namespace is another: run it with --network host."), "{hints}");
    assert!(!hints.contains("CAP_NET_RAW"), "{hints}");
}

#[test]
fn hints_name_weak_protection_once() {
    let mut candidate = Candidate::default();
    (candidate.raw.protocol, candidate.raw.host, candidate.raw.username) =
        ("mqtt".into(), "broker".into(), "router".into());
    candidate.secrets.password = crate::config::Secret::from("hush".to_owned());
    let about = |candidate: &Candidate| {
        let hints = hints(&Config::check(candidate).expect("right"), &one(|_| {}), &foreign());
        hints.into_iter().filter(|hint| hint.starts_with("Password") || hint.starts_with("Psk")).count()
    };
    assert_eq!(about(&candidate), 1);
    candidate.raw.host = "::1".into();
    assert_eq!(about(&candidate), 0);
}

#[test]
fn crl_that_is_nearly_out_of_date_gets_a_hint() {
    let ca = crate::test_certificates::Authority::new("CA");
    let about = |days: i64, clock: bool| {
        let mut candidate = Candidate::default();
        (candidate.raw.protocol, candidate.raw.host) = ("mqtt".into(), "broker".into());
        candidate.raw.encryption_mode = "certificate".into();
        candidate.raw.ca_certificate = ca.pem() + &ca.revoke(&[], (-9, 9)) + &ca.revoke(&[], (-9, days));
        let stats = one(|_| {});
        stats.set_clock_synchronised(clock);
        let hints = hints(&Config::check(&candidate).expect("right"), &stats, &foreign());
        hints.into_iter().find(|hint| hint.starts_with("A CRL in CaCertificate")).unwrap_or_default()
    };
    assert_eq!(about(8, true), "");
    assert!(about(1, true).contains("is out of date from 20"), "{}", about(1, true));
    assert!(about(-1, true).contains("is out of date, and the broker is not trusted"), "{}", about(-1, true));
    assert_eq!(about(-1, false), "", "a clock that is wrong knows nothing of dates");
}
