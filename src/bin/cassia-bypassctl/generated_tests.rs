//! The man page says what the program takes.

use crate::arguments::{EXIT_STATUS, command};
use clap::Command;
use clap_mangen::Man;
use std::fs;

pub(crate) const NAME: &str = "cassia-bypassctl";

/// What --json prints for each command. Names are those of the D-Bus interface.
const JSON: &[(&str, &str)] = &[
    (
        "show",
        "An object with an entry for each setting by its name, such as \"ScanQos\": {\"value\": 1, \"default\": 0, \"differs\": true}, \
         of a secret \"Psk\": {\"set\": false}.",
    ),
    (
        "set, reset, import",
        "An object with an entry for each setting that was named: \"ScanQos\": {\"before\": 0, \"value\": 1, \"changed\": true}, where \
         \"changed\" says whether this call changed it; of a secret \"Psk\": {\"before\": false, \"set\": true}. Of reset --all those that \
         it changed.",
    ),
    (
        "set --dry-run, import --dry-run",
        "The answer of Check: {\"Problems\": [{\"Setting\": NAME, \"Message\": TEXT}, ...], \"Hints\": [TEXT, ...], \"Certificates\": \
         [{\"Setting\": NAME, \"Subject\": NAME, \"Issuer\": NAME, \"NotBefore\": MS, \"NotAfter\": MS, \"DaysLeft\": DAYS}, ...]}, MS in milliseconds since \
         1970-01-01 UTC.",
    ),
    (
        "describe",
        "A list of objects with \"Name\", \"Key\", \"Type\", \"Help\", \"Expected\", \"Choices\", \"Secret\" and, but for secrets, \
         \"Default\", in the order of the manual.",
    ),
    (
        "test, diagnose, devices",
        "The answer of TestConnection, Diagnose or Devices, as the manual of the D-Bus interface lists it.",
    ),
    ("status, watch", "One line for each look: all properties of the interface Stats."),
    ("export", "An object with the keys of the settings files."),
    (
        "failures",
        "{\"error\": {\"kind\": KIND, \"name\": NAME, \"text\": TEXT}}, the KIND one of failed, usage, unavailable, forbidden (status 1 \
         to 4), NAME that of the D-Bus error or empty. The sentence is on standard error, too. What is wrong with an option is said \
         there only.",
    ),
];

/// Compares a file that is checked in with what it would be now.
pub(crate) fn compare(path: &str, now: &str) {
    let path = format!("{}/dbus/{path}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, now).expect("write");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == now, "{path}: run UPDATE_GENERATED=1 cargo test --bin {NAME} generated");
}

/// What each part of a page begins with; once is enough.
const QUOTES: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

fn section(render: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    render(&mut bytes).expect("to memory");
    // An empty line between breaks is a break too many for mandoc.
    String::from_utf8(bytes).expect("text").replace(QUOTES, "").replace(".br\n\n.br\n", ".sp\n")
}

/// When the newest version was released; until there is one, when the pages were made.
fn date() -> &'static str {
    let changes = include_str!("../../../CHANGELOG.md");
    changes.lines().find_map(|line| line.strip_prefix("## ")?.split_once(" - ")).map_or("2026-11-28", |(_, date)| date)
}

/// A text for roff.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('"', "\\(dq")
}

fn table(title: &str, rows: &[(&str, &str)]) -> String {
    let row = |(label, text): &(&str, &str)| format!(".TP\n\\fB{}\\fR\n{}\n", escaped(label), escaped(text));
    format!(".SH {title}\n{}", rows.iter().map(row).collect::<String>())
}

/// A command with its own options; those that stand everywhere are at the top of the page.
fn chapter(command: &Command) -> String {
    let hidden = command.clone().mut_args(|argument| {
        let hide = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(hide)
    });
    let man = Man::new(hidden.bin_name(format!("{NAME} {}", command.get_name())));
    let options = section(|w| man.render_options_section(w)).replacen(".SH OPTIONS\n", "", 1);
    let synopsis = section(|w| man.render_synopsis_section(w)).replacen(".SH SYNOPSIS\n", "", 1);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let options = if options.contains(".TP") { options } else { String::new() };
    format!(".SS {}\n{synopsis}.PP\n{}.\n{options}", command.get_name(), escaped(&about))
}

fn page() -> String {
    let mut whole = command();
    whole.build();
    let man = Man::new(whole.clone()).section("1").date(date()).manual("cassia-bypass");
    let mut page = format!("{QUOTES}{}", section(|w| man.render_title(w)));
    page += &section(|w| man.render_name_section(w));
    page += &section(|w| man.render_synopsis_section(w));
    page += ".SH DESCRIPTION\n";
    page += &escaped(
        "A client of the D-Bus interface of cassia-bypassd(8). It reads no file of the service, and asks the service what the \
         settings are. Everybody may call status, show, describe, watch, diagnose, export and metrics; the others need root or a member of the group \
         cassia-bypass-admin.\n",
    );
    page += &section(|w| man.render_options_section(w));
    page += ".SH COMMANDS\n";
    page += &whole.get_subcommands().filter(|command| command.get_name() != "help").map(chapter).collect::<String>();
    let values = whole.find_subcommand("set").and_then(Command::get_after_help).expect("a text").to_string();
    page += &format!(".SH VALUES\n{}\n", escaped(&values).replace("\n\n", "\n.PP\n"));
    page += &table("JSON", JSON);
    page += &table("EXIT STATUS", EXIT_STATUS);
    page += &table(
        "ENVIRONMENT",
        &[
            ("DBUS_SYSTEM_BUS_ADDRESS", "The bus, unless --address is given."),
            ("NO_COLOR", "If it is not empty, no colours."),
        ],
    );
    page += ".SH SEE ALSO\ncassia\\-bypassd(8), busctl(1), journalctl(1)\n";
    page
}

#[test]
fn generated_man_page() {
    compare("man/cassia-bypassctl.1", &page());
}
