//! Colours on a terminal, and not elsewhere.

use crate::ctl::{Terminal, command, done, run};
use crate::started;
use crate::support::identities::Who;

const ESCAPE: char = '\x1b';

#[test]
fn colours_are_off_in_a_pipe_unless_asked_for() {
    let (bus, _service) = started();
    for words in [&["show"][..], &["describe"], &["diagnose"], &["watch", "-c", "1"], &["export"]] {
        assert!(!done(&bus, Who::Admin, words).contains(ESCAPE), "{words:?}");
    }
    assert!(done(&bus, Who::Admin, &["show", "--color", "always"]).contains(ESCAPE));
    let refused = run(&mut command(&bus, Who::Admin, &["show", "Hots"]));
    assert!(!refused.err.contains(ESCAPE));
}

#[test]
fn colours_are_on_in_a_terminal_unless_refused() {
    let (bus, _service) = started();
    let shown = |words: &str, environment: &[(&str, &str)]| Terminal::start(&bus, words, environment).ended();
    assert!(shown("show", &[]).contains(ESCAPE));
    assert!(shown("diagnose", &[]).contains("\x1b[33m"));
    for (words, environment) in
        [("show --color never", &[][..]), ("show", &[("NO_COLOR", "1")]), ("show", &[("TERM", "dumb")])]
    {
        let shown = shown(words, environment);
        assert!(!shown.contains(ESCAPE) && shown.contains("ScanMode"), "{words} {environment:?}: {shown}");
    }
    assert!(!shown("show --json", &[]).contains(ESCAPE));
    // Texts are wrapped at its width.
    let described = shown("describe --color never", &[]);
    assert!(described.lines().all(|line| line.trim_end().chars().count() <= 80), "{described}");
}
