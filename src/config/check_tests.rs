use super::*;
use crate::config::Secret;

fn problems(change: impl FnOnce(&mut Candidate)) -> Vec<&'static str> {
    let mut candidate = Candidate::default();
    change(&mut candidate);
    Config::check(&candidate).err().unwrap_or_default().iter().map(|p| p.name).collect()
}

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

#[test]
fn settings_by_default_are_right_and_publish_nothing() {
    let config = Config::check(&Candidate::default()).expect("defaults");
    assert_eq!(config.mqtt, None);
    assert_eq!(config.scan, ScanMode::Passive);
    assert_eq!(config.batch, Batching { interval: Duration::from_millis(100), size: 20 });
}

#[test]
fn settings_without_a_port_take_the_standard_port_of_the_encryption() {
    let mut candidate = Candidate::default();
    candidate.raw.protocol = "mqtt".into();
    candidate.raw.host = "[::1]".into();
    let mqtt = Config::check(&candidate).expect("plain").mqtt.expect("mqtt");
    assert_eq!((mqtt.broker.host.as_str(), mqtt.broker.port), ("::1", 1883));
    candidate.raw.encryption_mode = "certificate".into();
    assert_eq!(Config::check(&candidate).expect("tls").mqtt.expect("mqtt").broker.port, 8883);
    candidate.raw.port = 1;
    assert_eq!(Config::check(&candidate).expect("port").mqtt.expect("mqtt").broker.port, 1);
}

#[test]
fn check_finds_every_problem_at_once() {
    let found = problems(|d| {
        d.raw.scan_mode = "on".into();
        d.raw.protocol = "mqtt".into();
        d.raw.scan_qos = 3;
        d.raw.duplicates_ms = 999;
        d.raw.encryption_mode = "psk".into();
    });
    assert_eq!(found, ["ScanMode", "DuplicatesMs", "Host", "ScanQos", "PskIdentity", "EncryptionMode"]);
}

#[test]
fn check_names_the_setting_and_what_was_expected() {
    let mut candidate = Candidate::default();
    candidate.raw.scan_mode = "secret-looking value".into();
    let text = Config::check(&candidate).expect_err("bad")[0].to_string();
    assert_eq!(text, "ScanMode: expected one of off, passive, active");
}

#[test]
fn hosts_are_names_and_addresses() {
    for good in ["a", "broker.example", "mqtt_1.local.", "10.0.0.1", "::1", "[fe80::1]", "xn--bcher-kva.example"] {
        assert!(host(good), "{good}");
    }
    for bad in ["", " ", "a b", "-a", "a-", "a..b", "mqtt://a", "a:1883", "1.2.3", "[::1", "ü", &"a".repeat(64)] {
        assert!(!host(bad), "{bad}");
    }
    for good in ["a:1", "a", "[::1]:1883", "::1", "10.0.0.1:65535"] {
        assert!(host_port(good).is_some(), "{good}");
    }
    for bad in ["a:", "a:0", "a:65536", ":1", "[::1]:", "a:b:1"] {
        assert!(host_port(bad).is_none(), "{bad}");
    }
}

#[test]
fn topics_have_known_templates_only() {
    let found = |topic: &str, format: &str| {
        problems(|d| {
            d.raw.scan_topic = topic.into();
            d.raw.payload_format = format.into();
        })
    };
    for good in ["scanTopic", "a/{router}/b", "/", "ünï"] {
        assert!(found(good, "array").is_empty(), "{good}");
    }
    assert!(found("{device}", "object").is_empty());
    for bad in ["", "a/+", "#", "a\0", "{device}", "{x}", "{router"] {
        assert_eq!(found(bad, "array"), ["ScanTopic"], "{bad}");
    }
}

#[test]
fn psk_reads_as_mosquitto_reads_it() {
    let bytes = |digits: &str| psk(digits).map(|b| b.to_vec());
    assert_eq!(bytes("123456789abcdef"), Some(vec![0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]));
    assert_eq!(bytes("0011fF"), Some(vec![0x00, 0x11, 0xff]));
    assert_eq!(bytes("001"), Some(vec![0x00, 0x01]));
    assert_eq!(bytes("00012"), Some(vec![0x00, 0x12]));
    assert_eq!(bytes("1"), Some(vec![0x01]));
    for bad in ["", "0x12", "12 ", "g", &"1".repeat(513)] {
        assert_eq!(bytes(bad), None, "{bad}");
    }
}

#[test]
fn filters_are_checked() {
    let found = |change: fn(&mut RawConfig)| problems(|d| change(&mut d.raw));
    assert!(found(|f| f.filter_names = vec!["*".into(), "A*".into(), "*b".into(), "c".into()]).is_empty());
    assert_eq!(found(|f| f.filter_names = vec!["a*b".into()]), ["FilterNames"]);
    assert_eq!(found(|f| f.filter_names = vec!["".into()]), ["FilterNames"]);
    assert!(
        found(|f| f.filter_macs = vec!["CC:1B:E0*".into(), "CC:1B:E0:E0:E6:D0".into(), "C*".into(), "*".into()])
            .is_empty()
    );
    assert_eq!(found(|f| f.filter_macs = vec!["CC1BE0".into()]), ["FilterMacs"]);
    assert_eq!(found(|f| f.filter_macs = vec!["é*".into()]), ["FilterMacs"]);
    assert!(found(|f| f.filter_uuids = vec!["180F".into()]).is_empty());
    assert_eq!(found(|f| f.filter_uuids = vec!["180".into()]), ["FilterUuids"]);
    assert!(found(|f| f.filter_values = vec![(-1, "FF".into())]).is_empty());
    assert_eq!(found(|f| f.filter_values = vec![(-2, "FF".into())]), ["FilterValues"]);
    assert_eq!(found(|f| f.filter_values = vec![(0, "F".into())]), ["FilterValues"]);
    assert_eq!(found(|f| f.filter_rssi = 21), ["FilterRssi"]);
}

#[test]
fn certificates_are_checked() {
    let found = |change: fn(&mut Candidate)| problems(change);
    assert_eq!(found(|d| d.raw.ca_certificate = "x".into()), ["CaCertificate"]);
    assert_eq!(found(|d| d.raw.require_client_certificate = true), ["RequireClientCertificate"]);
    assert_eq!(found(|d| d.secrets.client_key = secret("-----BEGIN ENCRYPTED PRIVATE KEY-----")), ["ClientKey"]);
    assert_eq!(found(|d| d.secrets.psk = secret("0x12")), ["Psk"]);
    assert_eq!(found(|d| d.secrets.psk = secret("0")), ["Psk"]);
    assert_eq!(found(|d| d.secrets.psk = secret("00")), [""; 0]);
}

#[test]
fn client_ids_of_mqtt_3_1_are_short() {
    let found = |id: &str, version: &str| {
        problems(|d| {
            d.raw.client_id = id.into();
            d.raw.mqtt_version = version.into();
        })
    };
    assert!(found("{router}-0", "3.1").is_empty());
    assert_eq!(found("{router}-000000", "3.1"), ["ClientId"]);
    assert!(found("{router}-000000", "3.1.1").is_empty());
    assert_eq!(found("", "5"), ["ClientId"]);
}

#[test]
fn adapters_are_the_first_all_or_addresses() {
    let check = |list: &[&str]| {
        let mut candidate = Candidate::default();
        candidate.raw.adapters = list.iter().map(|text| (*text).to_owned()).collect();
        Config::check(&candidate).map(|config| config.adapters).map_err(|problems| problems[0].key)
    };
    let address = |last| Address([0, 0x1A, 0x7D, 0xDA, 0x71, last]);
    assert_eq!(check(&[]), Ok(Adapters::First));
    assert_eq!(check(&["all"]), Ok(Adapters::All));
    let twice = check(&["00:1A:7D:DA:71:13", "00:1a:7d:da:71:14", "00:1A:7D:da:71:13"]);
    assert_eq!(twice, Ok(Adapters::Listed(vec![address(0x13), address(0x14)])));
    assert!(check(&["00:1A:7D:DA:71:13"; 8]).is_ok());
    for wrong in [&["00:1A:7D:DA:71:13"; 9][..], &["all", "all"], &["all", "00:1A:7D:DA:71:13"], &[""], &["hci0"]] {
        assert_eq!(check(wrong), Err("adapters"), "{wrong:?}");
    }
}

#[test]
fn check_refuses_control_characters_by_name() {
    for c in ['\u{1}', '\u{1b}', '\n', '\u{7f}', '\u{9b}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}'] {
        let bad = format!("a{c}b");
        let mut candidate = Candidate::default();
        let raw = &mut candidate.raw;
        (raw.username, raw.scan_topic, raw.status_topic) = (bad.clone(), bad.clone(), bad.clone());
        (raw.client_id, raw.psk_identity, raw.host) = (bad.clone(), bad.clone(), bad.clone());
        (raw.filter_names, raw.fallback_hosts) = (vec![bad.clone()], vec![bad.clone()]);
        (raw.scan_mode, raw.router_address) = (bad.clone(), bad.clone());
        (raw.filter_macs, raw.filter_uuids, raw.adapters) = (vec![bad.clone()], vec![bad.clone()], vec![bad.clone()]);
        if c != '\n' {
            (raw.ca_certificate, raw.client_certificate) = (bad.clone(), bad.clone());
        }
        let mut names: Vec<_> = Config::check(&candidate).expect_err("refused").iter().map(|p| p.name).collect();
        names.retain(|name| c != '\n' || !name.ends_with("Certificate"));
        assert_eq!(names.len(), if c == '\n' { 13 } else { 15 }, "{c:?}: {names:?}");
        let problems = Config::check(&candidate).expect_err("refused");
        let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert!(text.contains(&format!("Username: expected UTF-8 text of at most 65535 bytes without control characters (it holds the control character U+{:04X})", u32::from(c))), "{text}");
        assert!(text.chars().all(is_printable));
    }
}
