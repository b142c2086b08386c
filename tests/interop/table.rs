//! The table of results: docs/interop.md, between its markers.

use crate::broker::Kind;
use crate::brokers::ALL;
use crate::matrix::VERSIONS;
use crate::outcome::{BrokerResult, Outcome};
use crate::support::ROOT;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- Written by tests/interop/run. -->\n";
const END: &str = "<!-- End of what it wrote. -->\n";

/// What a group of cases came to: one text if it is the same for all of them.
fn cell(result: &BrokerResult, version: &str, tls: bool) -> String {
    let all: Vec<&Outcome> =
        result.outcomes.iter().filter(|o| o.case.version == version && o.case.tls == tls).collect();
    if all.is_empty() {
        return "-".into();
    }
    let mut qos: Vec<u8> = all.iter().map(|outcome| outcome.case.qos).collect();
    qos.sort_unstable();
    qos.dedup();
    let of = |qos: u8| all.iter().filter(move |outcome| outcome.case.qos == qos);
    let said = |qos: u8| {
        let mut each: Vec<String> = of(qos).map(|outcome| text(outcome)).collect();
        each.sort();
        each.dedup();
        each.join("/")
    };
    let texts: Vec<(u8, String)> = qos.into_iter().map(|qos| (qos, said(qos))).collect();
    if texts.iter().all(|(_, text)| *text == texts[0].1 && text.starts_with('`')) {
        return texts[0].1.clone();
    }
    texts
        .iter()
        .map(|(qos, text)| if text.is_empty() { qos.to_string() } else { format!("{qos}: {text}") })
        .collect::<Vec<_>>()
        .join(", ")
}

/// Nothing if all went as it was set.
fn text(outcome: &Outcome) -> String {
    match (outcome.arrived_at(), &outcome.error) {
        (Some(qos), None) if qos == outcome.case.qos => String::new(),
        (Some(qos), None) => format!("arrives at {qos}"),
        (_, Some((word, _))) => format!("`{word}`"),
        (None, None) => format!("{} of {} arrive", outcome.arrived.len(), outcome.numbers.len()),
    }
}

fn joined(all: &[(String, Result<String, String>)]) -> String {
    let each =
        |(_, result): &(String, Result<String, String>)| result.clone().unwrap_or_else(|error| format!("no: {error}"));
    let mut texts: Vec<String> = all.iter().map(each).collect();
    texts.dedup();
    if texts.len() == 1 {
        return texts.remove(0);
    }
    all.iter().map(|one| format!("{}: {}", one.0, each(one))).collect::<Vec<_>>().join("; ")
}

/// How the broker differs, and what the service said of it, each sentence once.
fn sentences(result: &BrokerResult) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    if result.outcomes.iter().any(Outcome::raised) {
        all.push(
            "it delivers at the QoS of the subscription, even if the message was published at a lower one.".into(),
        );
    }
    for outcome in &result.outcomes {
        let limit = (outcome.limit.0 < outcome.case.qos).then(|| outcome.limit.1.clone());
        let error = outcome.error.as_ref().map(|(word, detail)| format!("`{word}`: {detail}"));
        for sentence in limit.into_iter().chain(error) {
            let line = format!("MQTT {}, QoS {}: {sentence}", outcome.case.version, outcome.case.qos);
            if !all.iter().any(|known| known.ends_with(&sentence)) {
                all.push(line);
            }
        }
    }
    all
}

/// All of one broker, for who watches.
pub(crate) fn detail(result: &BrokerResult) -> String {
    let mut text = String::new();
    row(&mut text, result);
    for line in sentences(result).iter().chain(&result.problems) {
        writeln!(text, "  {line}").expect("text");
    }
    text
}

fn row(text: &mut String, result: &BrokerResult) {
    let mut cells = vec![format!("{} {}", result.name, result.version), result.from.to_owned()];
    cells.extend(VERSIONS.map(|version| cell(result, version, false)));
    let tls: Vec<_> = VERSIONS.iter().filter(|version| cell(result, version, true) == "1").copied().collect();
    cells.push(if tls.is_empty() { "no".into() } else { tls.join(", ") });
    cells.extend([joined(&result.status), joined(&result.restart)]);
    cells.push(result.fallback.clone().unwrap_or_else(|error| format!("no: {error}")));
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "/")).collect();
    writeln!(text, "| {} |", cells.join(" | ")).expect("text");
}

const HEAD: &str = "| broker | from | MQTT 3.1, QoS | MQTT 3.1.1, QoS | MQTT 5, QoS | TLS with MQTT | status topic | restart | fallback |\n\
                    |---|---|---|---|---|---|---|---|---|\n";
const DIFFERENCES: &str = "\nWhere a broker differs, and what the service says of it:\n\n";

/// Lines of a page that are about this broker, whatever its version was.
fn about<'a>(page: &'a str, kind: &Kind, begin: &str) -> Vec<&'a str> {
    let begin = format!("{begin} {} ", kind.name);
    let from = if begin.starts_with('|') { format!("| {} |", kind.from) } else { format!("({})", kind.from) };
    page.lines().filter(|line| line.starts_with(&begin) && line.contains(&from)).collect()
}

/// Writes what these brokers did; what the page has of others stays.
pub(crate) fn write(results: &[BrokerResult]) {
    let path = Path::new(ROOT).join("docs/interop.md");
    let page = fs::read_to_string(&path).expect("docs/interop.md");
    let (before, rest) = page.split_once(BEGIN).expect("the first marker");
    let (written, after) = rest.split_once(END).expect("the second marker");
    let (mut rows, mut said) = (String::new(), String::new());
    for kind in ALL {
        let Some(result) = results.iter().find(|result| result.label == kind.label()) else {
            for (text, begin) in [(&mut rows, "|"), (&mut said, "-")] {
                about(written, kind, begin).iter().for_each(|line| writeln!(text, "{line}").expect("text"));
            }
            continue;
        };
        row(&mut rows, result);
        for sentence in sentences(result) {
            writeln!(said, "- {} {} ({}), {sentence}", result.name, result.version, result.from).expect("text");
        }
    }
    fs::write(&path, format!("{before}{BEGIN}\n{HEAD}{rows}{DIFFERENCES}{said}\n{END}{after}")).expect("written");
}
