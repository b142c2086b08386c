//! Builds every part, starts it, watches it, stops it: the only place that knows everything.

use crate::advert::Address;
use crate::config::{FileProblem, Paths, Settings, store};
use crate::stats::Stats;
use crate::{dbus, log, router};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::interval;

/// How often it is found out whether settings could be saved.
const PROBE: Duration = Duration::from_secs(5);

/// Why the service could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A settings file needs its author: a restart does not help.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<FileProblem>),
    /// The bus is not there, went away, or another process has our name.
    #[error("system bus: {0}")]
    Bus(#[from] zbus::Error),
    /// The system refused something that always works.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// Runs until SIGTERM, or until it cannot.
pub async fn run(paths: Paths) -> Result<(), Fatal> {
    let mut terminate = signal(SignalKind::terminate())?;
    let (store, draft, config) = store::load(paths).map_err(Fatal::Config)?;
    let router = Address::parse(&config.form.router_address).unwrap_or_else(router::address).to_string();
    let stats = Arc::new(Stats::default());
    let settings = Arc::new(Settings::new(store, draft, config, Arc::clone(&stats)));
    settings.probe_writable().await;

    let constants = dbus::Constants { version: env!("CARGO_PKG_VERSION"), router: router.clone() };
    let bus = dbus::serve(Arc::clone(&settings), Arc::clone(&stats), constants).await?;
    let ready = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    if let Err(error) = ready {
        tracing::warn!("systemd was not told that the service is ready: {error}");
    }
    log::started(&router, stats.radio().borrow().capture.word());

    let probe = async {
        let mut tick = interval(PROBE);
        loop {
            tick.tick().await;
            settings.probe_writable().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {
            log::stopping("SIGTERM");
            Ok(())
        }
        lost = bus.run() => Err(lost.into()),
        () = probe => Ok(()),
    }
}
