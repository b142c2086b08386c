//! The other end of `NOTIFY_SOCKET` and of the journal's socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A socket of datagrams with lines of text, read all the time.
pub struct Datagrams {
    lines: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Datagrams {
    /// Everybody may send to it.
    pub fn listen(path: &Path) -> Self {
        drop(fs::remove_file(path));
        let socket = UnixDatagram::bind(path).expect("socket");
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("permissions");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("socket");
        let (lines, over) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let reader = std::thread::spawn({
            let (lines, over) = (lines.clone(), over.clone());
            move || {
                let mut buffer = [0; 4096];
                while !over.load(Ordering::Relaxed) {
                    let Ok(length) = socket.recv(&mut buffer) else { continue };
                    let text = String::from_utf8_lossy(&buffer[..length]);
                    lines.lock().expect("no panic while held").extend(text.lines().map(str::to_owned));
                }
            }
        });
        Self { lines, over, reader: Some(reader) }
    }

    /// What came so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic while held").clone()
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(self.reader.take().map(JoinHandle::join));
    }
}
