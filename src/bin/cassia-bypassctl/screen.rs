//! A terminal that is drawn over again and given back.

use crate::failure::{Failure, Kind, Result};
use crate::page::{Page, print, terminal};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The alternate screen, without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// And back.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Runs this to its end, or until Ctrl-C. If it draws, it has the screen meanwhile.
pub(crate) async fn until_stopped(draws: bool, work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut stop = StopSignals::new()?;
    if draws {
        print(ENTER)?;
    }
    let ended = tokio::select! {
        ended = work => ended,
        () = stop.next() => Ok(()),
    };
    if draws {
        print(LEAVE)?;
    }
    ended
}

/// Draws over what was drawn before, as far as there is room.
pub(crate) fn redraw(page: &Page) -> Result<()> {
    let rows = terminal().map_or(24, |(_, rows)| rows);
    let text = page.render();
    let lines: Vec<String> = text.lines().take(rows).map(|line| format!("{line}\x1b[K")).collect();
    print(&format!("\x1b[H{}\x1b[J", lines.join("\r\n")))
}

/// Ctrl-C, and what else ends programs: the terminal is given back first.
struct StopSignals([Signal; 3]);

impl StopSignals {
    fn new() -> Result<Self> {
        let on = |kind| signal(kind).map_err(|error| Failure::new(Kind::Failed, format!("signals: {error}")));
        Ok(Self([on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
