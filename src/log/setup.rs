//! Where lines go: the journal when systemd started us, else stderr; and which of them.

use crate::printable::printable_lines;
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, reload};

/// What the journal knows us by.
pub const IDENTIFIER: &str = "cassia-bypassd";

/// Changes the levels of the process.
static LEVELS: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();
/// The word for them.
static LEVEL: Mutex<&str> = Mutex::new("info");
/// `journal` or `console`.
static TARGET: OnceLock<&str> = OnceLock::new();

/// The words of syslog, and what they are here.
const WORDS: [(&str, LevelFilter); 8] = [
    ("emerg", LevelFilter::ERROR),
    ("alert", LevelFilter::ERROR),
    ("crit", LevelFilter::ERROR),
    ("err", LevelFilter::ERROR),
    ("warning", LevelFilter::WARN),
    ("notice", LevelFilter::INFO),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
];

/// Sets up logging for the process. `RUST_LOG` chooses levels, for all or by module (`info,cassia_bypass::publish=debug`);
/// the default is `info`, also for what cannot be read.
pub fn init() {
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    // Not `EnvFilter`: it filters by values of fields, too, with a regular expression engine of half a megabyte.
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    note(word(filter.iter().map(|(_, level)| level).chain(filter.default_level()).max()));
    let (filter, levels) = reload::Layer::new(filter);
    drop(LEVELS.set(levels));
    let registry = tracing_subscriber::registry().with(filter);
    // systemd sets JOURNAL_STREAM when stderr is the journal; on a terminal people want to see the lines there.
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let _ = TARGET.set(if journal.is_some() { "journal" } else { "console" });
    match journal {
        Some(layer) => {
            let priorities = PriorityMappings {
                info: Priority::Informational,
                debug: Priority::Debug,
                trace: Priority::Debug,
                ..PriorityMappings::new()
            };
            let layer = layer.with_field_prefix(None).with_priority_mappings(priorities);
            registry.with(layer.with_syslog_identifier(IDENTIFIER.into())).init()
        }
        None => {
            let fields = debug_fn(|writer: &mut Writer<'_>, field, value| match field.name() {
                "message" => writer.write_str(&printable_lines(&format!("{value:?}"))),
                _ => Ok(()),
            });
            registry
                .with(
                    tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).fmt_fields(fields),
                )
                .init();
        }
    }
}

fn word(level: Option<LevelFilter>) -> &'static str {
    let level = level.unwrap_or(LevelFilter::ERROR).min(LevelFilter::DEBUG);
    // Of words for the same level the one that people use, which is the last.
    WORDS.iter().rev().find(|(_, known)| *known == level).map_or("err", |(word, _)| word)
}

fn note(word: &'static str) {
    *LEVEL.lock().unwrap_or_else(PoisonError::into_inner) = word;
}

/// The least important lines that are logged, as a word of syslog.
pub fn level() -> &'static str {
    *LEVEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `journal` or `console`.
pub fn target() -> &'static str {
    TARGET.get().copied().unwrap_or("console")
}

/// Changes what is logged, of all modules; false for a word that syslog does not have.
pub fn set_level(wanted: &str) -> bool {
    let Some((word, level)) = WORDS.iter().find(|(word, _)| *word == wanted) else { return false };
    note(word);
    LEVELS.get().is_none_or(|levels| levels.reload(Targets::new().with_default(*level)).is_ok())
}
