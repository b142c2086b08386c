//! A terminal that is drawn over again and given back.

use crate::failure::{Failure, Kind, Result};
use crate::page::{Page, print, terminal};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The alternate screen, without a cursor.
pub(crate) const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// And back.
pub(crate) const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Draws over what was drawn before, as far as there is room.
pub(crate) fn redraw(page: &Page) -> Result<()> {
    let rows = terminal().map_or(24, |(_, rows)| rows);
    let text = page.render();
    let lines: Vec<String> = text.lines().take(rows).map(|line| format!("{line}\x1b[K")).collect();
    print(&format!("\x1b[H{}\x1b[J", lines.join("\r\n")))
}

/// Ctrl-C, and what else ends programs: the terminal is given back first.
pub(crate) struct StopSignals([Signal; 3]);

impl StopSignals {
    pub(crate) fn new() -> Result<Self> {
        let on = |kind| signal(kind).map_err(|error| Failure::new(Kind::Failed, format!("signals: {error}")));
        Ok(Self([on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?]))
    }

    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
