//! `report`: one file for support. Secrets are not in it, since the service tells none; addresses of devices are replaced.

use crate::bus::{Service, Values};
use crate::diagnose;
use crate::failure::{Failure, Result};
use crate::page::print;
use crate::setting::Setting;
use crate::show::plain;
use crate::value::{member, text_of, to_json};
use cassia_bypass::printable::printable_lines;
use clap::ArgMatches;
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

/// Lines of the journal.
const LINES: &str = "500";
/// Fewer pairs of hex digits are a time or the prefix of a vendor.
const MIN_PAIRS: usize = 4;

pub(crate) async fn report(service: &Service, matches: &ArgMatches) -> Result<()> {
    let file = matches.get_one::<String>("file").map_or("-", String::as_str);
    let text = collect(service).await?;
    if file == "-" {
        return print(&text);
    }
    // It says how this network is built: for its owner, who hands it on.
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = created.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::usage(format!("{file}: {error}")))
}

async fn collect(service: &Service) -> Result<String> {
    let (diagnosis, settings) = (service.diagnose().await?, service.settings().await?);
    let (values, stats) = (service.values().await?, service.stats().await?);
    let mut text = format!("Report of cassia-bypassd, {:.0}\n", Timestamp::now());
    let mut section = |title: &str, body: &str| text += &format!("\n== {title} ==\n{}\n", body.trim_end());
    section("Versions", &versions(&stats));
    section("Diagnosis", &diagnose::page(&diagnosis).plain());
    let line = |setting: &Setting| {
        format!(
            "{}{} = {}\n",
            if setting.differs(&values) { "* " } else { "  " },
            setting.name,
            plain(setting, &values).replace('\n', "\n    ")
        )
    };
    section("Settings (* differs from the default)", &settings.all().map(line).collect::<String>());
    let lines: String = stats.iter().map(|(name, value)| format!("{name} = {}\n", to_json(value))).collect();
    section("Statistics", &lines);
    section("Journal", &journal());
    let own = own_addresses(&values, &stats);
    Ok(redacted(&printable_lines(&text), &own))
}

fn versions(stats: &Values) -> String {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let release = file("/etc/os-release");
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown");
    format!(
        "cassia-bypassd {}\ncassia-bypassctl {}\nsystem {system}\nkernel {}\nbluetoothd {}\n",
        text_of(stats, "Version"),
        env!("CARGO_PKG_VERSION"),
        file("/proc/sys/kernel/osrelease").trim_end(),
        output("bluetoothctl", &["--version"]).unwrap_or_else(|why| why).trim_end()
    )
}

/// What the service logged, as far as the caller may read it.
fn journal() -> String {
    let words = ["--unit", "cassia-bypass", "--lines", LINES, "--no-pager", "--output", "short-iso", "--no-hostname"];
    output("journalctl", &words).unwrap_or_else(|why| why)
}

/// What a program prints, or why there is nothing.
fn output(program: &str, words: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(words).output().map_err(|error| format!("{program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(format!("{program}: {}", text(&output.stderr))) }
}

/// Addresses of the router and its adapters, which stay.
fn own_addresses(values: &Values, stats: &Values) -> Vec<String> {
    let mut own = vec![member(stats, "Router"), member(values, "RouterAddress")];
    for list in [member(stats, "AdapterAddresses"), member(values, "Adapters")] {
        own.extend(list.as_array().into_iter().flatten().cloned());
    }
    own.iter().filter_map(Json::as_str).map(digits).filter(|address| address.len() == 12).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase()
}

/// The text with `device-N` in place of each address that is not one of these.
fn redacted(text: &str, own: &[String]) -> String {
    let (mut out, mut known, mut rest) = (String::new(), HashMap::new(), text);
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        let length = if before.is_some_and(|c: char| c.is_ascii_alphanumeric()) { 0 } else { address(rest, before) };
        let (found, after) = rest.split_at(if length == 0 { next.len_utf8() } else { length });
        if length > 0 && !own.contains(&digits(found)) {
            let number = known.len() + 1;
            out += &format!("device-{}", known.entry(digits(found)).or_insert(number));
        } else {
            out += found;
        }
        (before, rest) = (found.chars().last(), after);
    }
    out
}

/// How much of the beginning of a text is an address, as BlueZ, object paths, topics and other tools write them.
fn address(text: &str, before: Option<char>) -> usize {
    let hex = |range: std::ops::Range<usize>| {
        text.as_bytes().get(range).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    let ends = |at: usize| !text.as_bytes().get(at).is_some_and(u8::is_ascii_alphanumeric);
    // The end of a UUID looks the same.
    if hex(0..12) && ends(12) && before != Some('-') {
        return 12;
    }
    let Some(separator) = text.as_bytes().get(2).copied().filter(|byte| b":-_".contains(byte)) else { return 0 };
    let mut pairs = 0;
    while hex(3 * pairs..3 * pairs + 2) {
        pairs += 1;
        if text.as_bytes().get(3 * pairs - 1) != Some(&separator) {
            break;
        }
    }
    let end = (3 * pairs).saturating_sub(1);
    if pairs >= MIN_PAIRS && ends(end) { end } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_has_no_device_address_however_it_is_written() {
        let own = [digits("00:1A:7D:DA:71:13")];
        for (text, expected) in [
            ("heard CC:1B:E0:E0:E6:D0, CC:1B:E0:E0:E6:D1", "heard device-1, device-2"),
            ("cc:1b:e0:e0:e6:d0 is CC-1B-E0-E0-E6-D0", "device-1 is device-1"),
            ("/org/bluez/hci0/dev_CC_1B_E0_E0_E6_D0", "/org/bluez/hci0/dev_device-1"),
            ("scan/CC1BE0E0E6D0", "scan/device-1"),
            ("prefix CC:1B:E0:E0*", "prefix device-1*"),
            ("hci0 00:1A:7D:DA:71:13 scans", "hci0 00:1A:7D:DA:71:13 scans"),
            ("2026-11-28T10:07:17+0000", "2026-11-28T10:07:17+0000"),
            ("0000180f-0000-1000-8000-00805f9b34fb", "0000180f-0000-1000-8000-00805f9b34fb"),
            ("vendor CC:1B:E0*", "vendor CC:1B:E0*"),
            ("größe CC:1B:E0:E0:E6:D0.", "größe device-1."),
        ] {
            assert_eq!(redacted(text, &own), expected);
        }
    }
}
