//! How long ago something was that an earlier boot wrote.
//!
//! Within a boot the time since boot tells. Across boots the wall clock does, if it was synchronised then and is now; else it
//! is known only how long the boots since then ran, at least: nothing is taken to be older than that.

use super::record::{Clocks, Received};
use super::sealed;
use crate::log;
use crate::model::{BootId, BootTime, RxTimes};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// The clocks at this moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) uptime: BootTime,
    /// As in [`Clocks`].
    pub(super) wall: Option<i64>,
}

impl Now {
    /// `clock` tells whether the wall clock is synchronised.
    pub(super) fn read(clock: &watch::Receiver<bool>) -> Self {
        let uptime = BootTime::now();
        let wall =
            SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|now| i64::try_from(now.as_millis()).ok());
        let wall = wall.filter(|_| *clock.borrow()).map(|now| now - uptime.0);
        Self { uptime, wall }
    }
}

/// A boot: how long it ran at least, and its wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Boot {
    id: String,
    uptime: i64,
    wall: Option<i64>,
}

/// The boots of which something waits.
#[derive(Debug)]
pub(super) struct Boots {
    this: Option<BootId>,
    opened: BootTime,
    /// Those before this one, oldest first.
    earlier: Vec<Boot>,
    /// The file is another version's, which finds it again.
    foreign: bool,
}

/// The file that keeps them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Saved {
    version: u64,
    boots: Vec<Boot>,
}

const VERSION: u64 = 1;

impl Boots {
    /// What the file of an earlier run says, if it is whole; of any version.
    pub(super) fn new(this: Option<BootId>, opened: BootTime, file: &[u8]) -> Self {
        let file: Option<serde_json::Value> = sealed::open(file)
            .or_else(|| (!file.is_empty()).then(|| log::spool_note("boots", "it is damaged")).and(None));
        let version = file.as_ref().and_then(|file| file.get("version")?.as_u64()).unwrap_or(VERSION);
        if version != VERSION {
            log::spool_note("boots", "it is another version's, and is left for it");
        }
        let saved = file.filter(|_| version == VERSION).and_then(|file| serde_json::from_value(file).ok());
        let saved: Saved = saved.unwrap_or_default();
        let id = this.map(|id| id.to_string());
        let earlier = saved.boots.into_iter().filter(|boot| Some(&boot.id) != id.as_ref()).collect();
        Self { this, opened, earlier, foreign: version != VERSION }
    }

    /// What is written now.
    pub(super) fn clocks(&self, now: &Now) -> Clocks {
        Clocks { boot: self.this, uptime: now.uptime, wall: now.wall }
    }

    /// A segment says this. Segments come oldest first.
    pub(super) fn learn(&mut self, clocks: &Clocks) {
        let Some(id) = clocks.boot.filter(|id| Some(*id) != self.this).map(|id| id.to_string()) else { return };
        match self.earlier.iter_mut().find(|boot| boot.id == id) {
            Some(boot) => {
                boot.uptime = boot.uptime.max(clocks.uptime.0);
                boot.wall = clocks.wall.or(boot.wall);
            }
            None => self.earlier.push(Boot { id, uptime: clocks.uptime.0, wall: clocks.wall }),
        }
    }

    /// When the items of a record were received, on the clock of this boot: at this time or before.
    pub(super) fn times(&self, writer: Option<&Clocks>, received: &Received, items: u32, now: &Now) -> RxTimes {
        match (received, writer) {
            (Received::SinceBoot(times), Some(writer)) => times.clone().shifted(self.shift(writer, now)),
            (Received::SinceBoot(times), None) => times.clone(),
            (Received::Before(seconds), _) => {
                let at = self.before(*seconds, now);
                RxTimes::new(at, u16::try_from(items).unwrap_or(0), Vec::new())
            }
        }
    }

    /// A time of that boot, on the clock of this one.
    pub(super) fn time(&self, writer: Option<&Clocks>, at: BootTime, now: &Now) -> BootTime {
        writer.map_or(at, |writer| at.plus(self.shift(writer, now)))
    }

    /// The end of that second, or when the service started, if that was earlier.
    pub(super) fn before(&self, seconds: Option<u32>, now: &Now) -> BootTime {
        let known = seconds.zip(now.wall).map(|(at, wall)| BootTime(i64::from(at) * 1000 + 999 - wall));
        known.map_or(self.opened, |at| at.min(self.opened))
    }

    /// What to add to a time of that boot.
    fn shift(&self, writer: &Clocks, now: &Now) -> i64 {
        if writer.boot.is_some() && writer.boot == self.this {
            return 0;
        }
        let index = writer.boot.and_then(|id| self.earlier.iter().position(|boot| boot.id == id.to_string()));
        let (ran, wall) = match index {
            Some(index) => {
                let ran = self.earlier[index..].iter().fold(0i64, |sum, boot| sum.saturating_add(boot.uptime));
                (0i64.saturating_sub(ran), writer.wall.or(self.earlier[index].wall))
            }
            // It was written before this run began.
            None => (self.opened.since(writer.uptime), writer.wall),
        };
        let known = wall.zip(now.wall).map(|(then, now)| then.saturating_sub(now));
        known.map_or(ran, |known| known.min(ran))
    }

    /// The file to keep: those that wrote what is still there, and how long the others ran since.
    pub(super) fn file(&self, now: &Now, wrote: impl Fn(BootId) -> bool) -> Option<Vec<u8>> {
        if self.foreign {
            return None;
        }
        let wrote = |boot: &Boot| BootId::parse(&boot.id).is_some_and(&wrote);
        let mut boots: Vec<Boot> = Vec::new();
        for boot in self.earlier.iter().skip_while(|boot| !wrote(boot)) {
            match boots.last_mut() {
                Some(last) if !wrote(last) && !wrote(boot) => last.uptime = last.uptime.saturating_add(boot.uptime),
                _ => boots.push(boot.clone()),
            }
        }
        boots.extend(self.this.map(|id| Boot { id: id.to_string(), uptime: now.uptime.0, wall: now.wall }));
        Some(sealed::seal(&Saved { version: VERSION, boots }))
    }
}

#[cfg(test)]
#[path = "boots_tests.rs"]
mod tests;
