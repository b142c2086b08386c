//! A disk that keeps readers of some files waiting, by the kernel's permission events. It needs root.

use nix::sys::fanotify::{
    EventFFlags, Fanotify, FanotifyEvent, FanotifyResponse, InitFlags, MarkFlags, MaskFlags, Response,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// Every read of the files waits until they are released.
pub struct Held {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: AtomicUsize,
    released: AtomicBool,
    ended: AtomicBool,
}

impl Held {
    pub fn hold<'a>(files: impl IntoIterator<Item = &'a Path>) -> Self {
        let flags = InitFlags::FAN_CLASS_CONTENT | InitFlags::FAN_NONBLOCK | InitFlags::FAN_CLOEXEC;
        let group = Fanotify::init(flags, EventFFlags::O_RDONLY).expect("a kernel with permission events, and root");
        for file in files {
            group.mark(MarkFlags::FAN_MARK_ADD, MaskFlags::FAN_ACCESS_PERM, None, Some(file)).expect("a file");
        }
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        Self { shared, thread: Some(spawn(move || answer(&group, &theirs))) }
    }

    /// Whether somebody waits.
    pub fn is_awaited(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) > 0
    }

    /// From now on nobody waits.
    pub fn release(&self) {
        self.shared.released.store(true, Ordering::Release);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
        self.shared.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Until the end. What is not answered then is allowed by the kernel.
fn answer(group: &Fanotify, shared: &Shared) {
    let mut waiting: Vec<FanotifyEvent> = Vec::new();
    while !shared.ended.load(Ordering::Acquire) {
        waiting.extend(group.read_events().unwrap_or_default());
        if shared.released.load(Ordering::Acquire) {
            for event in waiting.drain(..) {
                let file = event.fd().expect("an event about a file");
                group.write_response(FanotifyResponse::new(file, Response::FAN_ALLOW)).expect("it waits");
            }
        }
        shared.waiting.store(waiting.len(), Ordering::Release);
        sleep(Duration::from_millis(2));
    }
}
