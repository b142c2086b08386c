//! One look at the statistics, as a page or as a line.

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

/// See the module.
pub(crate) struct Look {
    stats: Map<String, Json>,
    at: Instant,
    time: Timestamp,
    /// Per second since the look before, by name.
    rates: Map<String, Json>,
}

impl Look {
    pub(crate) fn new(stats: &Values, at: Instant, before: Option<&Self>) -> Self {
        let stats: Map<String, Json> = stats.iter().map(|(name, value)| (name.clone(), to_json(value))).collect();
        let mut look = Self { stats, at, time: Timestamp::now(), rates: Map::new() };
        // A service that was started anew counts from 0.
        if let Some(before) = before.filter(|before| before.stats.get("StartedAt") == look.stats.get("StartedAt")) {
            let seconds = (at - before.at).as_secs_f64();
            for (name, count) in look.ledger() {
                if let (Some(now), Some(then)) = (count.as_u64(), before.count(&name)) {
                    look.rates.insert(name.clone(), (now.saturating_sub(then) as f64 / seconds).into());
                }
            }
        } else {
            // The service's own, over the last 10 seconds.
            for (name, rate) in [("Received", "ReceiveRate"), ("Published", "PublishRate")] {
                look.rates.insert(name.to_owned(), look.stats.get(rate).cloned().unwrap_or_default());
            }
        }
        look
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
pub(crate) fn line(look: &Look) -> String {
    let reason = match look.text("HealthReason") {
        "" => String::new(),
        reason => format!(":{reason}"),
    };
    let mut words = vec![format!("{:.0} {}{reason}", look.time, look.text("Health"))];
    for (name, label, _) in COUNTS {
        let rate = look.rate(name).filter(|_| ["Received", "Published"].contains(&name));
        let rate = rate.map(|rate| format!(" ({rate:.1}/s)")).unwrap_or_default();
        words.push(format!("{label} {}{rate}", look.count(name).unwrap_or_default()));
    }
    words.push(format!("link {}", look.text("LinkState")));
    words.push(format!("radio {}", look.text("RadioState")));
    words.join("  ")
}

const COLUMN: usize = 10;

/// For a terminal.
pub(crate) fn page(look: &Look) -> Page {
    let mut page = Page::new();
    let uptime = duration(look.number("UptimeSecs"));
    page.line(&format!(
        "{} {}, router {}, up {uptime}",
        styled(BOLD, "cassia-bypassd"),
        look.text("Version"),
        look.text("Router")
    ));
    page.line("");
    let because = |state: &str, reasons: &[&str]| {
        let reasons: Vec<&str> = reasons.iter().map(|name| look.text(name)).filter(|text| !text.is_empty()).collect();
        let colon = if reasons.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", word(state), reasons.join(": "))
    };
    page.entry("Health", COLUMN, &format!("{}{}", because(look.text("Health"), &["HealthReason"]), since(look)));
    let radio = because(look.text("RadioState"), &["RadioDetail"]);
    let adapters: Vec<String> = look
        .list("Adapters")
        .zip(look.list("AdapterAddresses"))
        .map(|(name, address)| {
            let listens = look.radio(name).and_then(listens).map(|listens| format!(" {listens}"));
            format!(" {name} {address}{}", listens.unwrap_or_default())
        })
        .collect();
    page.entry("Radio", COLUMN, &format!("{radio}, capture {}{}", look.text("Capture"), adapters.join(",")));
    let link = format!("{} {}", word(look.text("LinkState")), look.text("Broker"));
    let tried = format!(", connects {}, failures {}", look.number("Connects"), look.number("Failures"));
    page.entry("Link", COLUMN, &format!("{}{}", link.trim_end(), styled(DIM, &tried)));
    if !look.text("LastError").is_empty() {
        let error = format!("{}: {}", styled(RED, look.text("LastError")), look.text("LastErrorDetail"));
        page.entry("", COLUMN, &error);
    }
    let cover = duration(look.number("SpoolCoverSecs"));
    let disk = format!("{}, {} used", word(look.text("SpoolState")), bytes(look.number("SpoolBytes")));
    let takes = matches!(look.text("SpoolState"), "ready" | "recovering");
    let cover = if takes { format!(", room for {cover}") } else { String::new() };
    page.entry("Disk", COLUMN, &format!("{disk}{cover}"));
    page.line("");
    page.line(&styled(DIM, &format!("{:<20}{:>14}{:>14}", "Adverts", "", "per second")));
    for (name, label, bad) in COUNTS {
        counted(&mut page, look, name, &format!("  {}", label.replace('-', " ")), bad);
        reasons(&mut page, look, name, bad);
    }
    counted(&mut page, look, "Messages", "Messages", false);
    if look.count("Malformed") > Some(0) {
        counted(&mut page, look, "Malformed", "Malformed reports", true);
        reasons(&mut page, look, "Malformed", true);
    }
    page
}

/// Why, where it is not nothing.
fn reasons(page: &mut Page, look: &Look, name: &str, bad: bool) {
    for (part, count) in look.ledger() {
        let reason = part.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
        if let Some(reason) = reason.filter(|_| count != 0) {
            counted(page, look, &part, &format!("    {reason}"), bad);
        }
    }
}

fn counted(page: &mut Page, look: &Look, name: &str, label: &str, bad: bool) {
    let count = look.count(name).unwrap_or_default();
    let rate = look.rate(name);
    let figures = format!("{:>14}{:>14}", grouped(count), rate.map(|rate| format!("{rate:.1}")).unwrap_or_default());
    let figures = match rate {
        Some(rate) if bad && rate > 0.0 => styled(RED, &figures),
        _ if bad && count > 0 => styled(YELLOW, &figures),
        _ => figures,
    };
    page.entry(label, 20, figures.trim_end());
}

/// For how long the health has been what it is; nothing while the clock is not known.
fn since(look: &Look) -> String {
    let since = i64::try_from(look.number("HealthSince")).unwrap_or_default();
    let passed = (look.time.as_millisecond() - since) / 1000;
    let passed = u64::try_from(passed).ok().filter(|_| since > 0);
    passed.map(|seconds| styled(DIM, &format!(", for {}", duration(seconds)))).unwrap_or_default()
}
