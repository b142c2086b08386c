//! Reads what an earlier run left, segment after segment, on a thread of its own and a piece at a time: a slow disk or a slow
//! processor keeps nothing else waiting.

use super::disk::Disk;
use super::notes::Note;
use super::reader::{LONGEST_SEGMENT, Reader, Step};
use super::record::{Body, Clocks, Received, Version};
use super::store::{Segment, Written};
use crate::log;
use crate::model::BootTime;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The longest rest between two pieces. A rest is as long as the piece took, so that disk and processor have time for others.
const REST: Duration = Duration::from_millis(10);

/// A segment to read.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) note: Option<Note>,
    /// The newest may be torn at its end, for want of power.
    pub(super) newest: bool,
}

/// What a segment turned out to be.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) number: u64,
    /// If something is left in it.
    pub(super) segment: Option<Segment>,
    pub(super) damaged: bool,
    /// Another version wrote it, and finds it again.
    pub(super) foreign: bool,
    pub(super) error: Option<io::Error>,
}

/// What a recovery found.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) adverts: u64,
    pub(super) damaged: u64,
    pub(super) foreign: u64,
}

impl Totals {
    /// Tells it in the log.
    pub(super) fn report(self, directory: Option<&Path>) {
        if self.adverts > 0 {
            log::spool_found(self.adverts);
        }
        if let Some(directory) = directory.filter(|_| self.damaged > 0) {
            log::spool_damaged(directory, self.damaged);
        }
        if self.foreign > 0 {
            log::spool_foreign(self.foreign);
        }
    }
}

/// Reads a segment. `pause` is asked between two pieces whether to go on; `None` if it is not.
pub(super) fn recover(disk: &dyn Disk, job: &Job, pause: &mut dyn FnMut() -> bool) -> Option<Outcome> {
    let mut segment = Segment { number: job.number, ..Segment::default() };
    let mut reader = Reader::new(job.number);
    let mut outcome = Outcome { number: job.number, segment: None, damaged: false, foreign: false, error: None };
    loop {
        match reader.step(disk, job.bytes) {
            Ok(Step::Read) if pause() => {}
            Ok(Step::Read) => return None,
            Ok(Step::Record(Body::Clocks(clocks))) => {
                let wall = clocks.wall.or(segment.writer.and_then(|writer| writer.wall));
                segment.writer = Some(Clocks { wall, ..clocks });
                segment.written = Written::At(clocks.uptime);
            }
            Ok(Step::Record(Body::Message(view))) => {
                if job.note.as_ref().is_some_and(|note| note.is_sent(reader.identity(), segment.records)) {
                    segment.sent.insert(segment.records);
                } else {
                    segment.adverts += u64::from(view.adverts);
                }
                segment.records += 1;
                segment.written = newer(segment.written, &view.received);
            }
            Ok(Step::End) => break,
            // It became shorter: what was there is used.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => {
                // It is left alone, and found again by the next run.
                (outcome.damaged, outcome.error) = (true, Some(error));
                return Some(outcome);
            }
        }
    }
    if matches!(reader.version(), Some(Version::Foreign(_))) {
        outcome.foreign = true;
        return Some(outcome);
    }
    // Without its clocks it is known to be older than this run.
    if let (None, Written::At(uptime)) = (segment.writer, segment.written) {
        segment.writer = Some(Clocks { boot: None, uptime, wall: None });
    }
    classify(disk, job, &reader, segment, &mut outcome);
    Some(outcome)
}

/// A message cannot be received after it is written.
fn newer(written: Written, received: &Received) -> Written {
    match (written, received) {
        (Written::At(at), Received::SinceBoot(times)) => Written::At(at.max(times.newest().unwrap_or(at))),
        (Written::Before(None), Received::SinceBoot(times)) => Written::At(times.newest().unwrap_or(BootTime(0))),
        (Written::Before(known), Received::Before(seconds)) => Written::Before(known.max(*seconds)),
        (written, _) => written,
    }
}

/// A torn tail of the newest one is cut; other damage is counted, and the file kept for people.
fn classify(disk: &dyn Disk, job: &Job, reader: &Reader, mut segment: Segment, outcome: &mut Outcome) {
    let (whole, gaps) = reader.whole();
    let began = matches!(reader.version(), Some(Version::One | Version::Two));
    let overwritten = reader.version() == Some(Version::Damaged);
    (segment.bytes, segment.identity) = (whole, reader.identity());
    let torn = whole < job.bytes;
    let number = job.number;
    if gaps || overwritten || job.bytes > LONGEST_SEGMENT || ((torn || !began) && !job.newest) {
        outcome.damaged = true;
        if let Err(error) = disk.quarantine(number) {
            tracing::debug!("segment {number:016x} of the spool cannot be quarantined: {error}");
        }
    } else if torn && let Err(error) = disk.truncate(number, whole) {
        tracing::debug!("segment {number:016x} of the spool cannot be cut: {error}");
    }
    if segment.records as usize == segment.sent.len() {
        if let Err(error) = disk.remove(number) {
            tracing::debug!("segment {number:016x} of the spool cannot be removed: {error}");
        }
        return;
    }
    outcome.segment = Some(segment);
}

#[derive(Debug, Default)]
struct Shared {
    outcomes: Mutex<VecDeque<Outcome>>,
    progressed: Notify,
    stopped: AtomicBool,
}

/// The thread that reads. Dropped, it stops after the piece that it is at.
#[derive(Debug)]
pub(super) struct Recovery {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Recovery {
    pub(super) fn start(disk: Arc<dyn Disk>, jobs: Vec<Job>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let thread = thread::Builder::new().name("spool".into()).spawn(move || run(&*disk, &jobs, &theirs))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Waits until there may be another outcome. For one consumer.
    pub(super) async fn progressed(&self) {
        self.shared.progressed.notified().await;
    }

    /// What is known by now, oldest first.
    pub(super) fn take(&self) -> VecDeque<Outcome> {
        std::mem::take(&mut *self.shared.outcomes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// It goes no further than the piece that it is at.
    pub(super) fn ask_to_stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }

    /// Stops it: nothing of the disk is read or changed afterwards.
    pub(super) fn stop(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Recovery {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(disk: &dyn Disk, jobs: &[Job], shared: &Shared) {
    let mut since = Instant::now();
    let mut pause = || {
        if shared.stopped.load(Ordering::Relaxed) {
            return false;
        }
        thread::sleep(since.elapsed().min(REST));
        since = Instant::now();
        true
    };
    for job in jobs {
        let Some(outcome) = recover(disk, job, &mut pause) else { return };
        shared.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push_back(outcome);
        shared.progressed.notify_one();
        if shared.stopped.load(Ordering::Relaxed) {
            return;
        }
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
