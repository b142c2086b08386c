//! `cassia-bypassctl`: the settings, states and trials of cassia-bypassd for people and scripts. A D-Bus client and nothing else:
//! it reads no file of the service and knows no setting but from the service.

mod arguments;
mod assign;
mod bus;
mod change;
mod devices;
mod diagnose;
mod failure;
mod metrics;
mod page;
mod report;
mod screen;
mod setting;
mod show;
mod source;
mod transfer;
mod trial;
mod value;
mod wait;
mod watch;
mod watch_view;
mod words;

#[cfg(test)]
mod completions_tests;
#[cfg(test)]
mod generated_tests;

use anstream::ColorChoice;
use bus::Service;
use cassia_bypass::printable::printable_lines;
use clap::ArgMatches;
use failure::{Failure, Kind, Result};
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = arguments::command().try_get_matches().unwrap_or_else(|error| refuse(&error));
    match matches.get_one::<String>("color").map(String::as_str) {
        Some("always") => ColorChoice::Always.write_global(),
        Some("never") => ColorChoice::Never.write_global(),
        _ => {}
    }
    let json = matches.get_flag("json");
    if json {
        value::keep_texts();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(&matches, json)),
        Err(error) => Err(Failure::new(Kind::Failed, error.to_string())),
    };
    done.map_or_else(|failure| report_error(&failure, json), |()| ExitCode::SUCCESS)
}

/// What clap says repeats the arguments, which may have come from elsewhere.
fn refuse(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    let shown = printable_lines(&text);
    if shown == text {
        error.exit();
    }
    anstream::eprintln!("{}", shown.trim_end());
    std::process::exit(error.exit_code());
}

async fn run(matches: &ArgMatches, json: bool) -> Result<()> {
    let service = Service::connect(matches.get_one("address")).await;
    if let Some(("metrics", matches)) = matches.subcommand() {
        return metrics::metrics(service, matches).await;
    }
    let service = service?;
    match matches.subcommand() {
        Some(("status", _)) => watch::status(&service, json).await,
        Some(("show", matches)) => show::show(&service, matches, json).await,
        Some(("describe", matches)) => show::describe(&service, matches, json).await,
        Some(("set", matches)) => change::set(&service, matches, json).await,
        Some(("reset", matches)) => change::reset(&service, matches, json).await,
        Some(("test", matches)) => trial::test(&service, matches, json).await,
        Some(("diagnose", _)) => diagnose::diagnose(&service, json).await,
        Some(("devices", matches)) => devices::devices(&service, matches, json).await,
        Some(("report", matches)) => report::report(&service, matches).await,
        Some(("watch", matches)) => watch::watch(&service, matches, json).await,
        Some(("export", matches)) => transfer::export(&service, matches, json).await,
        Some(("import", matches)) => transfer::import(&service, matches, json).await,
        // clap lets no other pass.
        _ => Err(Failure::usage("expected a command")),
    }
}

/// Says what went wrong, unless that was done, and gives the exit status for it.
fn report_error(failure: &Failure, json: bool) -> ExitCode {
    if !failure.told && failure.kind != Kind::Closed {
        if json {
            drop(page::print_json(&failure.to_json()));
        }
        for line in printable_lines(&failure.text).lines() {
            anstream::eprintln!("{} {line}", page::styled(page::RED, "cassia-bypassctl:"));
        }
    }
    ExitCode::from(failure.kind as u8)
}
