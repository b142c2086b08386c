//! What an operator sees of a router over its life.

use crate::image::{Given, Image};
use crate::machine::{BUS, Machine, PATH, WAIT};
use crate::support::broker::{Mosquitto, PASSWORD, PSK, PSK_IDENTITY, USER};
use crate::support::broker_subscriber::Subscriber;
use crate::support::within;
use serde_json::Value;
use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const STARTED: &str = "f1027be41e953b09a2be214401c280c1";
const SETTINGS_CHANGED: &str = "0a64fd21c0cad5f74e772a85a4a4d255";
const ADVERTS: u32 = 40;

fn given(variable: &str) -> PathBuf {
    env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: run tests/appliance/run")).into()
}

/// Numbers that the made-up adverts carry, of all that the broker passed on.
fn numbers(subscriber: &Subscriber) -> Vec<u32> {
    let items = subscriber.received().into_iter().flat_map(|message| {
        serde_json::from_str::<Vec<Value>>(&message.payload).unwrap_or_else(|e| panic!("{}: {e}", message.payload))
    });
    let number = |item: Value| {
        let data = item["adData"].as_str().expect("hexadecimal").to_owned();
        u32::from_str_radix(&data[data.len() - 8..], 16).expect("a number").swap_bytes()
    };
    items.map(number).collect()
}

/// Plays adverts in the guest, which reach the service and with it the broker: each once.
fn adverts_arrive(machine: &mut Machine, broker: &Mosquitto) {
    let subscriber = Subscriber::start(broker, "scanTopic");
    connected_and_scanning(machine);
    play(machine);
    within(WAIT, "all adverts arrive", || {
        let numbers = numbers(&subscriber);
        if numbers.len() >= ADVERTS as usize { Ok(()) } else { Err(format!("{numbers:?}")) }
    });
    let numbers = numbers(&subscriber);
    assert_eq!(numbers.len(), ADVERTS as usize, "none twice");
    assert_eq!(BTreeSet::from_iter(numbers), BTreeSet::from_iter(0..ADVERTS));
    balanced(machine);
}

fn play(machine: &mut Machine) {
    let request = format!(r#"{{"do":"load","devices":5,"rate":20,"count":{ADVERTS}}}"#);
    let said =
        machine.run(&format!("/usr/libexec/cassia-test/radio-controller ask /run/cassia-test-radio '{request}'"));
    let answer: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&answer["sent"], &answer["unheard"]), (&ADVERTS.into(), &0.into()), "{said}");
}

fn connected_and_scanning(machine: &mut Machine) {
    for (property, wanted) in [("LinkState", "connected"), ("RadioState", "scanning")] {
        machine.stat_becomes(property, wanted);
    }
}

/// Every advert is in the books.
fn balanced(machine: &mut Machine) {
    let ledger = machine.value("Stats", "Ledger");
    let sum = |names: &[&str]| names.iter().map(|name| ledger[name].as_u64().expect("a count")).sum::<u64>();
    let known =
        sum(&["Published", "Filtered", "Deduplicated", "Unpublished", "Dropped", "Queued", "InFlight", "Spooled"]);
    assert_eq!(sum(&["Received", "Recovered"]), known, "{ledger}");
}

fn entries(machine: &mut Machine, id: &str) -> Vec<Value> {
    let said = machine.run(&format!("journalctl --quiet --boot --output=json MESSAGE_ID={id} --unit=cassia-bypass"));
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The service, once it is another process than this one and answers.
fn restarted(machine: &mut Machine, before: &str) {
    within(WAIT, "it was restarted", || {
        let now = machine.unit("cassia-bypass", "MainPID");
        now != before && now != "0" && machine.try_value("Stats", "Version").is_ok()
    });
}

#[test]
fn router_from_its_first_boot_to_a_loss_of_power() {
    let began = Instant::now();
    let time = |what: &str| println!("{:6.1} s  {what}", began.elapsed().as_secs_f32());
    let packages = env::var_os("CASSIA_APPLIANCE_PACKAGES").map(PathBuf::from);
    let image = Image::build(&Given {
        base: given("CASSIA_APPLIANCE_ROOT"),
        programs: given("CASSIA_APPLIANCE_PROGRAMS"),
        packages,
    });
    time(&format!("an image with {:?}", image.packages));
    let mut broker = Mosquitto::start();

    let mut machine = Machine::start(&image.disks);
    time("booted for the first time");
    systemd_has_set_up(&mut machine, &image);
    root_is_read_only(&mut machine);
    bluetooth_is_as_the_layer_wants(&mut machine);
    others_may_only_look(&mut machine);
    time("looked around");

    let port = broker.ports.psk;
    let refused = machine.apply("2 Host s 10.0.2.2 ScanQos y 3").expect_err("3 is no QoS");
    assert!(refused.contains("ScanQos"), "{refused}");
    assert_eq!(machine.value("Config", "Host"), "", "nothing of it was taken");
    let settings = format!(
        "9 Host s 10.0.2.2 Port q {port} EncryptionMode s psk PskIdentity s {PSK_IDENTITY} Psk s {PSK} Username s {USER} \
         Password s {PASSWORD} ScanQos y 1 Protocol s mqtt"
    );
    machine.run(&format!("busctl call {BUS} {PATH} {BUS}.Config Apply 'a{{sv}}' {settings}"));
    adverts_arrive(&mut machine, &broker);
    assert_eq!(machine.value("Stats", "Capture"), "monitor");
    time("set over the system bus; adverts arrived outside");
    the_command_line_works(&mut machine, &image);
    journal_has_it(&mut machine);

    // Ended by force, and stuck: systemd brings it back.
    let before = machine.unit("cassia-bypass", "MainPID");
    machine.run("systemctl kill -s KILL cassia-bypass");
    restarted(&mut machine, &before);
    adverts_arrive(&mut machine, &broker);
    time("killed, and back");
    let before = machine.unit("cassia-bypass", "MainPID");
    machine.run("systemctl kill -s STOP cassia-bypass");
    restarted(&mut machine, &before);
    let said = machine.run("journalctl --quiet --boot --no-pager --unit=cassia-bypass _PID=1");
    assert!(said.contains("Watchdog timeout"), "{said}");
    adverts_arrive(&mut machine, &broker);
    time("stopped, and back by the watchdog");

    // Without a broker adverts wait, over a restart of the machine.
    broker.kill();
    machine.stat_becomes("LinkState", "waiting");
    play(&mut machine);
    let id = machine.run("cat /etc/machine-id");
    let mut machine = machine.reboot(&image.disks);
    time("restarted");
    assert_eq!(machine.run("cat /etc/machine-id"), id);
    assert_eq!(machine.value("Config", "Host"), "10.0.2.2");
    assert_eq!(machine.value("Config", "PskSet"), true);
    broker.restart();
    let subscriber = Subscriber::start(&broker, "scanTopic");
    within(WAIT, "what waited arrives", || numbers(&subscriber).len() >= ADVERTS as usize);
    assert_eq!(BTreeSet::from_iter(numbers(&subscriber)), BTreeSet::from_iter(0..ADVERTS));
    drop(subscriber);
    adverts_arrive(&mut machine, &broker);
    assert_eq!(machine.run("journalctl --quiet --list-boots | wc -l"), "2", "the journal was kept");
    time("settings, adverts and journal outlived it");

    machine.lose_power();
    let mut machine = Machine::start(&image.disks);
    time("booted after a loss of power");
    assert_eq!(machine.value("Config", "Host"), "10.0.2.2");
    adverts_arrive(&mut machine, &broker);
    assert_eq!(machine.run("journalctl --quiet --list-boots | wc -l"), "3", "the journal was kept");
    machine.run("sync && journalctl --verify");
    time("adverts arrive");
}

fn systemd_has_set_up(machine: &mut Machine, image: &Image) {
    assert_eq!(machine.run("cat /proc/1/comm"), "systemd");
    println!("{}", machine.run("systemd-analyze time"));
    for unit in
        image.services.iter().map(String::as_str).chain(["bluetooth", "dbus", "systemd-journald", "systemd-timesyncd"])
    {
        within(WAIT, &format!("{unit} is active"), || match machine.unit(unit, "ActiveState") {
            state if state == "active" => Ok(()),
            state => Err(state),
        });
    }
    let process = machine.unit("cassia-bypass", "MainPID");
    let owner = format!(
        "busctl --json=short call org.freedesktop.DBus / org.freedesktop.DBus GetConnectionUnixProcessID s {BUS}"
    );
    assert_eq!(machine.run(&owner), format!(r#"{{"type":"u","data":[{process}]}}"#));
    assert_eq!(machine.run(&format!("stat -c %U:%G /proc/{process}")), "cassia-bypass:cassia-bypass");
    assert_eq!(machine.unit("cassia-bypass", "NRestarts"), "0");
    machine.run("systemd-analyze security --threshold=17 cassia-bypass.service");
}

fn root_is_read_only(machine: &mut Machine) {
    let refused = machine.ask("touch /usr/x").expect_err("it is read-only");
    assert!(refused.contains("Read-only file system"), "{refused}");
    machine.ask("mount -o remount,rw /").expect_err("nor can it be made writable");
    // These lie on the state partition.
    for place in ["/etc", "/var/lib", "/var/log/journal"] {
        machine.run(&format!("touch {place}/x && rm {place}/x"));
    }
    let state = machine.run("blkid -L state");
    for place in ["/var/lib", "/var/log/journal"] {
        let source = machine.run(&format!("findmnt --noheadings --output SOURCE --target {place}"));
        assert!(source.starts_with(&state), "{place}: {source}");
    }
}

fn bluetooth_is_as_the_layer_wants(machine: &mut Machine) {
    let command = machine.unit("bluetooth", "ExecStart");
    assert!(command.contains("/cassia-router/bluetooth.conf"), "{command}");
    let powered = "busctl --json=short get-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered";
    within(WAIT, "the adapter is powered", || machine.ask(powered).is_ok_and(|said| said.contains("true")));
    // An experimental interface, which passive scans need.
    let managers = machine.run("busctl introspect org.bluez /org/bluez/hci0");
    assert!(managers.contains("org.bluez.AdvertisementMonitorManager1"), "{managers}");
}

fn others_may_only_look(machine: &mut Machine) {
    let nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups";
    machine.run(&format!("{nobody} busctl get-property {BUS} {PATH} {BUS}.Stats Health"));
    let refused = machine.ask(&format!("{nobody} busctl call {BUS} {PATH} {BUS}.Config Reset as 0"));
    assert!(refused.is_err_and(|said| said.contains("Access denied")));
}

fn the_command_line_works(machine: &mut Machine, image: &Image) {
    assert!(image.packages.contains("cassia-bypass-ctl"), "{:?}", image.packages);
    assert_eq!(machine.run("cassia-bypassctl show --value Host ScanQos"), "10.0.2.2\n1");
    let refused = machine.ask("cassia-bypassctl set ScanQos=3").expect_err("3 is no QoS");
    assert!(refused.contains("ScanQos"), "{refused}");
    machine.run("cassia-bypassctl test");
}

fn journal_has_it(machine: &mut Machine) {
    assert!(!entries(machine, STARTED).is_empty());
    let changed = entries(machine, SETTINGS_CHANGED);
    assert!(
        changed.iter().any(|entry| entry["PROPERTY"].as_str().is_some_and(|names| names.contains("Host"))),
        "{changed:?}"
    );
    let explained = machine.run("journalctl --quiet --boot --no-pager --catalog --unit=cassia-bypass");
    assert!(explained.contains("Subject: An adapter changed its state"), "{explained}");
    for secret in [PSK, PASSWORD] {
        assert!(!explained.contains(&format!("{secret:?}")) && !explained.contains(PSK), "a secret");
    }
    machine.run("test -e /var/log/journal/$(cat /etc/machine-id)/system.journal");
}
