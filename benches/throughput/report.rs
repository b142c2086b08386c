//! `docs/performance.md`: the words around the figures, and whether the bars are met.

use crate::cell::Encryption;
use crate::plan::{RATE, Results, Round};
use crate::table::{HEAD, count, mb, millis, row};
use crate::{micro, soak};
use std::fmt::Write;
use std::fs;

/// Writes the file.
pub(crate) fn write(results: &Results) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
    fs::write(path, markdown(results)).expect("written");
    println!("{path}");
}

/// The whole text.
pub(crate) fn markdown(results: &Results) -> String {
    let sections = [
        include_str!("report.md").to_owned(),
        machine(results),
        bars(results),
        cells(results),
        references(results),
        threads(results),
        answers(results),
        pipeline(),
        long_run(),
    ];
    sections.join("\n")
}

fn machine(results: &Results) -> String {
    let m = &results.machine;
    format!(
        "## This run\n\n{}, version {}. {} cores of {}, {:.0} GB, {}. Load {} before, {} after (of which the bench itself makes about 2). \
         Broker and reference: Mosquitto {}.\n",
        m.date,
        m.commit,
        m.cores,
        m.processor,
        mb(m.memory) / 1e3,
        m.kernel,
        m.load.0,
        m.load.1,
        m.broker
    )
}

fn bars(results: &Results) -> String {
    let mut text = "## Bars\n\n| at | bar | measured | met |\n|---|---|---|---|\n".to_owned();
    let mut bar = |at: &str, bar: &str, measured: String, met: Option<bool>| {
        let met = met.map_or("not measured", |met| if met { "yes" } else { "**no**" });
        writeln!(text, "| {at} | {bar} | {measured} | {met} |").expect("to a string");
    };
    let compared = "1,000 adverts/s, QoS 0, batches of 20";
    let (above, times) = (results.median(Round::above), results.median(Round::times));
    bar(
        compared,
        "CPU per advert at most 10 us above `mosquitto_pub -l` at the same pace",
        format!("{above:.1} us above"),
        Some(above <= 10.0),
    );
    bar(compared, "CPU per advert at most 1/10 of the Python script's", format!("1/{times:.1}"), Some(times >= 10.0));
    if let Some(fast) = results.plain(50_000) {
        let measured = format!(
            "{}/s, {} lost, {:.0} % of a core",
            count(fast.carried as u64),
            count(fast.lost),
            fast.cores() * 100.0
        );
        let met = fast.lost == 0 && fast.cores() <= 1.0 && fast.carried >= 49_500.0;
        bar("50,000 adverts/s, QoS 0", "nothing lost, on at most one core's worth of CPU", measured, Some(met));
    }
    for (addresses, most) in [(200, 10.0), (20_000, 20.0)] {
        let peak = |tls: bool| {
            let of = results.cells.iter().map(|f| (f.cell, mb(f.memory.peak)));
            let of = of.filter(|(cell, _)| cell.addresses == addresses && (cell.encryption != Encryption::None) == tls);
            of.map(|(_, peak)| peak).reduce(f64::max)
        };
        let at = format!("{} addresses", count(addresses.into()));
        for (tls, with) in [(false, ""), (true, ", with TLS")] {
            let Some(peak) = peak(tls) else { continue };
            let at = format!("{at}{with}");
            bar(&at, &format!("RSS at most {most:.0} MB"), format!("{peak:.1} MB at most"), Some(peak <= most));
        }
    }
    let hour = soak::last().filter(|soak| soak.seconds >= 3600 && soak.rate == RATE);
    let measured =
        hour.as_ref().map_or(String::new(), |soak| format!("{:+.1} KiB an hour, {} lost", soak.slope, soak.lost));
    bar(
        "an hour at 1,000 adverts/s",
        "RSS grows by less than 1 % in the hour, nothing lost",
        measured,
        hour.map(|soak| soak.steady()),
    );
    text + "\n" + include_str!("report_limits.md").trim_end() + "\n"
}

fn cells(results: &Results) -> String {
    let rows: Vec<String> = results.cells.iter().map(row).collect();
    format!("## The service\n\n{}{HEAD}\n{}\n\n{}", include_str!("report_cells.md"), rows.join("\n"), late(results))
}

/// A generator that did not keep its pace measures something else.
fn late(results: &Results) -> String {
    let worst = results.cells.iter().max_by_key(|figures| figures.generated.late);
    worst.map_or(String::new(), |figures| {
        let late = millis(figures.generated.late);
        format!(
            "The generator was {late} ms behind at most (at {} adverts/s), and then sent what was due at once.\n",
            count(figures.cell.rate)
        )
    })
}

fn references(results: &Results) -> String {
    let mut text = format!("## Beside it\n\n{}", include_str!("report_references.md"));
    text.push_str(
        "| at 1,000 adverts/s | CPU us/advert | `mosquitto_pub -l`, paced | above it | `reference.py` | part of it |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for (i, round) in results.rounds.iter().enumerate() {
        let (ours, floor, script) = (round.ours.micros(), round.floor.micros, round.script.micros);
        let (above, times, number) = (round.above(), round.times(), i + 1);
        writeln!(text, "| round {number} | {ours:.1} | {floor:.1} | {above:.1} | {script:.1} | 1/{times:.1} |")
            .expect("to a string");
    }
    text.push_str(
        "\n| `mosquitto_pub -l` | adverts/s | CPU us/advert | cassia-bypassd at this rate |\n|---|---:|---:|---:|\n",
    );
    for floor in &results.floors {
        let ours = floor.paced.and_then(|rate| results.plain(rate));
        let ours = ours.map_or(String::new(), |ours| format!("{:.1}", ours.micros()));
        let pace = if floor.paced.is_some() { "paced" } else { "as fast as it can" };
        let rate = count(floor.rate.round() as u64);
        writeln!(text, "| {pace} | {rate} | {:.2} | {ours} |", floor.micros).expect("to a string");
    }
    let script = &results.rounds[0].script;
    let (resident, peak) = (mb(script.memory.resident), mb(script.memory.peak));
    let (p50, p99, lost) = (millis(script.latency.p50), millis(script.latency.p99), count(script.lost));
    let (versions, addresses) = (&script.versions, script.addresses);
    writeln!(
        text,
        "\n`reference.py` ({versions}) with {addresses} addresses: RSS {resident:.1} MB (peak {peak:.1}), p50 {p50} ms, p99 \
         {p99} ms, {lost} lost."
    )
    .expect("to a string");
    text
}

fn threads(results: &Results) -> String {
    let mut text = format!("## Where the time goes\n\n{}", include_str!("report_threads.md"));
    text.push_str("| adverts/s | of all us/advert | by thread |\n|---:|---:|---|\n");
    for figures in results.cells.iter().filter(|figures| figures.cell.is_plain()) {
        let row = (count(figures.cell.rate), figures.micros(), crate::table::threads(figures));
        writeln!(text, "| {} | {:.1} | {} |", row.0, row.1, row.2).expect("to a string");
    }
    text
}

fn answers(results: &Results) -> String {
    let mut text = "## D-Bus under load\n\n`Get` of the ledger, fifty times a second, by a client with a connection of its own.\n\n\
                    | adverts/s | answers | median ms | p99 ms | slowest ms |\n|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for a in &results.answers {
        let [median, p99, max] = [a.median, a.p99, a.max].map(millis);
        writeln!(text, "| {} | {} | {median} | {p99} | {max} |", count(a.rate), a.count).expect("to a string");
    }
    text
}

fn pipeline() -> String {
    let mut text = "## From the socket to the queue\n\n`cargo bench --bench pipeline`: parsed, put together, judged, written as JSON; no \
                    socket, no clock, no locks.\n\n"
        .to_owned();
    let all = micro::all();
    if all.is_empty() {
        return text + "It did not run yet.\n";
    }
    text.push_str("| packet | ns, one at a time | ns each, by 20 |\n|---|---:|---:|\n");
    for (name, single, batch) in all {
        writeln!(text, "| {name} | {single:.0} | {batch:.0} |").expect("to a string");
    }
    text
}

fn long_run() -> String {
    let said = soak::last().map_or("None ran yet.".to_owned(), |soak| soak.text());
    format!("## Over time\n\n`cargo bench --bench throughput -- --soak 3600`, RSS every ten seconds.\n\n{said}\n")
}
