//! A secret goes from a file, a pipe or a terminal into the service, and appears nowhere on the way.

use crate::ctl::{Terminal, command, ctl, done, fed};
use crate::started;
use crate::support::bus::Bus;
use crate::support::busctl::CONFIG;
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::{Lines, Process};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

const PASSWORD: &str = "correct horse battery staple";
const PSK: &str = "c0ffee0ddba11";

/// What the service stored.
fn stored(bus: &Bus, key: &str) -> Vec<String> {
    let files = fs::read_dir(bus.state().join("secrets")).expect("a directory");
    let paths = files.map(|entry| entry.expect("a file").path());
    let ours = paths.filter(|path| path.file_stem().is_some_and(|stem| stem == key));
    ours.map(|path| fs::read_to_string(path).expect("a secret")).collect()
}

#[test]
fn secrets_come_from_a_file_and_from_standard_input() {
    let (bus, _service) = started();
    let file = bus.directory().join("password");
    fs::write(&file, format!("{PASSWORD}\n")).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("permissions");
    let from_file = format!("Password={}", file.display());
    let said = fed(&bus, &["set", "--secret-from", &from_file, "--secret-from", "psk=-", "Username=me"], PSK);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.out.lines().count(), 3);
    assert!(
        said.out.contains("Password                  not set -> set\nPsk                       not set -> set\n"),
        "{said:?}"
    );
    assert_eq!((stored(&bus, "password"), stored(&bus, "psk")), (vec![PASSWORD.into()], vec![PSK.into()]));
    // Nothing that can be read has it.
    let shown = [
        said.out,
        said.err,
        done(&bus, Who::Root, &["show"]),
        done(&bus, Who::Root, &["show", "--json"]),
        done(&bus, Who::Root, &["export"]),
        done(&bus, Who::Root, &["diagnose"]),
        bus.log(),
    ];
    for text in shown {
        assert!(!text.contains(PASSWORD) && !text.contains(PSK), "{text}");
    }
    done(&bus, Who::Admin, &["set", "Psk=", "Password="]);
    assert_eq!((bus.value(CONFIG, "PasswordSet"), bus.value(CONFIG, "PskSet")), (false.into(), false.into()));
}

#[test]
fn secrets_are_not_removed_by_an_empty_pipe_or_file() {
    let (bus, _service) = started();
    assert_eq!(fed(&bus, &["set", "--secret-from", "Password=-", "CaCertificate="], PASSWORD).status, 0);
    let site = bus.directory().join("site.toml");
    fs::write(&site, "port = 1884\n").expect("written");
    let site = site.display().to_string();
    for (command, empty) in [
        (vec!["set", "--secret-from", "Password=-"], ""),
        (vec!["set", "--secret-from", "Password=-"], "\n"),
        (vec!["set", "--secret-from", "Password=-"], "\r\n"),
        (vec!["set", "Password=@/dev/null"], ""),
        (vec!["test", "--secret-from", "Password=-"], ""),
        (vec!["import", &site, "--secret-from", "Password=-"], ""),
    ] {
        let said = fed(&bus, &command, empty);
        let place = if command.contains(&"Password=@/dev/null") { "/dev/null" } else { "standard input" };
        let refused = format!(
            "Password: {place}: expected a value, found nothing; to remove it: cassia-bypassctl reset Password"
        );
        assert_eq!((said.status, said.err.contains(&refused)), (2, true), "{command:?}: {said:?}");
        assert_eq!(
            (bus.value(CONFIG, "PasswordSet"), bus.value(CONFIG, "Port")),
            (true.into(), 0.into()),
            "{command:?}"
        );
    }
    let said = fed(&bus, &["set", "CaCertificate=@/dev/null"], "");
    assert!(said.err.contains("cassia-bypassctl reset CaCertificate"), "{said:?}");
    // The line that is named does it.
    done(&bus, Who::Admin, &["reset", "Password"]);
    assert_eq!(bus.value(CONFIG, "PasswordSet"), false);
}

#[test]
fn secrets_are_not_in_the_list_of_processes() {
    let (bus, _service) = started();
    let (out, err) = (Lines::default(), Lines::default());
    let mut command = command(&bus, Who::Admin, &["set", "--secret-from", "Psk=-"]);
    let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let readers = [
        out.collect(process.child().stdout.take().expect("piped")),
        err.collect(process.child().stderr.take().expect("piped")),
    ];
    let mut stdin = process.child().stdin.take().expect("piped");
    let of = |file: &str| fs::read(format!("/proc/{}/{file}", process.id())).unwrap_or_default();
    eventually("it runs", || {
        String::from_utf8_lossy(&of("cmdline")).starts_with(&bus.directory().display().to_string())
    });
    // Half of it, so that it has some of the secret and still waits.
    stdin.write_all(&PSK.as_bytes()[..8]).expect("it reads");
    for file in ["cmdline", "environ"] {
        let text = String::from_utf8_lossy(&of(file)).into_owned();
        assert!(!text.is_empty() && !text.contains(&PSK[..8]), "{file}: {text}");
    }
    stdin.write_all(&PSK.as_bytes()[8..]).expect("it reads");
    drop(stdin);
    assert!(process.ended().success());
    readers.into_iter().for_each(|reader| reader.join().expect("read"));
    assert_eq!(stored(&bus, "psk"), [PSK]);
    assert!(!out.contains(PSK) && err.len() == 0, "{out:?} {err:?}");
}

#[test]
fn secrets_on_the_command_line_are_refused_unseen() {
    let (bus, _service) = started();
    for words in [&["set", "Psk=c0ffee0ddba11"][..], &["test", "psk=c0ffee0ddba11"], &["set", "c0ffee0ddba11"]] {
        let said = ctl(&bus, Who::Admin, words);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(!said.err.contains(PSK) && !said.err.is_empty(), "{said:?}");
    }
    // One that the service refuses is not repeated, either.
    let said = fed(&bus, &["set", "--secret-from", "Psk=-"], "0xc0ffee");
    assert_eq!((said.status, &*said.err), (1, "cassia-bypassctl: Psk: expected 1-512 hexadecimal digits without 0x\n"));
    assert_eq!(bus.value(CONFIG, "PskSet"), false);
}

#[test]
fn on_a_terminal_it_is_asked_for_and_not_echoed() {
    let (bus, _service) = started();
    let mut terminal = Terminal::start(&bus, "set --secret-from Psk=-", &[]);
    terminal.until("Psk: ");
    terminal.type_in(&format!("x\x7f{PSK}\r"));
    let shown = terminal.ended();
    assert!(shown.contains("status 0") && !shown.contains(PSK), "{shown}");
    assert_eq!(stored(&bus, "psk"), [PSK]);
    // Control-C leaves the terminal as it was.
    let mut terminal = Terminal::start(&bus, "set --secret-from Psk=-; stty -a | tr ' ;' '\\n' | grep echo$", &[]);
    terminal.until("Psk: ");
    terminal.type_in("12\x03");
    let shown = terminal.ended();
    assert!(shown.contains("nothing was typed") && shown.contains("\necho\r"), "{shown}");
    assert_eq!(stored(&bus, "psk"), [PSK]);
}

#[test]
fn files_that_are_no_text_get_the_command_that_makes_text_of_them() {
    let (bus, _service) = started();
    for (der, command) in [
        (&[0x30, 0x82, 0x03, 0xB6, 0x30, 0x82, 0x02][..], "openssl x509 -inform der"),
        (&[0x30, 0x82, 0x09, 0xC1, 0x02, 0x01, 0x03], "openssl pkcs12"),
        (&[0xFF, 0xFE, 0x00], "expected UTF-8 text"),
    ] {
        let file = bus.directory().join("file");
        fs::write(&file, der).expect("written");
        let said = fed(&bus, &["set", &format!("CaCertificate=@{}", file.display())], "");
        assert_eq!((said.status, said.err.contains(command)), (2, true), "{said:?}");
    }
}

#[test]
fn secrets_that_would_go_elsewhere_are_asked_for_again() {
    let (bus, _service) = started();
    let set = ["set", "Host=broker.example", "Username=me", "--secret-from", "Password=-"];
    assert_eq!(fed(&bus, &set, PASSWORD).status, 0);
    let said = ctl(&bus, Who::Admin, &["set", "Host=other.example"]);
    assert_eq!((said.status, &*said.out), (1, ""), "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    assert!(lines[0].starts_with("cassia-bypassctl: Password: expected its value again in the same call"), "{said:?}");
    assert!(lines[1].contains("--secret-from NAME=-"), "{said:?}");
    let json = ctl(&bus, Who::Admin, &["test", "Host=127.0.0.1", "Port=1", "--json"]).json();
    assert_eq!(json["error"]["name"], "com.cassianetworks.Bypass1.Error.SecretRequired");
    let said = ctl(&bus, Who::Admin, &["set", "--dry-run", "Host=other.example"]);
    assert!(said.status == 1 && said.err.contains("Password: expected its value again"), "{said:?}");
    let file = bus.directory().join("broker.toml");
    fs::write(&file, "host = 'other.example'\n").expect("written");
    let import = ["import", file.to_str().expect("text")];
    assert!(ctl(&bus, Who::Admin, &import).err.contains("Password: expected its value again"));
    assert_eq!(bus.value(CONFIG, "Host"), "broker.example");
    assert_eq!(fed(&bus, &[&import[..], &["--secret-from", "Password=-"]].concat(), PASSWORD).status, 0);
    assert_eq!(bus.value(CONFIG, "Host"), "other.example");
    done(&bus, Who::Root, &["set", "Host=broker.example"]);
    done(&bus, Who::Admin, &["set", "Host=other.example", "Password="]);
}
