//! What public reports tell of advertisements that other gateways stumbled over: `cases.jsonl`, played into the controller.
//!
//! A line is a case: `id`, the reports that it comes from (`source`), `scenario`, `settings` (name, D-Bus signature and value),
//! `events` (whole HCI events in hex, `{"wait": seconds}`, or `{"repeat": n}` with an `event` or `events`), and what is right
//! (`expect`): the `items` with the members that matter, in their order, or how many there are (`count`), by how much the
//! `ledger` grows, and members that no item has (`lacks`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use radio_controller::{Controller, hex};
use serde_json::{Map, Value};

use crate::bench;
use crate::guest::{Guest, within};
use crate::rig::{ADDRESS, Rig, wait_scan};

const LONG: Duration = Duration::from_secs(240);
const PAUSE: Duration = Duration::from_millis(25);
/// For the adverts of a case, the batches of which may be closed by time.
const ARRIVE: Duration = Duration::from_secs(10);

/// Or another file of this form, which the environment names.
#[test]
fn cases_of_public_reports_are_told_right() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/radio/cases.jsonl");
    let file = env::var_os("CASSIA_RADIO_CASES").map_or(own, PathBuf::from);
    bench::run_within(LONG, move |guest| judge(guest, &file));
}

fn judge(guest: &Guest, file: &Path) {
    let radio = guest.radio(ADDRESS);
    let rig = Rig::start(guest, "active");
    wait_scan(&radio.controller, "active", |scan| scan.active);
    rig.wait_state("scanning");
    let lines = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let cases: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let played: Vec<_> = cases.iter().filter(|case| case["events"].is_array()).collect();
    assert!(!played.is_empty(), "{} has no cases", file.display());
    let wrong: Vec<String> = played.iter().filter_map(|case| wrong(&rig, &radio.controller, case)).collect();
    println!("[rig] {} cases, {} of them wrong", played.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Plays a case, and tells what is not right.
fn wrong(rig: &Rig<'_>, controller: &Controller, case: &Value) -> Option<String> {
    let id = case["id"].as_str().expect("an id");
    let settings = case["settings"].as_object().cloned().unwrap_or_default();
    let (ledger, before) = played(rig, controller, &settings, &case["events"]);
    let expect = &case["expect"];
    let empty = Vec::new();
    let items = expect["items"].as_array().unwrap_or(&empty);
    let count = expect["count"].as_u64().map_or(items.len(), |count| count as usize);
    let grown = |name: &str| rig.ledger()[name] - ledger[name];
    let empty = Map::new();
    let growth = expect["ledger"].as_object().unwrap_or(&empty);
    let found = || {
        let counted = growth.iter().all(|(name, by)| Some(grown(name)) == by.as_u64());
        (rig.items().len() - before >= count && counted).then_some(())
    };
    let in_time = within(ARRIVE, found).is_some();
    // What is sent after it arrives after it: nothing more comes of the case.
    reset(rig, &settings);
    let mark = rig.flows(controller);
    let heard: Vec<Value> =
        rig.items()[before..].iter().filter(|item| item["bdaddrs"] != mark["bdaddrs"]).cloned().collect();
    let told = |what: String| Some(format!("{id}: {what} ({})", case["scenario"].as_str().unwrap_or_default()));
    if heard.len() != count {
        return told(format!("{} items and not {count}: {heard:?}", heard.len()));
    }
    for (n, (item, right)) in heard.iter().zip(items).enumerate() {
        if !has(item, right) {
            return told(format!("item {n} is {item} and not {right}"));
        }
    }
    let lacks = expect["lacks"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for member in lacks {
        if let Some(item) = heard.iter().find(|item| item.to_string().contains(&format!("\"{member}\""))) {
            return told(format!("{member} in {item}"));
        }
    }
    if !in_time {
        let grown: Vec<_> = growth.keys().map(|name| format!("{name} by {}", grown(name))).collect();
        return told(format!("the ledger grew: {}", grown.join(", ")));
    }
    None
}

/// The words by which busctl gives a setting: `value` is its signature and its value.
fn words(name: &str, value: &Value) -> Vec<String> {
    let (signature, value) = (value[0].as_str().expect("a signature"), &value[1]);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let values = match value {
        Value::Array(entries) => [vec![entries.len().to_string()], entries.iter().map(text).collect()].concat(),
        one => vec![text(one)],
    };
    [vec![name.to_owned(), signature.to_owned()], values].concat()
}

/// Plays the events with these settings; gives the ledger and the number of items from before. Where the machine paused between two
/// events it is not the case that was played, since pieces of an advert belong together for 50 ms: then it is played once more.
fn played(
    rig: &Rig<'_>,
    controller: &Controller,
    settings: &Map<String, Value>,
    events: &Value,
) -> (BTreeMap<String, u64>, usize) {
    for _ in 0..20 {
        if !settings.is_empty() {
            let words: Vec<String> = settings.iter().flat_map(|(name, value)| words(name, value)).collect();
            rig.call("Apply", "a{sv}", settings.len(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let (before, mut pace) = ((rig.ledger(), rig.items().len()), Pace::default());
        play(controller, events, &mut pace);
        if pace.longest < PAUSE {
            return before;
        }
        println!("[rig] a pause of {:?}, played again", pace.longest);
        reset(rig, settings);
        rig.flows(controller);
    }
    panic!("the machine pauses all the time");
}

fn reset(rig: &Rig<'_>, settings: &Map<String, Value>) {
    if !settings.is_empty() {
        rig.call("Reset", "as", settings.len(), &settings.keys().map(String::as_str).collect::<Vec<_>>());
    }
}

/// The longest pause between two events that was not asked for.
#[derive(Default)]
struct Pace {
    last: Option<Instant>,
    longest: Duration,
}

fn play(controller: &Controller, events: &Value, pace: &mut Pace) {
    for event in events.as_array().expect("events") {
        match event {
            Value::String(event) => {
                let event = hex::decode(event).expect("hex");
                controller.raw(&event, true).expect("the kernel takes it");
                let now = Instant::now();
                pace.longest = pace.longest.max(pace.last.replace(now).map_or(Duration::ZERO, |last| now - last));
            }
            // The pause is part of what is played.
            _ if event["wait"].is_number() => {
                thread::sleep(Duration::from_secs_f64(event["wait"].as_f64().expect("seconds")));
                pace.last = None;
            }
            _ => {
                let what = if event["events"].is_array() {
                    event["events"].clone()
                } else {
                    [event["event"].clone()].into_iter().collect()
                };
                for _ in 0..event["repeat"].as_u64().expect("how often") {
                    play(controller, &what, pace);
                }
            }
        }
    }
}

/// Whether `value` has all that is `right`: of objects the members, of arrays each entry, of the rest the same value.
fn has(value: &Value, right: &Value) -> bool {
    match (value, right) {
        (Value::Object(value), Value::Object(right)) => {
            right.iter().all(|(name, right)| value.get(name).is_some_and(|value| has(value, right)))
        }
        (Value::Array(value), Value::Array(right)) => {
            value.len() == right.len() && value.iter().zip(right).all(|(value, right)| has(value, right))
        }
        (Value::Number(value), Value::Number(right)) => value.as_f64() == right.as_f64(),
        _ => value == right,
    }
}
