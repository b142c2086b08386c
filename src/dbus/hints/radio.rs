//! The hints about the radio.

use crate::config::{Config, ScanMode};
use crate::model::{Address, RadioState, RecoveryAction};
use crate::stats::{AdapterStatus, Radio, Stats};
use std::collections::BTreeMap;

/// An adapter that listens for less of the time than this, in percent, misses adverts that it need not miss.
const LISTENS: u8 = 90;

/// What to do about the adapters; `unused` are those that bluetoothd has beside the ones in use.
pub(super) fn hints(config: &Config, stats: &Stats, radio: &Radio, unused: &[(String, Address)]) -> Vec<String> {
    let mut hints = Vec::new();
    if radio.state == RadioState::NoBluez {
        hints.push("bluetoothd is not running. Start it: systemctl start bluetooth.".to_owned());
    }
    hints.extend(radio.adapters.iter().filter_map(trouble));
    hints.extend(another(stats, radio, unused));
    hints.extend(same_address(&stats.controllers()));
    hints.extend(radio.damaged.iter().map(|adapter| damaged(adapter)));
    hints.extend(radio.adapters.iter().filter_map(|adapter| duty_cycle(config.scan, adapter)));
    hints
}

/// How it is named at the beginning of a sentence.
fn label(adapter: &AdapterStatus) -> &str {
    match adapter.label() {
        "" => "The adapter",
        label => label,
    }
}

fn trouble(adapter: &AdapterStatus) -> Option<String> {
    let (label, detail) = (label(adapter), &adapter.detail);
    Some(match adapter.state {
        RadioState::AdapterMissing => format!(
            "{label} is not there ({detail}). Plug it in; if it is, look whether the kernel has it: ls /sys/class/bluetooth."
        ),
        RadioState::AdapterOff => format!(
            "{label} is off ({detail}). See whether it is blocked: rfkill list bluetooth; unblock it: rfkill unblock bluetooth."
        ),
        // One that has no detail has only just begun.
        RadioState::Starting if !detail.is_empty() => format!(
            "{label} does not scan as it should ({detail}). If that lasts: systemctl restart bluetooth, then replace the adapter."
        ),
        _ => return None,
    })
}

/// Another adapter to take in place of one that is dead, or as good as that.
fn another(stats: &Stats, radio: &Radio, unused: &[(String, Address)]) -> Option<String> {
    let (name, address) = unused.first()?;
    let silent = stats.snapshot().received == 0 && stats.recoveries().of(RecoveryAction::Rescan) > 0;
    let dead = |adapter: &&AdapterStatus| match adapter.state {
        RadioState::AdapterMissing | RadioState::AdapterOff => true,
        RadioState::Starting => !adapter.detail.is_empty(),
        RadioState::Scanning => silent,
        _ => false,
    };
    let adapter = radio.adapters.iter().find(dead)?;
    let what = if adapter.state == RadioState::Scanning { "has heard nothing so far" } else { "does not scan" };
    Some(format!(
        "{} {what}, but {name} ({address}) is there and is not used. Use it: cassia-bypassctl set Adapters={address}, or each one: \
         Adapters=all.",
        label(adapter)
    ))
}

/// Cheap adapters share an address; bluetoothd takes one of them.
fn same_address(controllers: &[(u16, Address)]) -> Vec<String> {
    let mut by_address: BTreeMap<[u8; 6], Vec<String>> = BTreeMap::new();
    for (index, address) in controllers {
        by_address.entry(address.0).or_default().push(format!("hci{index}"));
    }
    let same = by_address.into_iter().filter(|(_, names)| names.len() > 1);
    let hint = |(address, names): ([u8; 6], Vec<String>)| {
        format!(
            "{} have the same address, {}: bluetoothd uses only one of them. Replace the foreign, or give them addresses of their own \
             where their driver can: btmgmt public-addr.",
            names.join(" and "),
            Address(address)
        )
    };
    same.map(hint).collect()
}

fn damaged(adapter: &str) -> String {
    format!(
        "Many reports of {adapter} arrive damaged, and their adverts are lost (MalformedByReason). Bytes are lost on the way from the \
         controller: on a UART check flow control (RTS/CTS), baud rate and wiring, on USB the cable, the hub and the power supply; \
         then update the controller's firmware. What the kernel saw: journalctl -k --grep Bluetooth."
    )
}

/// What to do about an adapter that does not listen all the time.
fn duty_cycle(mode: ScanMode, adapter: &AdapterStatus) -> Option<String> {
    let percent = adapter.duty_cycle.filter(|percent| *percent < LISTENS)?;
    // bluetoothd hands the timing of a monitor's scan and that of a discovery to the kernel, each under keys of its own.
    let (interval, window) = match mode {
        ScanMode::Active => ("ScanIntervalDiscovery=18", "ScanWindowDiscovery=18"),
        _ => ("ScanIntervalAdvMonitor=96", "ScanWindowAdvMonitor=96"),
    };
    Some(format!(
        "{} listens {percent} % of the time: its scan window is shorter than the scan interval, and adverts in between are not heard. \
         Set {interval} and {window} in the section [LE] of /etc/bluetooth/main.conf, as the packages of this service do, and restart \
         bluetoothd: systemctl restart bluetooth.",
        label(adapter)
    ))
}
