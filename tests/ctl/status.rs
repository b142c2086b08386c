//! `status`, `report` and `metrics` beside a stream of adverts, and `set` that looks at the broker first.

use crate::ctl::{ctl, done};
use crate::rig::Rig;
use crate::support::broker::{PASSWORD, USER};
use crate::support::busctl::CONFIG;
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::output;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn status_is_a_page_and_its_exit_status_says_whether_the_service_is_online() {
    let rig = Rig::start();
    let said = ctl(&rig.bus, Who::Nobody, &["status"]);
    assert_eq!((said.status, &*said.err), (1, ""), "{said:?}");
    assert!(said.out.contains("\nHealth    offline: no-protocol\n"), "{said:?}");
    rig.connect();
    rig.air.play(0..100, 5);
    rig.await_items(100);
    rig.await_stat("Health", "online");
    let said = ctl(&rig.bus, Who::Nobody, &["status"]);
    assert_eq!((said.status, &*said.err), (0, ""), "{said:?}");
    assert!(
        said.out.contains("\nHealth    online") && said.out.contains("\n  received                     100 "),
        "{said:?}"
    );
    let json = ctl(&rig.bus, Who::Nobody, &["status", "--json"]);
    assert_eq!((json.status, &json.json()["Ledger"]["Published"]), (0, &100.into()), "{json:?}");
}

#[test]
fn set_with_test_changes_nothing_where_the_broker_does_not_take_a_message() {
    let rig = Rig::start();
    let port = |port: u16| format!("Port={port}");
    let set = |words: &[&str]| {
        ctl(&rig.bus, Who::Admin, &[&["set", "--test", "Host=127.0.0.1", "Protocol=mqtt"], words].concat())
    };
    let said = set(&["Port=1"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.err.contains("Nothing was changed, the test failed: refused: ")
            && said.out.contains("  tcp        failed"),
        "{said:?}"
    );
    let said = set(&["Port=1", "--json"]);
    assert_eq!((said.status, &said.json()["error"]["kind"]), (1, &"failed".into()), "{said:?}");
    assert_eq!(rig.bus.value(CONFIG, "Protocol"), "none");
    let said = set(&[&port(rig.broker.ports.anonymous)]);
    assert_eq!((said.status, &*said.err), (0, ""), "{said:?}");
    assert!(said.out.contains("Protocol                  none -> mqtt\n"), "{said:?}");
    rig.await_stat("LinkState", "connected");
}

#[test]
fn report_has_what_support_asks_for_and_no_secret_and_no_device() {
    let rig = Rig::start();
    rig.connect();
    let planted = rig.bus.directory().join("planted");
    fs::write(&planted, PASSWORD).expect("written");
    let device = "CC:1B:E0:E0:E6:D0";
    let secret = format!("Password=@{}", planted.display());
    done(
        &rig.bus,
        Who::Admin,
        &["set", &secret, &format!("Username={USER}"), &format!("FilterMacs={device},C0:00:5B*")],
    );
    rig.air.play(0..10, 5);
    let file = rig.bus.directory().join("report.txt");
    let path = file.to_str().expect("UTF-8");
    // In a directory that the operator may write to.
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(rig.bus.directory(), open).expect("chmod");
    assert_eq!(done(&rig.bus, Who::Admin, &["report", path]), "");
    let text = fs::read_to_string(&file).expect("the report");
    for title in ["Versions", "Diagnosis", "Settings (* differs from the default)", "Statistics", "Journal"] {
        assert!(text.contains(&format!("\n== {title} ==\n")), "{title}: {text}");
    }
    assert!(text.contains("\n* Password = set\n") && text.contains("\n* FilterMacs = device-1,C0:00:5B*\n"), "{text}");
    let bare: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    for hidden in [PASSWORD, "CC1BE0E0E6D0"] {
        assert!(!text.contains(hidden) && !bare.contains(hidden), "{hidden}: {text}");
    }
    // What is there is not overwritten, and strangers do not read it.
    assert_eq!(fs::metadata(&file).expect("the report").permissions().mode() & 0o777, 0o600);
    let again = ctl(&rig.bus, Who::Admin, &["report", path]);
    assert_eq!(again.status, 2, "{again:?}");
    assert!(done(&rig.bus, Who::Admin, &["report", "-"]).starts_with("Report of cassia-bypassd, "));
}

/// Gives a program this text; it must be content.
fn judged(program: &str, words: &[&str], text: &Path) {
    let input = fs::File::open(text).expect("the metrics");
    let output = output(Command::new(program).args(words).stdin(Stdio::from(input)));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{program}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn metrics_are_what_prometheus_and_openmetrics_read() {
    let mut rig = Rig::start();
    rig.connect();
    rig.air.play(0..100, 5);
    rig.await_items(100);
    rig.await_stat("Health", "online");
    let text = done(&rig.bus, Who::Nobody, &["metrics"]);
    for line in [
        "cassia_bypass_up 1",
        "cassia_bypass_adverts_received_total 100",
        "cassia_bypass_adverts_total{outcome=\"published\",reason=\"\"} 100",
        "cassia_bypass_adverts_total{outcome=\"dropped\",reason=\"queue-full\"} 0",
        "cassia_bypass_health{state=\"online\"} 1",
        "cassia_bypass_health{state=\"offline\"} 0",
    ] {
        assert!(text.lines().any(|given| given == line), "{line}: {text}");
    }
    let file = rig.bus.directory().join("metrics.prom");
    fs::write(&file, &text).expect("written");
    judged("promtool", &["check", "metrics"], &file);
    let open = done(&rig.bus, Who::Nobody, &["metrics", "--openmetrics"]);
    assert!(open.ends_with("\n# EOF\n"), "{open}");
    fs::write(&file, open).expect("written");
    let parse = "import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as f; list(f(sys.stdin.read()))";
    judged("/usr/bin/python3", &["-c", parse], &file);

    // A service that is gone leaves no numbers behind.
    let words = ["metrics", "--output", file.to_str().expect("UTF-8")];
    done(&rig.bus, Who::Root, &words);
    assert!(fs::read_to_string(&file).expect("the metrics").contains("\ncassia_bypass_up 1\n"));
    rig.service.terminate();
    rig.service.ended();
    let said = ctl(&rig.bus, Who::Root, &words);
    assert_eq!(said.status, 3, "{said:?}");
    let text = fs::read_to_string(&file).expect("the metrics");
    assert!(text.contains("\ncassia_bypass_up 0\n") && !text.contains("adverts"), "{text}");
    judged("promtool", &["check", "metrics"], &file);
}

#[test]
fn devices_are_listed_with_what_became_of_their_adverts() {
    let rig = Rig::start();
    rig.connect();
    // From the first question on.
    let first = done(&rig.bus, Who::Admin, &["devices"]);
    assert!(first.contains("Nothing is heard."), "{first}");
    rig.air.play(0..20, 2);
    rig.await_items(20);
    let devices = ctl(&rig.bus, Who::Admin, &["devices", "--json"]).json();
    let devices = devices.as_array().expect("a list");
    assert_eq!(devices.len(), 2, "{devices:?}");
    for device in devices {
        assert_eq!(
            (&device["Adverts"], &device["Outcome"], &device["Adapter"]),
            (&10.into(), &"published".into(), &"hci0".into())
        );
        assert!(device["AgeMs"].as_u64().is_some_and(|age| age < 60_000), "{device}");
    }
    let addresses: Vec<&str> = devices.iter().filter_map(|device| device["Address"].as_str()).collect();
    done(&rig.bus, Who::Admin, &["set", &format!("FilterMacs={}", addresses[0])]);
    rig.air.play(20..40, 2);
    eventually("one is left out", || {
        let page = done(&rig.bus, Who::Admin, &["devices"]);
        let line = |address: &str| page.lines().find(|line| line.starts_with(address)).map(str::to_owned);
        let (kept, left) = (line(addresses[0]), line(addresses[1]));
        let shown =
            kept.zip(left).is_some_and(|(kept, left)| kept.contains(" published ") && left.contains(" filtered:mac "));
        shown.then_some(()).ok_or(page)
    });
}

#[test]
fn set_with_wait_ends_online_or_says_why_not() {
    let rig = Rig::start();
    let port = |port: u16| format!("Port={port}");
    let set = |words: &[&str]| ctl(&rig.bus, Who::Root, &[&["set"], words].concat());
    let said = set(&["--wait", "Host=127.0.0.1", "Protocol=mqtt", &port(rig.broker.ports.anonymous)]);
    assert_eq!((said.status, &*said.err), (0, ""), "{said:?}");
    let online = format!("\nOnline: connected to 127.0.0.1:{}.\n", rig.broker.ports.anonymous);
    assert!(said.out.ends_with(&online), "{said:?}");
    // Each is judged by its own settings, and not by the connection of the ones before.
    for _ in 0..10 {
        let wrong = set(&["--wait", &port(rig.broker.ports.password)]);
        assert_eq!(wrong.status, 1, "{wrong:?}");
        assert!(wrong.err.starts_with("cassia-bypassctl: Saved, but not online: auth: "), "{wrong:?}");
        let right = set(&["--wait=20", &port(rig.broker.ports.anonymous)]);
        assert_eq!((right.status, &*right.err), (0, ""), "{right:?}");
    }
    // What concerns neither radio nor broker is in use as well.
    let said = set(&["--wait", "PushIntervalMs=50"]);
    assert_eq!((said.status, &*said.err), (0, ""), "{said:?}");
    let said = set(&["--wait=1", "Port=1"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.starts_with("cassia-bypassctl: Saved, but not online after 1 s: refused: "), "{said:?}");
    let said = set(&["--wait", "Protocol=none"]);
    assert!(said.status == 1 && said.err.contains("Protocol is none"), "{said:?}");
}
