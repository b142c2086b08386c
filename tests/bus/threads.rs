//! A system that gives no more threads: what needs one fails, and the service lives.

use crate::started;
use crate::support::bus::Bus;
use crate::support::busctl::{CONFIG, STATS};
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::output;
use std::fs;
use std::net::TcpListener;

/// How many processes and threads the service's user may have, for the service.
fn limit(bus: &Bus, id: u32, most: &str) {
    // The user may change the soft limit of what is its own.
    let mut command = bus.command(Who::Service);
    let limited = output(command.args(["prlimit", "--pid", &id.to_string(), &format!("--nproc={most}:")]));
    assert!(limited.status.success(), "{limited:?}");
}

#[test]
fn threads_that_cannot_be_had_are_an_error_and_not_the_end() {
    let (bus, mut service) = started();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port().to_string();
    let limits = fs::read_to_string(format!("/proc/{}/limits", service.id())).expect("it runs");
    let before = limits.lines().find_map(|line| line.strip_prefix("Max processes")).expect("a limit");
    limit(&bus, service.id(), "1");
    let words = ["a{sv}", "3", "Host", "s", "127.0.0.1", "Port", "q", &port, "Protocol", "s", "mqtt"];
    bus.call(Who::Admin, "Apply", &words).expect("a change needs no new thread");
    eventually("the connection fails", || {
        let detail = bus.value(STATS, "LastErrorDetail");
        detail.as_str().is_some_and(|detail| detail.contains("the system gives no thread"))
    });
    for _ in 0..3 {
        let report = bus.report(Who::Admin, "TestConnection", &["a{sv}", "1", "Host", "s", "no-such-host.invalid"]);
        assert_eq!(report["FailedStep"], "name", "{report}");
        bus.report(Who::Admin, "Check", &["a{sv}", "1", "CaCertificate", "s", "x"]);
    }
    bus.set(Who::Admin, "PushIntervalMs", &["u", "50"]).expect("Set");
    assert_eq!(bus.value(CONFIG, "PushIntervalMs"), 50);
    assert!(service.runs());
    limit(&bus, service.id(), before.split_whitespace().next().expect("the soft one"));
    listener.set_nonblocking(true).expect("a socket");
    eventually("it connects once it can", || listener.accept().is_ok());
    // And stops in good order.
    let threads = fs::read_dir(format!("/proc/{}/task", service.id())).expect("it runs").count();
    assert!(threads < 12, "{threads}");
    assert!(service.stop().success());
}
