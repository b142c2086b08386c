//! What `meta-cassia` gives a router beside the service, under a real systemd: state and journal on a partition of their own,
//! and bluetoothd's settings.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::bench;
use crate::guest::eventually;
use crate::rig::{ADDRESS, BUS, PATH};
use crate::systemd::{Systemd, install};

const LONG: Duration = Duration::from_secs(240);
const WAIT: Duration = Duration::from_secs(40);
const STATE: &str = "/data";
const UNITS: &str = "/usr/lib/systemd/system";
const MOUNTS: [&str; 2] = ["var-lib.mount", "var-volatile-log-journal.mount"];

/// A file of cassia-router-conf, with what its recipe puts in.
fn put(file: &str, place: &str) {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("meta-cassia/recipes-core/cassia-router-conf/files");
    let text = fs::read_to_string(recipe.join(file)).expect(file);
    let text = text.replace("@STATE@", STATE).replace("@LIBEXECDIR@", "/usr/libexec");
    let text = text.replace("@CONFIG@", "/usr/lib/cassia-router/bluetooth.conf");
    fs::create_dir_all(Path::new(place).parent().expect("a directory")).expect(place);
    fs::write(place, text).expect(place);
}

/// The package, on a machine that is laid out as OE-core lays out a device.
fn install_router() {
    install();
    fs::remove_file("/etc/systemd/system/bluetooth.service.d/experimental.conf").expect("the bench's drop-in");
    put("bluetooth.conf", "/usr/lib/cassia-router/bluetooth.conf");
    put("bluetooth.service.conf.in", &format!("{UNITS}/bluetooth.service.d/50-cassia-router.conf"));
    put("journald.conf", "/usr/lib/systemd/journald.conf.d/50-cassia-router.conf");
    fs::create_dir_all("/etc/systemd/system/local-fs.target.wants").expect("a directory");
    for unit in MOUNTS {
        put(unit, &format!("{UNITS}/{unit}"));
        let wants = format!("/etc/systemd/system/local-fs.target.wants/{unit}");
        symlink(format!("{UNITS}/{unit}"), wants).expect(unit);
    }
    fs::remove_dir_all("/var/log").expect("the log of the bench");
    fs::create_dir_all("/var/volatile/log").expect("a directory");
    symlink("volatile/log", "/var/log").expect("a link");
    fs::create_dir_all(STATE).expect(STATE);
}

fn mount(arguments: &[&str]) {
    assert!(Command::new("mount").args(arguments).status().expect("mount").success(), "{arguments:?}");
}

fn host(systemd: &Systemd) -> String {
    systemd.run(&["busctl", "--timeout=30", "get-property", BUS, PATH, &format!("{BUS}.Config"), "Host"])
}

/// How often the service has started, for the journal.
fn starts(systemd: &Systemd) -> usize {
    let id = "MESSAGE_ID=f1027be41e953b09a2be214401c280c1";
    systemd.ask(&["journalctl", "--no-pager", "--quiet", "--output=cat", id]).0.lines().count()
}

fn active(systemd: &Systemd, unit: &str) -> String {
    systemd.ask(&["systemctl", "is-active", unit]).0.trim().to_owned()
}

#[test]
fn router_keeps_its_state_on_its_partition() {
    bench::run_within(LONG, |guest| {
        let _controller = guest.controller(ADDRESS);
        install_router();
        mount(&["-t", "tmpfs", "-o", "mode=0755", "state", STATE]);

        let systemd = Systemd::boot();
        for unit in MOUNTS {
            assert_eq!(active(&systemd, unit), "active", "{unit}");
        }
        // The advertisement monitors are one of its experimental interfaces.
        let bluez = || systemd.ask(&["busctl", "introspect", "org.bluez", "/org/bluez/hci0"]).0;
        eventually(WAIT, "bluetoothd has our settings", || bluez().contains("org.bluez.AdvertisementMonitorManager1"));

        let call = ["busctl", "--timeout=30", "call", BUS, PATH];
        let interface = format!("{BUS}.Config");
        let apply = [interface.as_str(), "Apply", "a{sv}", "1", "Host", "s", "broker.example"];
        systemd.run(&[&call[..], &apply[..]].concat());
        let settings = format!("{STATE}/lib/cassia-bypass/settings.toml");
        assert!(fs::read_to_string(&settings).expect(&settings).contains("broker.example"));
        eventually(WAIT, "the journal has the start", || starts(&systemd) == 1);
        let journal = format!("{STATE}/journal/0123456789abcdef0123456789abcdef/system.journal");
        assert!(Path::new(&journal).exists(), "{journal}");
        // For journalctl -x. (Debian has no unit for it.)
        systemd.run(&["journalctl", "--update-catalog"]);
        systemd.run(&["journalctl", "--list-catalog", "f1027be41e953b09a2be214401c280c1"]);
        assert!(Path::new(&format!("{STATE}/lib/systemd/catalog/database")).exists(), "the catalog");
        drop(systemd);

        // All but the partition is as new after a boot.
        fs::remove_dir_all("/run/log").ok();
        let systemd = Systemd::boot();
        assert_eq!(host(&systemd), "s \"broker.example\"\n");
        eventually(WAIT, "the journal has both starts", || starts(&systemd) == 2);
        drop(systemd);

        // Without it the router works, and forgets.
        assert!(Command::new("umount").args(["--lazy", STATE]).status().expect("umount").success());
        let systemd = Systemd::boot();
        for unit in MOUNTS {
            assert_eq!(active(&systemd, unit), "inactive", "{unit}");
        }
        assert_eq!(host(&systemd), "s \"\"\n");
    });
}
