//! Why the monitor channel cannot be had: the errors of the kernel are the same for several reasons.

use std::io;
use std::path::Path;

/// The monitor channel cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MonitorUnavailable {
    /// For people.
    pub(crate) reason: String,
    /// For people: what to do.
    pub(crate) remedy: &'static str,
    /// Whether it may be there later.
    pub(crate) transient: bool,
}

/// What is known of this process and its kernel.
#[derive(Debug, Clone, Copy, Default)]
struct ProcessState {
    /// CAP_NET_RAW is effective.
    capability: bool,
    /// The kernel has Bluetooth.
    bluetooth: bool,
    /// The network namespace is not the first one; `None` where that cannot be seen.
    own_network: Option<bool>,
}

const CAP_NET_RAW: u32 = 13;

impl ProcessState {
    fn read() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let status = read("/proc/self/status");
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let effective = effective.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        // The list is that of the whole kernel, in each namespace.
        let protocols = read("/proc/self/net/protocols");
        let settings = Path::new("/proc/sys/net/core");
        Self {
            capability: effective & 1 << CAP_NET_RAW != 0,
            bluetooth: protocols.lines().any(|line| line.starts_with("HCI "))
                || Path::new("/sys/class/bluetooth").exists(),
            // A setting of the kernel as a whole, which only the first namespace shows.
            own_network: settings.exists().then(|| !settings.join("netdev_budget").exists()),
        }
    }
}

impl MonitorUnavailable {
    /// Why the kernel answered with this error.
    pub(super) fn of(error: &io::Error) -> Self {
        Self::explain(error, ProcessState::read())
    }

    fn explain(error: &io::Error, process: ProcessState) -> Self {
        let (reason, remedy, transient) = match error.raw_os_error() {
            // The capability of a user namespace counts for nothing here.
            Some(libc::EPERM | libc::EACCES) if process.capability => (
                "CAP_NET_RAW is there, but in a user namespace of its own (as in a rootless container) it does not count".into(),
                "run the service in the host's user namespace: as a container of root, with --cap-add NET_RAW",
                false,
            ),
            Some(libc::EPERM | libc::EACCES) => {
                ("CAP_NET_RAW is missing".into(), "give the service CAP_NET_RAW, as its unit does", false)
            }
            Some(libc::EAFNOSUPPORT) if process.own_network == Some(true) => (
                "the service is in a network namespace of its own (as in a container), and Bluetooth exists in the host's only".into(),
                "run the container with --network host (of a unit: without PrivateNetwork=)",
                false,
            ),
            Some(libc::EAFNOSUPPORT) if process.bluetooth && process.own_network == Some(false) => (
                "the service may not open Bluetooth sockets (seccomp), although the kernel has Bluetooth".into(),
                "let its unit have AF_BLUETOOTH in RestrictAddressFamilies=",
                false,
            ),
            Some(libc::EAFNOSUPPORT) if process.bluetooth => (
                "the kernel has Bluetooth, but not for this service: it is in a network namespace of its own, or may not open Bluetooth \
                 sockets"
                    .into(),
                "let it have the host's network (--network host, no PrivateNetwork=) and AF_BLUETOOTH in RestrictAddressFamilies=",
                false,
            ),
            Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT) => (
                "the kernel has no Bluetooth (or its module is not loaded)".into(),
                "load the kernel's Bluetooth: modprobe bluetooth",
                true,
            ),
            _ => (format!("the monitor channel cannot be opened: {error}"), "look at the kernel's log: journalctl -k", true),
        };
        Self { reason, remedy, transient }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(error: i32, process: ProcessState) -> (String, &'static str) {
        let unavailable = MonitorUnavailable::explain(&io::Error::from_raw_os_error(error), process);
        (unavailable.reason, unavailable.remedy)
    }

    const BLUETOOTH: ProcessState = ProcessState { capability: false, bluetooth: true, own_network: Some(false) };

    #[test]
    fn unavailable_for_want_of_the_capability_or_for_its_namespace() {
        for error in [libc::EPERM, libc::EACCES] {
            assert_eq!(explain(error, BLUETOOTH).0, "CAP_NET_RAW is missing");
            let (reason, remedy) = explain(error, ProcessState { capability: true, ..BLUETOOTH });
            assert!(reason.contains("user namespace") && remedy.contains("user namespace"), "{reason}: {remedy}");
        }
    }

    #[test]
    fn unavailable_in_a_network_namespace_whatever_the_capability() {
        for capability in [false, true] {
            let process = ProcessState { capability, own_network: Some(true), ..BLUETOOTH };
            let (reason, remedy) = explain(libc::EAFNOSUPPORT, process);
            assert!(reason.contains("network namespace") && !reason.contains("CAP_NET_RAW"), "{reason}");
            assert!(remedy.contains("--network host") && !remedy.contains("CAP_NET_RAW"), "{remedy}");
        }
        // Where /proc/sys is hidden it may be either.
        let (reason, remedy) = explain(libc::EAFNOSUPPORT, ProcessState { own_network: None, ..BLUETOOTH });
        assert!(
            reason.contains("network namespace") && remedy.contains("RestrictAddressFamilies="),
            "{reason}: {remedy}"
        );
    }

    #[test]
    fn unavailable_for_other_reasons() {
        let (reason, remedy) = explain(libc::EAFNOSUPPORT, BLUETOOTH);
        assert!(reason.contains("seccomp") && remedy.contains("RestrictAddressFamilies="), "{reason}: {remedy}");
        for process in [ProcessState { bluetooth: false, ..BLUETOOTH }, ProcessState::default()] {
            let none = MonitorUnavailable::explain(&io::Error::from_raw_os_error(libc::EAFNOSUPPORT), process);
            assert!(none.transient && none.reason.contains("the kernel has no Bluetooth"), "{none:?}");
        }
        assert!(explain(libc::ENOMEM, BLUETOOTH).0.contains("cannot be opened"));
    }
}
