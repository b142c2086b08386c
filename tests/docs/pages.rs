//! Man pages as distributions and readers take them.

use crate::support::ROOT;
use crate::support::process::output;
use crate::tree;
use std::fs;
use std::process::Command;

fn pages() -> Vec<String> {
    let pages: Vec<_> = tree::files().into_iter().filter(|path| path.starts_with("dbus/man/")).collect();
    assert!(pages.len() >= 2, "{pages:?}");
    pages.into_iter().map(|path| format!("{ROOT}/{path}")).collect()
}

/// What mandoc has against a page.
fn linted(page: &str) -> String {
    let linted = output(Command::new("mandoc").args(["-T", "lint", "-W", "warning", page]));
    String::from_utf8_lossy(&[linted.stdout, linted.stderr].concat()).into_owned()
}

#[test]
fn man_pages_have_no_warning_of_mandoc() {
    for page in pages() {
        assert_eq!(linted(&page), "", "{page}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let wrong = directory.path().join("wrong.8");
    fs::write(&wrong, ".TH wrong 8 \"soon\"\n.SH NAME\nwrong \\- wrong\n.SP\n").expect("written");
    assert!(linted(wrong.to_str().expect("UTF-8")).contains("WARNING"));
}

/// Date and version of a page.
fn title(page: &str) -> (String, String) {
    let text = fs::read_to_string(page).expect("a page").replace("\\-", "-");
    let title = text.lines().find(|line| line.starts_with(".TH ")).expect("a title");
    let mut words = title.split([' ', '"']).filter(|word| !word.is_empty());
    (words.nth(3).expect("a date").to_owned(), words.nth(1).expect("a version").to_owned())
}

#[test]
fn man_pages_are_of_this_version() {
    let titles: Vec<_> = pages().iter().map(|page| title(page)).collect();
    for (date, version) in &titles {
        assert_eq!((date, &**version), (&titles[0].0, env!("CARGO_PKG_VERSION")), "{titles:?}");
        assert!(date.parse::<jiff::civil::Date>().is_ok(), "{titles:?}");
    }
}

#[test]
fn man_pages_are_shown_by_man() {
    for page in pages() {
        let mut command = Command::new("man");
        command.args(["--warnings", "--encoding=UTF-8", "-Tutf8", "-l", &page]);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80");
        let shown = output(&mut command);
        let said = String::from_utf8_lossy(&shown.stderr);
        assert!(shown.status.success() && said.is_empty(), "{page}: {said}");
        let text = String::from_utf8(shown.stdout).expect("UTF-8");
        assert!(text.contains("cassia-bypass") && text.lines().count() > 50, "{page}: {text}");
    }
}
