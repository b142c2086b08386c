//! MQTT clients that are no longer used: each is dropped a while after its last callback, on a thread of its own.

use paho_mqtt::AsyncClient;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// What a thread takes over. It stays ours if there is no thread.
type Parcel = Arc<Mutex<Option<AsyncClient>>>;

/// Clients that are dropped later.
#[derive(Default)]
pub(super) struct Retired {
    ending: Vec<oneshot::Receiver<()>>,
    /// The system gave no thread for these.
    waiting: Vec<(AsyncClient, Duration)>,
}

impl Retired {
    /// Drops a client after this time.
    pub(super) fn add(&mut self, client: AsyncClient, after: Duration) {
        self.ending.retain_mut(|ended| ended.try_recv() == Err(oneshot::error::TryRecvError::Empty));
        self.waiting.push((client, after));
        self.start();
    }

    fn start(&mut self) {
        while let Some((client, after)) = self.waiting.pop() {
            let parcel = Parcel::new(Mutex::new(Some(client)));
            let (ending, ended) = oneshot::channel::<()>();
            let taken = parcel.clone();
            let work = move || {
                thread::sleep(after);
                drop(taken.lock().unwrap_or_else(PoisonError::into_inner).take());
                drop(ending);
            };
            match thread::Builder::new().name("retire".into()).spawn(work) {
                Ok(_) => self.ending.push(ended),
                Err(error) => {
                    tracing::debug!("a client is dropped later, the system gives no thread: {error}");
                    let client = parcel.lock().unwrap_or_else(PoisonError::into_inner).take();
                    self.waiting.extend(client.map(|client| (client, after)));
                    return;
                }
            }
        }
    }

    /// Waits until all are dropped. Those that get no thread now, either, go with the process.
    pub(super) async fn ended(&mut self) {
        self.start();
        for ended in self.ending.drain(..) {
            let _ = ended.await;
        }
        self.waiting.drain(..).for_each(std::mem::forget);
    }
}
