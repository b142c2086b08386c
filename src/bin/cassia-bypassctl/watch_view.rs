//! One snapshot at the statistics, as a page or as a line.

use crate::bus::Values;
use crate::page::{BOLD, DIM, Page, RED, YELLOW, styled, word};
use crate::value::to_json;
use crate::words::{bytes, duration, grouped, listens};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

/// Counts of the ledger, in the order of an advert's way: name, what it is on a line, and what is bad if it grows.
const COUNTS: [(&str, &str, bool); 10] = [
    ("Received", "received", false),
    ("Recovered", "recovered", false),
    ("Filtered", "filtered", false),
    ("Deduplicated", "deduplicated", false),
    ("Unpublished", "unpublished", false),
    ("Published", "published", false),
    ("Queued", "queued", false),
    ("InFlight", "in-flight", false),
    ("Spooled", "spooled", false),
    ("Dropped", "dropped", true),
];
/// Those that come and go have no rate.
const LEVELS: [&str; 3] = ["Queued", "InFlight", "Spooled"];

/// Values of one redraw.
pub(crate) struct Snapshot {
    stats: Map<String, Json>,
    at: Instant,
    time: Timestamp,
    /// Per second since the snapshot before, by name.
    rates: Map<String, Json>,
}

impl Snapshot {
    pub(crate) fn new(stats: &Values, at: Instant, before: Option<&Self>) -> Self {
        let stats: Map<String, Json> = stats.iter().map(|(name, value)| (name.clone(), to_json(value))).collect();
        let mut snapshot = Self { stats, at, time: Timestamp::now(), rates: Map::new() };
        // A restarted service counts from 0.
        if let Some(before) = before.filter(|before| before.stats.get("StartedAt") == snapshot.stats.get("StartedAt")) {
            let seconds = (at - before.at).as_secs_f64();
            for (name, count) in snapshot.ledger() {
                if let (Some(now), Some(then)) = (count.as_u64(), before.count(&name)) {
                    snapshot.rates.insert(name.clone(), (now.saturating_sub(then) as f64 / seconds).into());
                }
            }
        } else {
            // The service's own, over the last 10 seconds.
            for (name, rate) in [("Received", "ReceiveRate"), ("Published", "PublishRate")] {
                snapshot.rates.insert(name.to_owned(), snapshot.stats.get(rate).cloned().unwrap_or_default());
            }
        }
        snapshot
    }

    pub(crate) fn is_online(&self) -> bool {
        self.text("Health") == "online"
    }

    fn ledger(&self) -> Map<String, Json> {
        self.stats.get("Ledger").and_then(Json::as_object).cloned().unwrap_or_default()
    }

    fn count(&self, name: &str) -> Option<u64> {
        self.stats.get("Ledger")?.get(name)?.as_u64()
    }

    fn rate(&self, name: &str) -> Option<f64> {
        self.rates.get(name)?.as_f64().filter(|_| !LEVELS.contains(&name))
    }

    fn text(&self, name: &str) -> &str {
        self.stats.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.stats.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
    }

    /// The entry of Radios of this adapter.
    fn radio(&self, adapter: &str) -> Option<&Json> {
        self.stats.get("Radios")?.as_array()?.iter().find(|radio| radio["Adapter"] == adapter)
    }

    fn number(&self, name: &str) -> u64 {
        self.stats.get(name).and_then(Json::as_u64).unwrap_or_default()
    }
}

/// For readers that are no terminal: words and figures in a fixed order.
pub(crate) fn line(snapshot: &Snapshot) -> String {
    let reason = match snapshot.text("HealthReason") {
        "" => String::new(),
        reason => format!(":{reason}"),
    };
    let mut words = vec![format!("{:.0} {}{reason}", snapshot.time, snapshot.text("Health"))];
    for (name, label, _) in COUNTS {
        let rate = snapshot.rate(name).filter(|_| ["Received", "Published"].contains(&name));
        let rate = rate.map(|rate| format!(" ({rate:.1}/s)")).unwrap_or_default();
        words.push(format!("{label} {}{rate}", snapshot.count(name).unwrap_or_default()));
    }
    words.push(format!("link {}", snapshot.text("LinkState")));
    words.push(format!("radio {}", snapshot.text("RadioState")));
    words.join("  ")
}

const COLUMN: usize = 10;

/// For a terminal.
pub(crate) fn page(snapshot: &Snapshot) -> Page {
    let mut page = Page::new();
    let uptime = duration(snapshot.number("UptimeSecs"));
    page.line(&format!(
        "{} {}, router {}, up {uptime}",
        styled(BOLD, "cassia-bypassd"),
        snapshot.text("Version"),
        snapshot.text("Router")
    ));
    page.line("");
    let because = |state: &str, reasons: &[&str]| {
        let reasons: Vec<&str> =
            reasons.iter().map(|name| snapshot.text(name)).filter(|text| !text.is_empty()).collect();
        let colon = if reasons.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", word(state), reasons.join(": "))
    };
    page.entry(
        "Health",
        COLUMN,
        &format!("{}{}", because(snapshot.text("Health"), &["HealthReason"]), since(snapshot)),
    );
    let radio = because(snapshot.text("RadioState"), &["RadioDetail"]);
    let adapters: Vec<String> = snapshot
        .list("Adapters")
        .zip(snapshot.list("AdapterAddresses"))
        .map(|(name, address)| {
            let listens = snapshot.radio(name).and_then(listens).map(|listens| format!(" {listens}"));
            format!(" {name} {address}{}", listens.unwrap_or_default())
        })
        .collect();
    page.entry("Radio", COLUMN, &format!("{radio}, capture {}{}", snapshot.text("Capture"), adapters.join(",")));
    let link = format!("{} {}", word(snapshot.text("LinkState")), snapshot.text("Broker"));
    let tried = format!(", connects {}, failures {}", snapshot.number("Connects"), snapshot.number("Failures"));
    page.entry("Link", COLUMN, &format!("{}{}", link.trim_end(), styled(DIM, &tried)));
    if !snapshot.text("LastError").is_empty() {
        let error = format!("{}: {}", styled(RED, snapshot.text("LastError")), snapshot.text("LastErrorDetail"));
        page.entry("", COLUMN, &error);
    }
    let cover = duration(snapshot.number("SpoolCoverSecs"));
    let disk = format!("{}, {} used", word(snapshot.text("SpoolState")), bytes(snapshot.number("SpoolBytes")));
    let takes = matches!(snapshot.text("SpoolState"), "ready" | "recovering");
    let cover = if takes { format!(", room for {cover}") } else { String::new() };
    page.entry("Disk", COLUMN, &format!("{disk}{cover}"));
    page.line("");
    page.line(&styled(DIM, &format!("{:<20}{:>14}{:>14}", "Adverts", "", "per second")));
    for (name, label, bad) in COUNTS {
        counted(&mut page, snapshot, name, &format!("  {}", label.replace('-', " ")), bad);
        reasons(&mut page, snapshot, name, bad);
    }
    counted(&mut page, snapshot, "Messages", "Messages", false);
    if snapshot.count("Malformed") > Some(0) {
        counted(&mut page, snapshot, "Malformed", "Malformed reports", true);
        reasons(&mut page, snapshot, "Malformed", true);
    }
    page
}

/// Why, where it is not nothing.
fn reasons(page: &mut Page, snapshot: &Snapshot, name: &str, bad: bool) {
    for (part, count) in snapshot.ledger() {
        let reason = part.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
        if let Some(reason) = reason.filter(|_| count != 0) {
            counted(page, snapshot, &part, &format!("    {reason}"), bad);
        }
    }
}

fn counted(page: &mut Page, snapshot: &Snapshot, name: &str, label: &str, bad: bool) {
    let count = snapshot.count(name).unwrap_or_default();
    let rate = snapshot.rate(name);
    let figures = format!("{:>14}{:>14}", grouped(count), rate.map(|rate| format!("{rate:.1}")).unwrap_or_default());
    let figures = match rate {
        Some(rate) if bad && rate > 0.0 => styled(RED, &figures),
        _ if bad && count > 0 => styled(YELLOW, &figures),
        _ => figures,
    };
    page.entry(label, 20, figures.trim_end());
}

/// For how long the health has been what it is; nothing while the clock is not known.
fn since(snapshot: &Snapshot) -> String {
    let since = i64::try_from(snapshot.number("HealthSince")).unwrap_or_default();
    let passed = (snapshot.time.as_millisecond() - since) / 1000;
    let passed = u64::try_from(passed).ok().filter(|_| since > 0);
    passed.map(|seconds| styled(DIM, &format!(", for {}", duration(seconds)))).unwrap_or_default()
}
