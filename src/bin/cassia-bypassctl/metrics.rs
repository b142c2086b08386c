//! `metrics`: the statistics for Prometheus, in its text format or as OpenMetrics.

use crate::bus::{Service, Values};
use crate::failure::{Failure, Result};
use crate::page::print;
use crate::value::to_json;
use cassia_bypass::model::{HealthState, LinkState, RadioState};
use clap::ArgMatches;
use serde_json::{Map, Value as Json};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const PREFIX: &str = "cassia_bypass_";

pub(crate) async fn metrics(service: Result<Service>, matches: &ArgMatches) -> Result<()> {
    let open = matches.get_flag("openmetrics");
    let stats = match service {
        Ok(service) => service.stats().await,
        Err(failure) => Err(failure),
    };
    let text = exposition(stats.as_ref().ok(), open);
    match matches.get_one::<String>("output") {
        // A file whose numbers stay says that all is well.
        Some(file) => write(Path::new(file), &text)?,
        None if stats.is_ok() => print(&text)?,
        None => {}
    }
    stats.map(drop)
}

/// A reader sees the file of before, or this one whole.
fn write(file: &Path, text: &str) -> Result<()> {
    let mut next = file.as_os_str().to_owned();
    next.push(format!(".{}", std::process::id()));
    let next = Path::new(&next);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o644).open(next).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        fs::rename(next, file)
    });
    written.map_err(|error| {
        drop(fs::remove_file(next));
        Failure::usage(format!("{}: {error}", file.display()))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Gauge,
    Counter,
}

/// Lines of both formats. In OpenMetrics the family of a counter has not the suffix that its samples have.
struct Exposition {
    text: String,
    open: bool,
}

impl Exposition {
    /// A family with its samples: labels, as they stand between braces, and the value.
    fn family(&mut self, kind: Type, name: &str, help: &str, samples: &[(String, Json)]) {
        let numbers: Vec<_> = samples.iter().filter_map(|(labels, value)| Some((labels, number(value)?))).collect();
        // What an older service does not have is left out.
        if numbers.is_empty() {
            return;
        }
        let full = format!("{PREFIX}{name}");
        let sample = if kind == Type::Counter { format!("{full}_total") } else { full.clone() };
        let family = if self.open { &full } else { &sample };
        let word = if kind == Type::Counter { "counter" } else { "gauge" };
        self.text += &format!("# HELP {family} {help}\n# TYPE {family} {word}\n");
        for (labels, value) in numbers {
            let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            self.text += &format!("{sample}{labels} {value}\n");
        }
    }
}

/// A label with its value, escaped.
fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

/// Statistics that are one number: metric, property, and what it counts.
const COUNTERS: [(&str, &str, &str); 9] = [
    ("messages", "Messages", "Messages that the broker acknowledged, or the socket took at QoS 0."),
    ("connects", "Connects", "Connections that the broker accepted."),
    ("failures", "Failures", "Connections that failed or were lost."),
    ("failovers", "Failovers", "Changes to a fallback broker."),
    ("capture_lost", "CaptureLost", "Adverts that the kernel dropped before the service read them."),
    ("truncated", "Truncated", "Adverts whose data was incomplete."),
    ("duplicates_evicted", "DuplicatesEvicted", "Entries that the table of DuplicatesMs had no room for."),
    (
        "timestamps_withheld",
        "TimestampsWithheld",
        "Adverts without a timestamp because the clock was not synchronised.",
    ),
    ("spool_damaged", "SpoolDamaged", "Damaged pieces found in the spool."),
];
const GAUGES: [(&str, &str, &str); 7] = [
    ("adverts_queued", "Queued", "Adverts that wait in memory."),
    ("adverts_in_flight", "InFlight", "Adverts in messages that the broker has not acknowledged."),
    ("adverts_spooled", "Spooled", "Adverts that wait on the disk."),
    ("spool_bytes", "SpoolBytes", "Bytes that the spool takes on the disk."),
    (
        "spool_cover_seconds",
        "SpoolCoverSecs",
        "How long an outage may last at the present rate before the spool is full.",
    ),
    ("clock_synchronised", "ClockSynchronised", "1 while the clock is synchronised."),
    ("state_writable", "StateWritable", "1 while settings can be saved."),
];
/// Counts of adverts by what became of them. Those with reasons have a sample for each.
const OUTCOMES: [&str; 5] = ["Published", "Filtered", "Deduplicated", "Unpublished", "Dropped"];

fn exposition(stats: Option<&Values>, open: bool) -> String {
    let mut out = Exposition { text: String::new(), open };
    let up = Json::from(u8::from(stats.is_some()));
    out.family(Type::Gauge, "up", "1 while cassia-bypassd answers on D-Bus.", &[(String::new(), up)]);
    if let Some(stats) = stats {
        out.stats(&stats.iter().map(|(name, value)| (name.clone(), to_json(value))).collect());
    }
    out.text += if open { "# EOF\n" } else { "" };
    out.text
}

impl Exposition {
    fn stats(&mut self, stats: &Map<String, Json>) {
        let of = |name: &str| stats.get(name).cloned().unwrap_or_default();
        let text = |name: &str| of(name).as_str().unwrap_or_default().to_owned();
        let one = |value: Json| [(String::new(), value)];
        let info = [label("version", &text("Version")), label("router", &text("Router"))].join(",");
        self.family(Type::Gauge, "info", "Version of the service and address of the router.", &[(info, 1.into())]);
        self.states(
            "health",
            "State of the service as a whole.",
            &HealthState::ALL.map(HealthState::as_str),
            &text("Health"),
        );
        self.states(
            "link_state",
            "State of the connection to the broker.",
            &LinkState::ALL.map(LinkState::as_str),
            &text("LinkState"),
        );
        self.states(
            "radio_state",
            "State of the worst adapter.",
            &RadioState::ALL.map(RadioState::as_str),
            &text("RadioState"),
        );
        let start = of("StartedAt").as_f64().map_or(Json::Null, |millis| (millis / 1000.0).into());
        self.family(
            Type::Gauge,
            "start_time_seconds",
            "Start of the service, in seconds since 1970-01-01 UTC.",
            &one(start),
        );

        let ledger = of("Ledger").as_object().cloned().unwrap_or_default();
        let count = |name: &str| ledger.get(name).cloned().unwrap_or_default();
        let reasons = |name: &str| -> Vec<(String, Json)> {
            let part = |(part, count): (&String, &Json)| {
                Some((part.strip_prefix(name)?.strip_prefix('.')?.to_owned(), count.clone()))
            };
            ledger.iter().filter_map(part).collect()
        };
        self.family(Type::Counter, "adverts_received", "Adverts that were heard.", &one(count("Received")));
        self.family(
            Type::Counter,
            "adverts_recovered",
            "Adverts that an earlier run left on the disk.",
            &one(count("Recovered")),
        );
        let mut outcomes = Vec::new();
        for name in OUTCOMES {
            let outcome = label("outcome", &name.to_lowercase());
            match reasons(name) {
                none if none.is_empty() => outcomes.push((format!("{outcome},reason=\"\""), count(name))),
                some => outcomes.extend(
                    some.into_iter().map(|(why, count)| (format!("{outcome},{}", label("reason", &why)), count)),
                ),
            }
        }
        self.family(
            Type::Counter,
            "adverts",
            "Adverts by what became of them, with the filter or the reason.",
            &outcomes,
        );
        let malformed: Vec<_> =
            reasons("Malformed").into_iter().map(|(why, count)| (label("reason", &why), count)).collect();
        self.family(Type::Counter, "malformed_reports", "Reports of the controller that held no advert.", &malformed);
        for (kind, list) in [(Type::Counter, &COUNTERS[..]), (Type::Gauge, &GAUGES[..])] {
            for (metric, property, help) in list {
                self.family(kind, metric, help, &one(of(property)));
            }
        }
        let recoveries = of("Recoveries").as_object().cloned().unwrap_or_default();
        let recoveries: Vec<_> =
            recoveries.into_iter().map(|(action, count)| (label("action", &action), count)).collect();
        self.family(Type::Counter, "recoveries", "Recovery actions on adapters.", &recoveries);
        let ends: Vec<_> = of("Certificates")
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| {
                Some((label("setting", row["Setting"].as_str()?), (row["NotAfter"].as_f64()? / 1000.0).into()))
            })
            .collect();
        self.family(
            Type::Gauge,
            "certificate_not_after_timestamp_seconds",
            "End of a certificate, in seconds since 1970-01-01 UTC.",
            &ends,
        );
    }

    /// One sample for each state that there is, 1 for the present one.
    fn states(&mut self, name: &str, help: &str, all: &[&str], now: &str) {
        let mut samples: Vec<_> =
            all.iter().map(|state| (label("state", state), u8::from(*state == now).into())).collect();
        // A service of another version may have more.
        if !all.contains(&now) && !now.is_empty() {
            samples.push((label("state", now), 1.into()));
        }
        self.family(Type::Gauge, name, help, &samples);
    }
}

/// Truth is 1; a text, or nothing, is no number.
fn number(value: &Json) -> Option<String> {
    match value {
        Json::Bool(truth) => Some(u8::from(*truth).to_string()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
