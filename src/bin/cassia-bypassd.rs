//! The daemon's command line: arguments and exit codes.

use cassia_bypass::config::{Paths, store};
use cassia_bypass::daemon::{self, Fatal};
use cassia_bypass::ingest::Source;
use cassia_bypass::log;
use cassia_bypass::printable::printable;
use cassia_bypass::threads;
use rustix::fd::OwnedFd;
use rustix::process::{
    DumpableBehavior, PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open, set_dumpable_behavior,
};
use std::ffi::OsString;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cassia-bypassd [OPTION]...
Publishes the Bluetooth LE advertisements that BlueZ hears to an MQTT broker. Configure it over D-Bus (com.cassianetworks.Bypass1).

      --check-config         read all settings files, print every problem, exit 78 if the service does not start with them, else 0;
                             what is wrong in settings.toml alone is ignored by the service, and kept
      --vendor-config FILE   instead of /usr/lib/cassia-bypass/config.toml
      --config FILE          instead of /etc/cassia-bypass/config.toml
      --monitor-fd N         for tests: instead of a radio, an inherited socket with packets of the HCI monitor channel
      --version              print the version
      --help                 print this

Settings that were changed over D-Bus are kept in $STATE_DIRECTORY, by default /var/lib/cassia-bypass. What the factory gave is in
$CREDENTIALS_DIRECTORY, which systemd sets; for --check-config set it to /etc/credstore.
Exit status: 0 stopped, 1 no bus, name taken or file unreadable, 2 wrong arguments, 78 wrong settings file.
";

/// `EX_CONFIG` of sysexits: the unit does not restart on it.
const BAD_CONFIG: u8 = 78;

enum Command {
    Run(Paths, Source),
    Check(Paths),
    Say(String),
}

fn order(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let (mut arguments, mut paths, mut check) = (arguments, Paths::default(), false);
    let mut source = Source::Bluez;
    while let Some(argument) = arguments.next() {
        let word = argument.to_string_lossy().into_owned();
        let mut file = || arguments.next().map(Into::into).ok_or(format!("{word} needs a FILE"));
        match &*word {
            "--help" | "-h" => return Ok(Command::Say(HELP.to_owned())),
            "--version" | "-V" => return Ok(Command::Say(format!("cassia-bypassd {}\n", env!("CARGO_PKG_VERSION")))),
            "--check-config" => check = true,
            "--vendor-config" => paths.vendor = file()?,
            "--config" => paths.site = file()?,
            "--monitor-fd" => source = Source::Inherited(inherited(arguments.next())?),
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    Ok(if check { Command::Check(paths) } else { Command::Run(paths, source) })
}

/// A copy of a descriptor that we inherited.
fn inherited(number: Option<OsString>) -> Result<OwnedFd, String> {
    let number =
        number.and_then(|n| n.to_str()?.parse().ok()).ok_or("--monitor-fd needs the number of a descriptor")?;
    pidfd_open(getpid(), PidfdFlags::empty())
        .and_then(|process| pidfd_getfd(process, number, PidfdGetfdFlags::empty()))
        .map_err(|e| format!("--monitor-fd {number}: {e}"))
}

fn main() -> ExitCode {
    match order(std::env::args_os().skip(1)) {
        Ok(Command::Run(paths, source)) => run(paths, source),
        Ok(Command::Check(paths)) => check(&paths),
        Ok(Command::Say(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("cassia-bypassd: {} (see --help)", printable(&problem));
            ExitCode::from(2)
        }
    }
}

fn check(paths: &Paths) -> ExitCode {
    let (problems, starts) = store::check_config(paths);
    problems.iter().for_each(|problem| println!("{problem}"));
    if starts { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIG) }
}

fn run(paths: Paths, source: Source) -> ExitCode {
    log::init();
    // Secrets are in our memory: no core dumps, and nobody of our own user reads it. Fails with no kernel that we know.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        log::core_dumps(&error.to_string());
    }
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(threads::MAX_BLOCKING).thread_keep_alive(threads::KEEP_ALIVE);
    let ended = match runtime.build() {
        Ok(runtime) => runtime.block_on(daemon::run(paths, source)),
        Err(error) => Err(Fatal::System(error)),
    };
    let Err(fatal) = ended else { return ExitCode::SUCCESS };
    log::failed(&fatal.to_string());
    ExitCode::from(if matches!(fatal, Fatal::Config(_)) { BAD_CONFIG } else { 1 })
}
