//! Text for people: words wrapped on a terminal, colours where they are wanted.

use crate::failure::{Failure, Kind, Result};
use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use cassia_bypass::printable::escaped;
use rustix::termios::tcgetwinsize;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stdout};

pub(crate) const BOLD: &str = "\x1b[1m";
pub(crate) const DIM: &str = "\x1b[2m";
pub(crate) const RED: &str = "\x1b[31m";
pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// A text in a colour.
pub(crate) fn styled(style: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{PLAIN}") }
}

/// A stable word in the colour of what it means.
pub(crate) fn word(text: &str) -> String {
    let style = match text {
        "online" | "connected" | "idle" | "scanning" | "ready" | "ok" => GREEN,
        "offline" | "failed" | "memory-only" | "no-bluez" | "adapter-missing" | "adapter-off" => RED,
        "passive-unsupported" => RED,
        "off" | "none" | "test" => DIM,
        _ => YELLOW,
    };
    styled(style, text)
}

/// Columns and rows of the terminal that is written to.
pub(crate) fn terminal() -> Option<(usize, usize)> {
    let size = stdout().is_terminal().then(|| tcgetwinsize(stdout()).ok()).flatten();
    // A terminal that does not know is as the first ones were.
    let or = |value: u16, other: usize| if value == 0 { other } else { value.into() };
    size.map(|size| (or(size.ws_col, 80), or(size.ws_row, 24)))
}

/// What is to be printed.
pub(crate) struct Page {
    text: String,
    /// Of the terminal. Other readers get each text on one line.
    width: Option<usize>,
}

impl Page {
    pub(crate) fn new() -> Self {
        Self::of_width(terminal().map(|(width, _)| width))
    }

    pub(crate) fn of_width(width: Option<usize>) -> Self {
        Self { text: String::new(), width }
    }

    pub(crate) fn line(&mut self, line: &str) {
        self.entry("", 0, line);
    }

    /// A label, and beside it, from that column on, a text of several lines.
    pub(crate) fn entry(&mut self, label: &str, column: usize, text: &str) {
        let room = self.width.map_or(usize::MAX, |width| width.saturating_sub(column).max(20));
        let mut left = label.to_owned();
        for line in text.split('\n').flat_map(|line| wrapped(line, room)) {
            let space = " ".repeat(column.saturating_sub(seen(&left)));
            let full = format!("{left}{space}{line}");
            // To a String: it cannot fail.
            let _ = writeln!(self.text, "{}", full.trim_end());
            left.clear();
        }
    }

    /// The text with colours if they are wanted where it goes.
    pub(crate) fn render(&self) -> String {
        match AutoStream::choice(&stdout()) {
            ColorChoice::Never => strip_str(&self.text).to_string(),
            _ => self.text.clone(),
        }
    }

    /// The text without colours.
    pub(crate) fn plain(&self) -> String {
        strip_str(&self.text).to_string()
    }

    pub(crate) fn print(self) -> Result<()> {
        print(&self.render())
    }
}

/// Prints; the end of the reader is the end of us.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::new(Kind::Closed, ""),
        _ => Failure::new(Kind::Failed, format!("standard output: {error}")),
    })
}

/// For `--json`.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{}\n", escaped(&value.to_string())))
}

/// Columns that a text takes.
fn seen(text: &str) -> usize {
    strip_str(text).to_string().chars().count()
}

/// Lines of at most so many columns, broken between words; a longer word has a line of its own.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for (place, word) in text.split(' ').enumerate() {
        let length = seen(word);
        if let Some(line) = lines.last_mut().filter(|_| place == 0 || used + 1 + length <= room) {
            if place > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        } else {
            lines.push(word.to_owned());
            used = length;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_beside_their_label() {
        let mut page = Page::of_width(Some(30));
        page.entry("Label", 8, "some words that need two lines\nand one");
        page.entry("", 8, &styled(RED, "red"));
        assert_eq!(
            strip_str(&page.text).to_string(),
            "Label   some words that need\n        two lines\n        and one\n        red\n"
        );
        let mut page = Page::of_width(None);
        page.entry("Label", 8, "some words that need no two lines");
        assert_eq!(page.text, "Label   some words that need no two lines\n");
    }

    #[test]
    fn spaces_inside_a_line_stay() {
        assert_eq!(wrapped("a   b", 80), ["a   b"]);
        assert_eq!(wrapped("", 80), [""]);
        assert_eq!(wrapped("a-long-word b", 5), ["a-long-word", "b"]);
    }
}
