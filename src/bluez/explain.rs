//! What an error of bluetoothd or the bus means, and what to do: its own text alone tells that to nobody.

use bluer::{ErrorKind, InternalErrorKind};
use std::fs;
use std::path::Path;

/// The first words of each sentence say what was being done.
pub(super) fn explain(doing: &str, error: &bluer::Error) -> String {
    let raw = raw(error);
    let (meaning, remedy) = meaning(&raw, error);
    sentence(doing, meaning, remedy, &raw)
}

/// The same for a call that does not go by bluer.
pub(crate) fn explain_bus(doing: &str, error: &zbus::Error) -> String {
    let raw = match error {
        zbus::Error::MethodError(name, text, _) => {
            format!("{name}: {}", text.as_deref().unwrap_or_default()).trim_end_matches(": ").to_owned()
        }
        other => other.to_string(),
    };
    let unknown = ("the system bus or bluetoothd cannot be used", "look at both: systemctl status dbus bluetooth");
    let (meaning, remedy) = meaning_of_name(&raw).unwrap_or(unknown);
    sentence(doing, meaning, remedy, &raw)
}

/// Why an adapter cannot be powered on, if rfkill blocks it: BlueZ 5.66 just says that it failed.
pub(super) fn blocked(adapter: &str) -> Option<String> {
    blocked_in(Path::new("/sys/class/rfkill"), adapter)
}

fn blocked_in(switches: &Path, adapter: &str) -> Option<String> {
    let is = |switch: &Path, file: &str, value: &str| {
        fs::read_to_string(switch.join(file)).is_ok_and(|text| text.trim() == value)
    };
    let switches = fs::read_dir(switches).ok()?.flatten().map(|entry| entry.path());
    let mut ours = switches.filter(|switch| is(switch, "name", adapter));
    let how = ours.find_map(|switch| match (is(&switch, "hard", "1"), is(&switch, "soft", "1")) {
        (true, _) => Some("switch it on at the device (hard block)"),
        (false, true) => Some("unblock it: rfkill unblock bluetooth"),
        _ => None,
    })?;
    Some(format!("powering the adapter on: Bluetooth is blocked by rfkill; {how}"))
}

/// No answer came in time.
pub(crate) fn no_answer(doing: &str) -> String {
    format!("{doing}: no answer from bluetoothd; it is tried again, and if that lasts: systemctl restart bluetooth")
}

fn sentence(doing: &str, meaning: &str, remedy: &str, raw: &str) -> String {
    format!("{doing}: {meaning}; {remedy} ({raw})")
}

/// The error as it came over the bus.
fn raw(error: &bluer::Error) -> String {
    let name = match &error.kind {
        ErrorKind::Internal(InternalErrorKind::DBus(name)) => name.clone(),
        ErrorKind::Internal(_) | ErrorKind::NotFound | ErrorKind::AdvertisementMonitorRejected => {
            error.kind.to_string()
        }
        known => format!("org.bluez.Error.{known:?}"),
    };
    if error.message.is_empty() { name } else { format!("{name}: {}", error.message) }
}

const BUSY: &str = "it is tried again, and if that lasts: systemctl restart bluetooth";
const POLL_INTERVAL: &str = "bluetoothd's own reason: journalctl -u bluetooth";

fn meaning(raw: &str, error: &bluer::Error) -> (&'static str, &'static str) {
    if let Some(known) = meaning_of_name(raw) {
        return known;
    }
    match &error.kind {
        ErrorKind::InProgress => ("bluetoothd or the kernel is busy with another operation of the adapter", BUSY),
        ErrorKind::NotReady => ("the adapter is not powered", "power it on: bluetoothctl power on"),
        ErrorKind::NotFound | ErrorKind::DoesNotExist => {
            ("the adapter is not there any more", "plug it in again, or set Adapters to another one")
        }
        ErrorKind::NotSupported => {
            ("the adapter or this bluetoothd cannot do that", "update BlueZ or take another adapter")
        }
        ErrorKind::NotAuthorized | ErrorKind::NotPermitted => {
            ("bluetoothd does not let this service do it", "look at the D-Bus policy of org.bluez")
        }
        ErrorKind::Failed => ("the controller or the kernel refused it", POLL_INTERVAL),
        ErrorKind::AdvertisementMonitorRejected => {
            ("bluetoothd did not activate the advertisement monitor", POLL_INTERVAL)
        }
        ErrorKind::InvalidArguments | ErrorKind::InvalidLength => {
            ("bluetoothd does not take what it was asked for", "report it with the answer of: bluetoothd --version")
        }
        ErrorKind::Internal(InternalErrorKind::DBusConnectionLost) => {
            ("the connection to the system bus is lost", "it is made again; look at the bus: systemctl status dbus")
        }
        _ => ("bluetoothd with_timeout with an error", POLL_INTERVAL),
    }
}

/// Errors of the bus, and one of bluetoothd that has the name of many others.
fn meaning_of_name(raw: &str) -> Option<(&'static str, &'static str)> {
    let has = |part: &str| raw.contains(part);
    Some(if has("rfkill") || has("org.bluez.Error.Blocked") {
        ("Bluetooth is blocked by rfkill", "unblock it: rfkill unblock bluetooth")
    } else if has("DBus.Error.AccessDenied") {
        (
            "the D-Bus policy does not let this user call bluetoothd",
            "look at the policies: ls /usr/share/dbus-1/system.d /etc/dbus-1/system.d",
        )
    } else if has("DBus.Error.ServiceUnknown") || has("DBus.Error.NameHasNoOwner") || has("DBus.Error.Spawn") {
        ("bluetoothd is not running", "start it: systemctl start bluetooth")
    } else if has("DBus.Error.NoReply") || has("DBus.Error.Timeout") || has("no answer from bluetoothd") {
        ("no answer from bluetoothd", BUSY)
    } else if has("DBus.Error.UnknownObject") {
        ("the adapter is not there any more", "plug it in again, or set Adapters to another one")
    } else if has("DBus.Error.UnknownMethod") || has("DBus.Error.UnknownInterface") {
        ("this bluetoothd does not offer that", "start it with -E, or update BlueZ")
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bluez(kind: ErrorKind, message: &str) -> bluer::Error {
        bluer::Error { kind, message: message.to_owned() }
    }

    fn dbus(name: &str) -> bluer::Error {
        bluez(ErrorKind::Internal(InternalErrorKind::DBus(format!("org.freedesktop.DBus.Error.{name}"))), "")
    }

    #[test]
    fn words_of_an_error_say_what_was_done_what_it_means_and_what_to_do() {
        assert_eq!(
            explain(
                "starting a discovery (StartDiscovery)",
                &bluez(ErrorKind::InProgress, "Operation already in progress")
            ),
            "starting a discovery (StartDiscovery): bluetoothd or the kernel is busy with another operation of the adapter; it is \
             tried again, and if that lasts: systemctl restart bluetooth (org.bluez.Error.InProgress: Operation already in progress)"
        );
        let failed = explain("powering the adapter on", &bluez(ErrorKind::Failed, "Blocked through rfkill"));
        assert!(
            failed.contains("blocked by rfkill; unblock it: rfkill unblock bluetooth (org.bluez.Error.Failed"),
            "{failed}"
        );
        assert!(no_answer("reading").contains("no answer from bluetoothd"));
    }

    #[test]
    fn words_of_no_error_are_its_own_text_alone() {
        let errors = [
            bluez(ErrorKind::Failed, "Failed"),
            bluez(ErrorKind::NotReady, "Resource Not Ready"),
            bluez(ErrorKind::NotFound, ""),
            bluez(ErrorKind::NotSupported, ""),
            bluez(ErrorKind::NotAuthorized, ""),
            bluez(ErrorKind::InvalidArguments, ""),
            bluez(ErrorKind::AlreadyExists, ""),
            bluez(ErrorKind::AdvertisementMonitorRejected, ""),
            bluez(ErrorKind::Internal(InternalErrorKind::DBusConnectionLost), ""),
            dbus("AccessDenied"),
            dbus("NoReply"),
            dbus("ServiceUnknown"),
            dbus("UnknownMethod"),
            dbus("SomethingElse"),
        ];
        for error in errors {
            let text = explain("doing", &error);
            let raw = raw(&error);
            assert!(text.starts_with("doing: ") && text.ends_with(&format!(" ({raw})")), "{text}");
            assert!(text.len() > "doing: ".len() + raw.len() + 40 && text.contains("; "), "{text}");
        }
    }

    #[test]
    fn words_of_a_blocked_adapter_name_rfkill() {
        let root = tempfile::tempdir().expect("temporary directory");
        let told = |name: &str, hard: &str, soft: &str| {
            let switch = root.path().join("rfkill3");
            fs::create_dir_all(&switch).expect("a switch");
            for (file, text) in [("name", name), ("hard", hard), ("soft", soft)] {
                fs::write(switch.join(file), format!("{text}\n")).expect("a file");
            }
            blocked_in(root.path(), "hci0")
        };
        let soft = told("hci0", "0", "1").expect("blocked");
        assert!(soft.ends_with("blocked by rfkill; unblock it: rfkill unblock bluetooth"), "{soft}");
        assert!(told("hci0", "1", "1").is_some_and(|hard| hard.contains("hard block")));
        assert_eq!((told("hci0", "0", "0"), told("hci1", "0", "1")), (None, None));
        assert_eq!(blocked_in(&root.path().join("none"), "hci0"), None);
    }

    #[test]
    fn words_of_the_bus_are_explained_too() {
        let timeout = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer from bluetoothd");
        let text = explain_bus("listing the adapters", &timeout.into());
        assert!(text.starts_with("listing the adapters: no answer from bluetoothd; "), "{text}");
        let text = explain_bus("connecting to the system bus", &zbus::Error::InvalidReply);
        assert!(text.contains("systemctl status dbus bluetooth"), "{text}");
    }
}
