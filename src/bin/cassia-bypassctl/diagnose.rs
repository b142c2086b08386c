//! `diagnose`: a one-page diagnosis for support.

use crate::bus::{Service, Values};
use crate::failure::Result;
use crate::page::{BOLD, GREEN, Page, RED, YELLOW, print_json, styled, word};
use crate::value::{member, object, text_of};
use crate::words::{bytes, date, duration, listens};
use serde_json::Value as Json;

pub(crate) async fn diagnose(service: &Service, json: bool) -> Result<()> {
    let answer = service.diagnose().await?;
    if json {
        return print_json(&object(&answer));
    }
    page(&answer).print()
}

const COLUMN: usize = 14;

pub(crate) fn page(answer: &Values) -> Page {
    let of = |name: &str| member(answer, name);
    let text = |name: &str| text_of(answer, name);
    let list = |name: &str| of(name).as_array().cloned().unwrap_or_default();
    let mut page = Page::new();
    let mut entry = |label: &str, lines: Vec<String>| {
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        page.entry(label, COLUMN, &if lines.is_empty() { "-".to_owned() } else { lines.join("\n") });
    };
    // A word, and after it its reason or whatever belongs to it, if there is any.
    let with = |word: &str, rest: String| match rest {
        none if none.is_empty() => word.to_owned(),
        rest => format!("{word}: {rest}"),
    };
    let because = |state: String, reason: &str| with(&word(&state), text(reason));
    entry("Health", vec![because(text("Health"), "HealthReason")]);
    let mut radio = vec![because(text("RadioState"), "RadioDetail")];
    for adapter in list("Radios") {
        let [name, address, state] =
            ["Adapter", "Address", "State"].map(|part| adapter[part].as_str().unwrap_or_default());
        let can: Vec<&str> =
            adapter["Capabilities"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let what: Vec<&str> = [name, address].into_iter().filter(|word| !word.is_empty()).collect();
        // One that is wanted and not there has no name yet.
        if what.is_empty() {
            continue;
        }
        let can = if can.is_empty() { String::new() } else { format!(" ({})", can.join(", ")) };
        let listens = listens(&adapter).map(|listens| format!(", {listens}")).unwrap_or_default();
        radio.push(format!("{} {}{listens}{can}", what.join(" "), word(state)));
    }
    entry("Radio", radio);
    entry("Capture", vec![with(&text("Capture"), text("CaptureReason"))]);
    entry(
        "Scan",
        vec![match &*text("ScanFilter") {
            "" | "nothing" => text("ScanMode"),
            filter => format!("{}: bluetoothd is asked for {filter}", text("ScanMode")),
        }],
    );
    entry(
        "Others",
        vec![match &*text("ForeignDiscovery") {
            "none" => "no other program discovers on these adapters".to_owned(),
            "another-client" => styled(YELLOW, "another program discovers on an adapter in use"),
            other => format!("{other} whether another program discovers"),
        }],
    );
    entry("Filters", list("Filters").iter().filter_map(Json::as_str).map(str::to_owned).collect());
    let broker = [text("LinkState"), text("Broker")];
    let error = match text("LastError") {
        none if none.is_empty() => none,
        error => with(&styled(RED, &error), text("LastErrorDetail")),
    };
    entry("Broker", vec![format!("{} {}", word(&broker[0]), broker[1]), error]);
    let certificates = list("Certificates").into_iter().map(|row| {
        let days = row["DaysLeft"].as_i64().unwrap_or_default();
        let style = if days < 0 {
            RED
        } else if days <= 30 {
            YELLOW
        } else {
            GREEN
        };
        let [setting, subject] = ["Setting", "Subject"].map(|part| row[part].as_str().unwrap_or_default());
        let end = date(&row["NotAfter"]);
        format!("{setting}: {subject}, until {end}, {}", styled(style, &format!("{days} days left")))
    });
    entry("Certificates", certificates.collect());
    let (used, cover) = (of("SpoolBytes").as_u64(), of("SpoolCoverSecs").as_u64());
    entry(
        "Disk",
        vec![format!(
            "{}, {} used, room for {}",
            word(&text("SpoolState")),
            bytes(used.unwrap_or_default()),
            duration(cover.unwrap_or_default())
        )],
    );
    let truth = |name: &str, yes: &str, no: &str| {
        if of(name) == true { yes.to_owned() } else { styled(YELLOW, no) }
    };
    entry("Clock", vec![truth("ClockSynchronised", "synchronised", "not synchronised")]);
    entry("Settings", vec![truth("StateWritable", "can be saved", "cannot be saved")]);
    let hints = list("Hints");
    page.line("");
    if hints.is_empty() {
        page.line(&styled(GREEN, "Nothing to do."));
    } else {
        page.line(&styled(BOLD, "What to do"));
    }
    for hint in hints.iter().filter_map(Json::as_str) {
        page.entry("  -", 4, hint);
    }
    page
}
