//! Everybody may look; root and operators may change.

use crate::ctl::{command, ctl, done, run};
use crate::started;
use crate::support::identities::Who;

const LOOKS: [&[&str]; 8] = [
    &["show"],
    &["show", "Host"],
    &["describe"],
    &["describe", "scan_qos"],
    &["watch", "-c", "1"],
    &["export"],
    &["diagnose"],
    &["metrics"],
];

#[test]
fn everybody_may_look() {
    let (bus, _service) = started();
    for who in [Who::Nobody, Who::Admin, Who::Root] {
        for words in LOOKS {
            assert!(!done(&bus, who, words).is_empty(), "{words:?}");
        }
    }
}

#[test]
fn operators_and_root_may_change() {
    let (bus, _service) = started();
    for who in [Who::Admin, Who::Root] {
        assert_eq!(done(&bus, who, &["set", "Port=7"]), "Port                      0 -> 7\n");
        assert_eq!(done(&bus, who, &["set", "--dry-run", "Port=8"]), "Apply would take it.\n");
        assert_eq!(done(&bus, who, &["show", "--value", "port"]), "7\n");
        assert_eq!(done(&bus, who, &["reset", "Port"]), "Port                      7 -> 0\n");
        assert!(done(&bus, who, &["diagnose"]).contains("What to do"));
        // Nobody listens there.
        assert_eq!(ctl(&bus, who, &["test", "Host=127.0.0.1", "Port=1"]).status, 1);
        let mut import = command(&bus, who, &["import", "/dev/null"]);
        assert_eq!(run(&mut import).status, 0);
    }
}

#[test]
fn nobody_may_change_nothing() {
    let (bus, _service) = started();
    let before = done(&bus, Who::Nobody, &["show"]);
    for words in [
        &["set", "Port=7"][..],
        &["set", "--dry-run", "Port=7"],
        &["reset", "Port"],
        &["reset", "--all"],
        &["test", "Host=127.0.0.1"],
        &["devices"],
        &["import", "/dev/null"],
    ] {
        let said = ctl(&bus, Who::Nobody, words);
        assert_eq!((said.status, &*said.out), (4, ""), "{words:?}: {said:?}");
        assert_eq!(
            said.err,
            "cassia-bypassctl: not allowed: this needs root or a member of the group cassia-bypass-admin\n"
        );
    }
    assert_eq!(done(&bus, Who::Nobody, &["show"]), before);
}
