//! The command line, in clap's words. The man page and the completions are generated from it.

use clap::{Arg, ArgAction, ArgGroup, Command, value_parser};

/// What each exit status says; for --help and the man page.
pub(crate) const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "It is done. Of test: the broker took the message."),
    (
        "1",
        "The service refused or failed. Of test: a step failed. Of set and import with --dry-run: Apply would refuse. Of status and set --wait: the service is not online.",
    ),
    (
        "2",
        "Wrong arguments: an unknown option or setting, a value of another form, a file that cannot be read. Nothing changed.",
    ),
    ("3", "The bus or the service is not there, or does not answer in time."),
    ("4", "Not allowed: this needs root or a member of the group cassia-bypass-admin."),
];

const VALUES: &str = "\
VALUE is taken by the type of the setting: true or false; a number; a text; a list as a,b,c or as JSON; FilterValues as \
OFFSET:HEX,... . @FILE takes the text of a file, such as a certificate (a text that begins with @ is written @@...). Settings go by \
their names (ScanQos) or keys (scan_qos).

Secrets never stand on the command line, where other users see them: use --secret-from, or @FILE. 'Psk=' removes one.";

/// The whole command line.
pub(crate) fn command() -> Command {
    let status: Vec<String> = EXIT_STATUS.iter().map(|(code, text)| format!("  {code}  {text}")).collect();
    Command::new("cassia-bypassctl")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Sets, tries and watches cassia-bypassd over D-Bus")
        .after_help(format!("Exit status:\n{}", status.join("\n")))
        .max_term_width(80)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(everywhere())
        .subcommands([
            Command::new("status")
                .about("Prints health, radio, link, disk and counts once; exit status 1 unless the service is online"),
            Command::new("show")
                .about("Prints settings; * marks what differs from the default")
                .arg(settings())
                .arg(flag("changed", "Only what differs from the default"))
                .arg(flag("value", "Values alone, one a line").conflicts_with("json")),
            Command::new("describe").about("Prints what settings mean and what is expected").arg(settings()),
            changing(Command::new("set"))
                .about("Changes settings in one transaction: all of them, or none")
                .arg(dry_run())
                .arg(
                    flag("test", "Try the broker first, as `test` does; change nothing if that fails")
                        .conflicts_with("dry-run"),
                )
                .arg(
                    Arg::new("wait")
                        .long("wait")
                        .value_name("SECS")
                        .num_args(0..=1)
                        .require_equals(true)
                        .default_missing_value("30")
                        .value_parser(value_parser!(u64).range(1..=3600))
                        .conflicts_with("dry-run")
                        .help("Wait until the service is online with these settings, or say why it is not; 30 s by default"),
                )
                .group(ArgGroup::new("what").args(["assignments", "secret-from"]).multiple(true).required(true)),
            Command::new("reset")
                .about("Sets settings back to their defaults and removes secrets")
                .arg(settings())
                .arg(flag("all", "All settings and secrets"))
                .group(ArgGroup::new("what").args(["settings", "all"]).required(true)),
            changing(Command::new("test")).about(
                "Tries the broker step by step, with these settings in place of the present ones; changes nothing",
            ),
            Command::new("diagnose").about("Tells what is heard, where it goes, what is in the way and what to do"),
            Command::new("devices")
                .about("Lists the devices that are heard, and what becomes of their adverts")
                .arg(flag("watch", "Again every second until Ctrl-C")),
            Command::new("watch")
                .about("Shows rates, counts, link, radio and health until Ctrl-C")
                .arg(
                    Arg::new("interval")
                        .long("interval")
                        .short('n')
                        .value_name("SECONDS")
                        .help("Time between two looks, 0.1-3600")
                        .default_value("1")
                        .value_parser(interval),
                )
                .arg(
                    Arg::new("count")
                        .long("count")
                        .short('c')
                        .value_name("N")
                        .help("End after so many looks")
                        .value_parser(value_parser!(u64).range(1..)),
                ),
            Command::new("report")
                .about("Writes a report for support: diagnosis, settings, statistics, journal; no secrets, no device addresses")
                .arg(Arg::new("file").value_name("FILE").required(true).help("The file, which must not exist; - is standard output")),
            Command::new("metrics")
                .about("Prints the statistics in the text format of Prometheus")
                .arg(flag("openmetrics", "As OpenMetrics, for scrapers that ask for it"))
                .arg(
                    Arg::new("output")
                        .long("output")
                        .short('o')
                        .value_name("FILE")
                        .help("Replace this file, for node_exporter's textfile collector; cassia_bypass_up 0 if nobody answers"),
                ),
            Command::new("export")
                .about("Prints the settings, without secrets, as a settings file (TOML)")
                .arg(flag("changed", "Only what differs from the default")),
            Command::new("import")
                .about("Sets what a settings file has, in one transaction; the rest stays")
                .arg(Arg::new("file").value_name("FILE").required(true).help("The file; - is standard input"))
                .arg(secret_from())
                .arg(dry_run()),
        ])
}

fn everywhere() -> [Arg; 3] {
    [
        flag("json", "Print JSON, in the form that cassia-bypassctl(1) describes").global(true).display_order(900),
        Arg::new("color")
            .long("color")
            .value_name("WHEN")
            .help("Colours; by default on a terminal, unless NO_COLOR is set")
            .value_parser(["auto", "always", "never"])
            .default_value("auto")
            .hide_default_value(true)
            .global(true)
            .display_order(900),
        Arg::new("address")
            .long("address")
            .value_name("ADDRESS")
            .help("D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus")
            .global(true)
            .display_order(900),
    ]
}

fn changing(command: Command) -> Command {
    let assignments = Arg::new("assignments").value_name("KEY=VALUE").num_args(0..).help("A setting and its value");
    command.arg(assignments).arg(secret_from()).after_help(VALUES)
}

fn secret_from() -> Arg {
    Arg::new("secret-from")
        .long("secret-from")
        .value_name("KEY=FILE")
        .action(ArgAction::Append)
        .help("A setting and the file with its value; - is standard input, on a terminal it is asked for")
}

fn dry_run() -> Arg {
    // The name until 0.1.0.
    flag("dry-run", "Say what would be refused; change nothing").alias("check")
}

fn settings() -> Arg {
    Arg::new("settings").value_name("KEY").num_args(0..).help("Names or keys of settings")
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn interval(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|seconds| (0.1..=3600.0).contains(seconds)).ok_or("expected 0.1-3600 seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_it_consistent() {
        command().debug_assert();
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let wrong = |words: &str| command().try_get_matches_from(words.split(' ')).is_err();
        for words in
            ["x", "x set", "x reset", "x reset --all Port", "x watch -n 0", "x watch -c 0", "x import", "x get"]
        {
            assert!(wrong(words), "{words}");
        }
        for words in
            ["x show", "x set A=b", "x set --secret-from A=-", "x reset A", "x reset --all", "x test", "x watch"]
        {
            assert!(!wrong(words), "{words}");
        }
    }
}
