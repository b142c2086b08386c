//! `watch` beside a stream of adverts.

use crate::ctl::{Terminal, command};
use crate::rig::Rig;
use crate::support::eventually;
use crate::support::identities::Who;
use crate::support::process::{Lines, Process};
use rustix::process::Signal;
use serde_json::Value;

fn watching(rig: &Rig, words: &[&str]) -> (Process, Lines, Lines) {
    let (out, err) = (Lines::default(), Lines::default());
    let words = [&["watch", "--interval", "0.1"], words].concat();
    (Process::start(&mut command(&rig.bus, Who::Nobody, &words), &out, &err), out, err)
}

/// Received and published, of the last line.
fn counts(lines: &Lines) -> Option<(u64, u64)> {
    let last: Value = serde_json::from_str(lines.all().last()?).expect("JSON");
    Some((last["Ledger"]["Received"].as_u64()?, last["Ledger"]["Published"].as_u64()?))
}

#[test]
fn counts_grow_line_by_line_until_control_c() {
    let rig = Rig::start();
    rig.connect();
    let (mut json, lines, _) = watching(&rig, &["--json"]);
    let (mut text, words, _) = watching(&rig, &[]);
    eventually("nothing yet", || counts(&lines) == Some((0, 0)) && words.len() > 0);
    for last in [100, 200] {
        rig.air.play(last - 100..last, 5);
        eventually("they are counted", || counts(&lines) == Some((last.into(), last.into())));
        eventually("in words", || words.contains(&format!("received {last} (")));
    }
    let line = words.all().into_iter().rfind(|line| line.contains("received 200 (")).expect("a line");
    assert!(
        line.contains("Z online  received 200 (") && line.contains("  dropped 0  link connected  radio test"),
        "{line}"
    );
    // While they came there was a rate.
    assert!(words.all().iter().any(|line| line.contains("received ") && !line.contains("(0.0/s)")), "{words:?}");
    for process in [&mut json, &mut text] {
        process.signal(Signal::INT);
        assert_eq!(process.ended().code(), Some(0));
    }
}

#[test]
fn watch_waits_for_a_service_that_restarts() {
    let mut rig = Rig::start();
    let (mut process, lines, _) = watching(&rig, &[]);
    eventually("it looks", || lines.len() > 0);
    rig.service.terminate();
    rig.service.ended();
    eventually("it is told", || lines.contains("cassia-bypassd is not on the bus"));
    rig.restart_after_end();
    let told = lines.len();
    eventually("it looks again", || lines.all()[told..].iter().any(|line| line.contains("  received 0")));
    process.signal(Signal::INT);
    assert_eq!(process.ended().code(), Some(0));
}

#[test]
fn watch_redraws_a_terminal_in_place_and_gives_it_back() {
    let rig = Rig::start();
    rig.connect();
    rig.set("FilterRssi", &["n", "-50"]);
    let mut terminal = Terminal::start(&rig.bus, "watch -n 0.1", &[]);
    terminal.until("received                       0");
    rig.air.play(0..1234, 5);
    terminal.until("received                   1,234");
    terminal.until("rssi                     1,234");
    terminal.type_in("\x03");
    let shown = terminal.ended();
    let (before, after) = shown.split_once("\x1b[?25h\x1b[?1049l").expect("the screen is given back");
    assert!(before.starts_with("\x1b[?1049h\x1b[?25l\x1b[H"), "{before}");
    assert!(before.matches("\x1b[H").count() >= 2 && !before.contains("\x1b[2J"), "{before}");
    // The last page stays.
    assert!(after.contains("received                   1,234") && after.contains("status 0"), "{after}");
    for line in after.lines() {
        let plain = anstream::adapter::strip_str(line).to_string();
        assert!(plain.trim_end().chars().count() <= 80, "{plain}");
    }
}
