//! The Ansible role of `examples/ansible`: ansible-lint has nothing against it, and ansible-playbook does with it what
//! `docs/provisioning.md` says, to the real service.

use crate::commands::Machine;
use crate::support::ROOT;
use crate::support::broker::{PASSWORD, USER};
use crate::support::busctl::{CONFIG, STATS};
use crate::support::identities::Who;
use crate::support::process::{output, run};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory of the tools.
fn tools() -> PathBuf {
    PathBuf::from(run(&format!("{ROOT}/tests/docs/ansible"), [""; 0]).trim())
}

/// Whether ansible-lint accepts this copy of the examples, and what it says.
fn linted(directory: &Path) -> (bool, String) {
    let tools = tools();
    let mut command = Command::new(tools.join("ansible-lint"));
    command.args(["--offline", "--nocolor", "--profile", "production"]).current_dir(directory);
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.display())).env("HOME", directory);
    let done = output(&mut command);
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

#[test]
fn ansible_lint_has_nothing_against_the_role() {
    let directory = tempfile::tempdir().expect("a directory");
    run("cp", ["-r", &format!("{ROOT}/examples/ansible/."), directory.path().to_str().expect("UTF-8")]);
    let (accepted, said) = linted(directory.path());
    assert!(accepted, "{said}");
    let tasks = directory.path().join("roles/cassia_bypass/tasks/main.yml");
    let text = fs::read_to_string(&tasks).expect("tasks");
    fs::write(&tasks, text.replacen("  changed_when: false\n", "", 1)).expect("written");
    let (accepted, said) = linted(directory.path());
    assert!(!accepted && said.contains("no-changed-when"), "{said}");
}

/// Runs the playbook against the machine's service. Whether it succeeded, and what it said.
fn play(machine: &Machine, variables: &Value, mode: &[&str]) -> (bool, String) {
    let directory = machine.bus.directory();
    let file = directory.join("variables.json");
    fs::write(&file, variables.to_string()).expect("written");
    fs::write(directory.join("hosts.yml"), "routers:\n  hosts:\n    router:\n      ansible_connection: local\n")
        .expect("written");
    let mut command = machine.bus.command(Who::Root);
    let (tools, own) = (tools(), directory.display());
    command.args([
        "env",
        &format!("PATH={own}:{}:/usr/bin:/bin:/usr/sbin:/sbin", tools.display()),
        &format!("HOME={own}/home"),
        "LC_ALL=C.UTF-8",
        "ansible-playbook",
        "--inventory",
        &format!("{own}/hosts.yml"),
        "--extra-vars",
        &format!("@{}", file.display()),
        "--extra-vars",
        "ansible_become=false ansible_python_interpreter=/usr/bin/python3 cassia_bypass_health_delay=1",
        &format!("{ROOT}/examples/ansible/site.yml"),
    ]);
    command.args(mode);
    let done = output(&mut command);
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

#[test]
fn ansible_role_changes_what_differs_and_nothing_when_the_broker_refuses() {
    let machine = Machine::start();
    let variables = |changes: Value| {
        let mut all = json!({
            "cassia_bypass_settings": {
                "protocol": "mqtt", "host": "127.0.0.1", "port": machine.broker.ports.password, "username": USER, "scan_qos": 1,
                "fallback_hosts": ["127.0.0.1:1"], "beacon": true, "ca_certificate": machine.broker.certificates.ca.pem(),
            },
            "cassia_bypass_secrets": {"password": PASSWORD},
        });
        for (key, value) in changes.as_object().expect("an object") {
            match all.get_mut(key).and_then(Value::as_object_mut) {
                Some(object) => object.extend(value.as_object().expect("an object").clone()),
                None => all[key] = value.clone(),
            }
        }
        all
    };
    let value = |interface, property| machine.bus.value(interface, property);
    // Only looked at.
    let (done, said) = play(&machine, &variables(json!({})), &["--check"]);
    assert!(done && said.contains(" changed=0 "), "{said}");
    assert_eq!(value(CONFIG, "ScanQos"), 0);
    let (done, said) = play(&machine, &variables(json!({})), &[]);
    assert!(done && said.contains(" changed=1 "), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    assert_eq!(value(CONFIG, "FallbackHosts"), json!(["127.0.0.1:1"]));
    assert_eq!((value(CONFIG, "ScanQos"), value(CONFIG, "Beacon")), (json!(1), json!(true)));
    assert_eq!((value(CONFIG, "PasswordSet"), value(STATS, "Health")), (json!(true), json!("online")));
    // All is as it should be.
    let (done, said) = play(&machine, &variables(json!({})), &[]);
    assert!(done && said.contains(" changed=0 "), "{said}");
    // A secret is sent again on request.
    let (done, said) = play(&machine, &variables(json!({"cassia_bypass_rotate": true})), &[]);
    assert!(done && said.contains(" changed=1 "), "{said}");
    // What the service refuses, and what the broker does not take, changes nothing.
    for (wrong, task) in [
        (json!({"cassia_bypass_settings": {"scan_qos": 7}}), "Check them"),
        (json!({"cassia_bypass_settings": {"port": 1}}), "Test the broker with them"),
        (
            json!({"cassia_bypass_secrets": {"password": "wrong"}, "cassia_bypass_rotate": true}),
            "Test the broker with them",
        ),
    ] {
        let (done, said) = play(&machine, &variables(wrong), &[]);
        let failed = said.rsplit("TASK [").find(|part| part.contains("fatal: ")).expect("a task that fails");
        assert!(!done && failed.contains(task), "{said}");
        assert!(said.contains(" changed=0 "), "{said}");
    }
    assert_eq!((value(CONFIG, "ScanQos"), value(CONFIG, "Port")), (json!(1), json!(machine.broker.ports.password)));
    assert_eq!(value(STATS, "Health"), "online");
    let left = fs::read_dir("/run").expect("/run").flatten();
    let left: Vec<_> = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("cassia-bypass.")).collect();
    assert!(left.is_empty(), "{left:?}");
}
