//! The unit as it is shipped, under a real systemd: each directive stands while the service does all that it does.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::bench;
use crate::guest::eventually;
use crate::rig::{ADDRESS, BUS, PATH, wait_scan};
use crate::systemd::{Systemd, WAIT, drop_in, flows, get, install, set};

const LONG: Duration = Duration::from_secs(240);

#[test]
fn unit_carries_the_service_through_its_life() {
    bench::run_within(LONG, |guest| {
        install();
        let controller = guest.controller(ADDRESS);
        guest.file("psk", "router:0badc0de5ec2e7f0\n");
        let configuration = "listener 1883 127.0.0.1\nallow_anonymous true\nlistener 8883 127.0.0.1\nallow_anonymous true\n\
                             psk_hint bench\npsk_file /run/bench/psk\n";
        let broker = guest.mosquitto(1883, &format!("user root\n{configuration}"));
        let subscriber = guest.subscribe("scanTopic");
        let messages = || subscriber.json_lines().len();
        let systemd = Systemd::boot();

        // Its name is enough to start it, and READY=1 is awaited.
        assert_eq!(systemd.property("ActiveState"), "inactive");
        systemd.run(&["busctl", "--timeout=30", "get-property", BUS, PATH, &format!("{BUS}.Stats"), "Version"]);
        eventually(WAIT, "it is active", || systemd.property("ActiveState") == "active");
        assert!(!systemd.property("StatusText").is_empty(), "a line for people");

        // What the sandbox leaves.
        let status =
            fs::read_to_string(format!("/proc/{}/status", systemd.main_pid().as_raw_nonzero())).expect("status");
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).expect(name).trim().to_owned();
        assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".into(), "2".into()));
        for capabilities in ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:"] {
            assert_eq!(
                u64::from_str_radix(&field(capabilities), 16),
                Ok(1 << 13),
                "CAP_NET_RAW and no more: {capabilities}"
            );
        }
        assert!(field("Uid:").split_whitespace().all(|uid| uid != "0"));

        let root = format!("/proc/{}/root", systemd.main_pid().as_raw_nonzero());
        let seen: Vec<_> = fs::read_dir(&root).expect("its root").flatten().map(|entry| entry.file_name()).collect();
        for hidden in ["srv", "opt", "boot", "mnt", "media"] {
            assert!(!seen.iter().any(|name| name == hidden), "{hidden} is out of sight: {seen:?}");
        }

        // /proc/sys is hidden: which boot this is stands in the environment.
        assert!(!fs::exists(format!("{root}/proc/sys")).expect("its /proc"));
        let environment = fs::read(format!("/proc/{}/environ", systemd.main_pid().as_raw_nonzero())).expect("environ");
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id").trim().replace('-', "");
        let named = format!("BOOT_ID={boot}");
        assert!(environment.split(|byte| *byte == 0).any(|entry| entry == named.as_bytes()));

        // Scan, TLS, publish, journal.
        let psk = [
            ["Host", "s", "127.0.0.1"],
            ["Port", "q", "8883"],
            ["EncryptionMode", "s", "psk"],
            ["PskIdentity", "s", "router"],
            ["Psk", "s", "0badc0de5ec2e7f0"],
            ["ScanQos", "y", "1"],
            ["Protocol", "s", "mqtt"],
        ];
        set(&systemd, &psk);
        wait_scan(&controller, "passive", |_| true);
        flows(&controller, "adverts arrive over TLS", messages);
        assert_eq!(get(&systemd, "Stats", "Capture"), "monitor");
        let journal = || systemd.run(&["journalctl", "--no-pager", "-u", "cassia-bypass", "-o", "cat"]);
        eventually(WAIT, "the journal has its lines", || journal().contains("radio scanning hci0"));

        systemd.run(&["systemctl", "service-log-level", "cassia-bypass", "debug"]);
        assert_eq!(systemd.run(&["systemctl", "service-log-level", "cassia-bypass"]).trim(), "debug");
        systemd.run(&["systemctl", "service-log-level", "cassia-bypass", "info"]);
        systemd.run(&["journalctl", "--update-catalog"]);
        let explained = systemd.run(&["journalctl", "--no-pager", "-x", "-u", "cassia-bypass"]);
        assert!(explained.contains("Subject: An adapter changed its state"), "{explained}");

        // Killed, and stuck: it comes back both times.
        systemd.signal_service(Signal::KILL);
        eventually(WAIT, "it was restarted", || {
            systemd.property("NRestarts") == "1" && get(&systemd, "Stats", "Version") != Value::Null
        });
        flows(&controller, "adverts arrive after the kill", messages);
        drop_in("watchdog", "[Service]\nWatchdogSec=2\n");
        systemd.run(&["systemctl", "daemon-reload"]);
        systemd.run(&["systemctl", "restart", "cassia-bypass"]);
        flows(&controller, "adverts arrive while it is watched", messages);
        systemd.signal_service(Signal::STOP);
        eventually(WAIT, "the watchdog ended it", || {
            systemd.property("NRestarts") == "1" && get(&systemd, "Stats", "Version") != Value::Null
        });
        flows(&controller, "adverts arrive after the watchdog", messages);
        drop_in("watchdog", "");
        systemd.run(&["systemctl", "daemon-reload"]);
        systemd.run(&["systemctl", "restart", "cassia-bypass"]);
        flows(&controller, "adverts arrive with the shipped unit again", messages);

        // Without a broker they wait on the disk over a stop, and a reboot.
        broker.end(Signal::TERM);
        eventually(WAIT, "it is noticed", || get(&systemd, "Stats", "LinkState") == "waiting");
        let queued = || get(&systemd, "Stats", "Queued").as_u64().unwrap_or(0) as usize;
        flows(&controller, "adverts wait", queued);
        systemd.run(&["systemctl", "stop", "cassia-bypass"]);
        assert_eq!(systemd.property("Result"), "success");
        let denied = journal();
        for trouble in ["Permission denied", "Operation not permitted", "Read-only file system"] {
            assert!(!denied.contains(trouble), "{denied}");
        }
        drop(systemd);

        let systemd = Systemd::boot();
        let _broker = guest.mosquitto(1883, &format!("user root\n{configuration}"));
        systemd.run(&["systemctl", "start", "cassia-bypass"]);
        assert_eq!(get(&systemd, "Config", "PskSet"), true);
        eventually(WAIT, "what waited is there", || get(&systemd, "Stats", "Recovered").as_u64() > Some(0));
        eventually(WAIT, "all of it left", || {
            get(&systemd, "Stats", "Spooled") == 0 && get(&systemd, "Stats", "LinkState") == "connected"
        });
    });
}
