//! Where lines go: the journal when systemd started us, else stderr.

use tracing::Level;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::prelude::*;

/// Sets up logging for the process. `RUST_LOG` chooses levels, for all or by module (`info,cassia_bypass::publish=debug`);
/// the default is `info`, also for what cannot be read.
pub fn init() {
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    // Not `EnvFilter`: it filters by values of fields, too, with a regular expression engine of half a megabyte.
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let registry = tracing_subscriber::registry().with(filter);
    // systemd sets JOURNAL_STREAM when stderr is the journal; on a terminal people want to see the lines there.
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    match journal {
        Some(layer) => {
            let priorities = PriorityMappings {
                info: Priority::Informational,
                debug: Priority::Debug,
                trace: Priority::Debug,
                ..PriorityMappings::new()
            };
            let layer = layer.with_field_prefix(None).with_priority_mappings(priorities);
            registry.with(layer.with_syslog_identifier("cassia-bypassd".into())).init()
        }
        None => {
            let fields = debug_fn(|writer: &mut Writer<'_>, field, value| match field.name() {
                "message" => write!(writer, "{value:?}"),
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
