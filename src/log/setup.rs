//! Where lines go: the journal when systemd started us, else stderr.

use tracing::Level;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::prelude::*;

/// Sets up logging for the process. `RUST_LOG` chooses levels; the default is `info`.
pub fn init() {
    let filter = EnvFilter::builder().with_default_directive(Level::INFO.into()).from_env_lossy();
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
