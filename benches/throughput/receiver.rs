//! The subscriber: an MQTT client in this process, which is not charged to the service.

use crate::support::broker::Mosquitto;
use crate::traffic::Traffic;
use paho_mqtt::{AsyncClient, CreateOptionsBuilder, PersistenceType};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Payloads that are kept, for those who publish them once more.
const KEPT: usize = 2000;
const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct Receiver {
    client: AsyncClient,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Receiver {
    /// Subscribed when this returns, with as good a quality of service as the publisher's.
    pub(crate) fn start(broker: &Mosquitto, topic: &str, qos: i32, traffic: Arc<Traffic>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("receiver-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let options = CreateOptionsBuilder::new()
            .server_uri(format!("tcp://127.0.0.1:{}", broker.ports.anonymous))
            .client_id(id)
            .persistence(PersistenceType::None)
            .finalize();
        let client = AsyncClient::new(options).expect("a client");
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = kept.clone();
        client.set_message_callback(move |_, message| {
            let Some(message) = message else { return };
            traffic.arrive(message.payload());
            let mut kept = keep.lock().expect("no panic while held");
            if kept.len() < KEPT {
                kept.push(message.payload().to_vec());
            }
        });
        client.connect(None).wait_for(PATIENCE).expect("connected");
        client.subscribe(topic, qos).wait_for(PATIENCE).expect("subscribed");
        Self { client, kept }
    }

    /// The first messages that arrived.
    pub(crate) fn payloads(&self) -> Vec<Vec<u8>> {
        self.kept.lock().expect("no panic while held").clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.client.disconnect(None).wait_for(PATIENCE));
    }
}
