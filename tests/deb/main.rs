//! The Debian packages on a Debian with systemd, in QEMU: installed, upgraded, removed, purged and installed again, by the README's
//! lines. `tests/deb/run` makes what this needs and runs it; `cargo test` alone does not.
#![allow(dead_code, reason = "the machine can more than is asked of it here")]

#[path = "../appliance/machine.rs"]
mod machine;
#[path = "../support/mod.rs"]
mod support;

use machine::{Disks, Machine};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use support::ROOT;
use support::process::run;
use tempfile::TempDir;

/// Of the version before, so that there is something to upgrade.
const BEFORE: &str = "0.0.9";

fn given(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: run tests/deb/run")).into()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The commands for root under this heading of the README, as they are printed.
fn readme(heading: &str, block: usize) -> Vec<String> {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("the README");
    let section = readme.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let lines =
        section.split("```console\n").nth(block + 1).and_then(|rest| rest.split("```").next()).expect("a block");
    lines.lines().filter_map(|line| line.strip_prefix("# ")).map(str::to_owned).collect()
}

/// A disk with this Debian, our packages of both versions, and what lets a test in.
fn disks(base: &Path, directory: &Path) -> Disks {
    let root = directory.join("root");
    fs::create_dir(&root).expect("a directory");
    run("tar", ["-C", text(&root), "-xf", text(base)]);
    let put = |from: &Path, to: &str, mode: &str| {
        run("install", ["-D", "-m", mode, text(from), "-t", text(&root.join(to))]);
    };
    let guest = Path::new(ROOT).join("tests/appliance/guest");
    put(&guest.join("cassia-test-shell"), "usr/libexec/cassia-test", "0755");
    put(&given("CASSIA_DEB_PROGRAMS").join("radio-controller"), "usr/libexec/cassia-test", "0755");
    let units = ["cassia-test-shell.service", "cassia-test-radio.service"];
    for unit in units {
        put(&guest.join(unit), "usr/lib/systemd/system", "0644");
    }
    let at = format!("--root={}", root.display());
    run("systemctl", [&at, "enable", "--quiet"].into_iter().chain(units));
    let idle =
        ["apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_reap.service", "systemd-networkd-wait-online.service"];
    run("systemctl", [&at, "mask", "--quiet"].into_iter().chain(idle));
    fs::write(root.join("etc/fstab"), "/dev/vda / ext4 defaults 0 0\n").expect("fstab");
    fs::write(root.join("etc/hostname"), "router\n").expect("a name");
    // The README's broker is this machine.
    fs::write(root.join("etc/hosts"), "127.0.0.1 localhost router broker.example\n").expect("hosts");
    for package in fs::read_dir(given("CASSIA_DEB_PACKAGES")).expect("packages").flatten() {
        let name = package.file_name().to_string_lossy().into_owned();
        if name.ends_with(".deb") {
            put(&package.path(), "root/target/debian", "0644");
            put(&older(&package.path(), directory), "root/before", "0644");
        }
    }
    // What was built for another processor lies beside them.
    fs::write(root.join("root/target/debian/cassia-bypass_0.1.0_riscv64.deb"), "").expect("written");
    let newest = |prefix: &str| {
        let found = run("find", [text(&root.join("boot")), "-name", &format!("{prefix}*")]);
        PathBuf::from(found.lines().next().unwrap_or_else(|| panic!("no {prefix}")))
    };
    let (kernel, initrd, disk) = (directory.join("kernel"), directory.join("initrd"), directory.join("disk"));
    fs::copy(newest("vmlinuz-"), &kernel).expect("a kernel");
    fs::copy(newest("initrd.img-"), &initrd).expect("its initial file system");
    run("mke2fs", ["-q", "-t", "ext4", "-L", "root", "-d", text(&root), text(&disk), "2G"]);
    fs::remove_dir_all(&root).expect("ours");
    Disks { kernel, initrd, kernel_options: "rw", drives: vec![format!("file={}", disk.display())] }
}

/// The same package with the number of the version before.
fn older(package: &Path, directory: &Path) -> PathBuf {
    let (tree, name) = (directory.join("package"), package.file_name().expect("a name").to_string_lossy().into_owned());
    let _ = fs::remove_dir_all(&tree);
    run("dpkg-deb", ["-R", text(package), text(&tree)]);
    let control = tree.join("DEBIAN/control");
    let text_now = fs::read_to_string(&control).expect("control");
    let version = text_now.lines().find_map(|line| line.strip_prefix("Version: ")).expect("a version");
    fs::write(&control, text_now.replace(&format!("Version: {version}"), &format!("Version: {BEFORE}")))
        .expect("control");
    let older = directory.join(name.replace(version, BEFORE));
    run("dpkg-deb", ["--root-owner-group", "-b", text(&tree), text(&older)]);
    older
}

/// It started with the package, and at the first attempt.
fn runs(machine: &mut Machine) {
    let state = ["ActiveState", "NRestarts"].map(|property| machine.unit("cassia-bypass", property));
    if state != ["active", "0"] {
        panic!("{state:?}: {}", machine.run("journalctl -b -u cassia-bypass -u dbus --no-pager"));
    }
}

/// Every unit that starts at boot.
fn enabled(machine: &mut Machine) -> String {
    machine.run("systemctl list-unit-files --state=enabled --no-legend --plain | sort")
}

fn install(machine: &mut Machine) {
    for line in readme("On a router", 0) {
        // As the README has it, but for a question that nobody answers here.
        machine.run(&format!(
            "cd /root && DEBIAN_FRONTEND=noninteractive {}",
            line.replace("apt-get install", "apt-get install -y")
        ));
    }
}

/// From the README's first scenario to an advert at the broker of this machine.
fn an_advert_arrives(machine: &mut Machine) {
    let scenario = &readme("On a router", 1)[0];
    assert!(scenario.contains("Host=broker.example"), "{scenario}");
    machine.run(scenario);
    machine.stat_becomes("LinkState", "connected");
    machine.stat_becomes("RadioState", "scanning");
    let request = r#"{"do":"load","devices":5,"rate":20,"count":40}"#;
    let said = machine.run(&format!(
        "mosquitto_sub -t scanTopic -C 1 -W 60 >/tmp/advert & \
         until ss -Htn state established 2>/dev/null | grep -q ':1883' || \
             [ $(grep -c :075B /proc/net/tcp) -gt 4 ]; do sleep 0.2; done; \
         /usr/libexec/cassia-test/radio-controller ask /run/cassia-test-radio '{request}' && wait && cat /tmp/advert"
    ));
    let items: Value = serde_json::from_str(said.lines().last().expect("a message")).expect("JSON");
    assert!(items[0]["bdaddrs"][0]["bdaddr"].is_string(), "{said}");
}

fn life(suite: &str) {
    let directory = TempDir::new().expect("a directory");
    let disks = disks(&given(&format!("CASSIA_DEB_{}", suite.to_uppercase())), directory.path());
    let mut machine = Machine::start(&disks);
    let before = enabled(&mut machine);
    let bluetoothd = "tr '\\0' ' ' </proc/$(systemctl show --value -p MainPID bluetooth)/cmdline";
    let untouched = machine.run(bluetoothd);

    // The version before, with settings; then the README's lines.
    machine.run("cd /root/before && DEBIAN_FRONTEND=noninteractive apt-get install -y ./cassia-bypass_*.deb ./cassia-bypass-ctl_*.deb");
    assert_eq!(machine.run("dpkg-query -W -f '${Version}' cassia-bypass"), BEFORE);
    runs(&mut machine);
    assert_eq!(machine.value("Config", "Protocol"), json!("none"), "nothing is published by itself");
    // BlueZ's settings hold: without them a passive scan is not to be had.
    machine.stat_becomes("RadioState", "scanning");
    assert_eq!(machine.value("Config", "ScanMode"), json!("passive"));
    machine.run(
        "cassia-bypassctl set Port=1883 Username=kept && printf secret | cassia-bypassctl set --secret-from Password=-",
    );
    install(&mut machine);
    assert_ne!(machine.run("dpkg-query -W -f '${Version}' cassia-bypass"), BEFORE);
    runs(&mut machine);
    assert_eq!(machine.value("Config", "Username"), json!("kept"));
    assert_eq!(machine.value("Config", "PasswordSet"), json!(true));
    an_advert_arrives(&mut machine);
    machine.run("journalctl -u cassia-bypass -x --no-pager | grep 'The service has started. Nothing to do.'");
    let enabled_now = enabled(&mut machine);
    assert!(
        enabled_now.contains("cassia-bypass.service") && !before.contains("cassia-bypass.service"),
        "{enabled_now}"
    );

    // Removed: settings stay, bluetoothd is as it was.
    machine.run("apt-get remove -y cassia-bypass cassia-bypass-ctl");
    assert_eq!(machine.unit("cassia-bypass", "LoadState"), "not-found");
    machine.run("test -e /var/lib/cassia-bypass/settings.toml");
    assert_eq!(machine.run(bluetoothd), untouched);
    install(&mut machine);
    assert_eq!(machine.value("Config", "Host"), json!("broker.example"));
    assert_eq!(machine.value("Config", "PasswordSet"), json!(true));
    machine.stat_becomes("LinkState", "connected");
    // bluetoothd has its settings again: in a passive scan it shows.
    machine.run("cassia-bypassctl set ScanMode=passive");
    machine.stat_becomes("RadioState", "scanning");

    // What an administrator of BlueZ sets counts more than ours.
    machine
        .run("printf '[General]\\nTemporaryTimeout = 17\\n' >/etc/bluetooth/main.conf && systemctl restart bluetooth");
    let merged = machine.run("cat /run/cassia-bypass-bluetooth/main.conf");
    assert!(merged.find("TemporaryTimeout = 5") < merged.find("TemporaryTimeout = 17"), "{merged}");

    // Purged: nothing is left but the user; and it can be installed again.
    machine.run("apt-get purge -y cassia-bypass cassia-bypass-ctl");
    machine.run("test ! -e /var/lib/cassia-bypass && test ! -e /etc/cassia-bypass && test ! -e /usr/lib/cassia-bypass");
    assert_eq!(enabled(&mut machine), before);
    install(&mut machine);
    assert_eq!(machine.value("Config", "Host"), json!(""));
    an_advert_arrives(&mut machine);
    // The others unpack and leave, too.
    machine.run("cd /root/target/debian && apt-get install -y ./cassia-bypass-dev_*.deb ./cassia-bypass-cockpit_*.deb");
    machine.run("test -e /usr/share/cockpit/cassia-bypass/manifest.json");
    machine.run("test -e /usr/share/dbus-1/interfaces/com.cassianetworks.Bypass1.Config.xml");
    machine.lose_power();
}

#[test]
fn packages_live_on_debian_12() {
    life("bookworm");
}

#[test]
fn packages_live_on_debian_13() {
    life("trixie");
}

/// What is in this file of a package of this machine's processor.
fn content(package: &str, file: &str) -> String {
    let found = run("find", [text(&given("CASSIA_DEB_PACKAGES")), "-name", &format!("{package}_*.deb")]);
    let package = found.lines().next().unwrap_or_else(|| panic!("no {package}"));
    run("bash", ["-o", "pipefail", "-c", "dpkg-deb --fsys-tarfile \"$0\" | tar -xO \"$1\" | gzip -cdf", package, file])
}

#[test]
fn packages_have_the_licences_of_all_that_is_in_them() {
    for package in ["cassia-bypass", "cassia-bypass-ctl"] {
        let licences = content(package, &format!("./usr/share/doc/{package}/third-party-licences.gz"));
        for said in ["\n  paho-mqtt-sys ", "\n  tokio ", "Eclipse Public License - v 2.0", "Apache License"] {
            assert!(licences.contains(said), "{package}: {said}");
        }
    }
    let page = content("cassia-bypass-cockpit", "./usr/share/doc/cassia-bypass-cockpit/copyright");
    for said in ["SIL OPEN FONT LICENSE Version 1.1", "Permission is hereby granted", "Red Hat"] {
        assert!(page.contains(said), "{said}");
    }
}
