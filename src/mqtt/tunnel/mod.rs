//! Our end of the way from Paho to the broker: Paho speaks plain MQTT to a loopback port, the tunnel does the rest.
//!
//! The one rule (decision record 0001): **no write of Paho may ever fail**, since Paho frees such a message twice. When the
//! broker is gone the tunnel sends Paho the end of the stream and reads and discards until Paho closes; only then is the
//! socket dropped. So the tasks here are never aborted, and all MQTT clients are dropped before the runtime of these tasks.

use crate::mqtt::connection_state::{ConnectionState, Ended, Patience};
use crate::mqtt::transport::Transport;
mod peer_check;
pub(crate) mod relay;

use crate::model::{Failure, LastError};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// A listener that leads to one broker.
#[derive(Debug)]
pub(crate) struct Tunnel {
    port: u16,
    expected: Arc<Expected>,
    accepting: AbortHandle,
}

/// The state that the next connection gets.
type Expected = Mutex<Option<Arc<ConnectionState>>>;

impl Tunnel {
    /// Opens a tunnel whose tasks run on this runtime.
    pub(crate) fn open(runtime: &Handle, upstream: Transport) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let expected = Arc::new(Expected::default());
        let _entered = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        let accepting = runtime.spawn(accept(listener, expected.clone(), Arc::new(upstream))).abort_handle();
        Ok(Self { port, expected, accepting })
    }

    /// Where Paho connects to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The state of the next connection; without one a connection leads nowhere.
    pub(crate) fn expect(&self, patience: Patience) -> Arc<ConnectionState> {
        let state = Arc::new(ConnectionState::new(patience));
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.clone());
        state
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // Ends the listener only; connections have tasks of their own.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, expected: Arc<Expected>, upstream: Arc<Transport>) {
    loop {
        let (paho, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // Out of descriptors, most likely: wait for some to come back.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if !is_own(&paho, peer) {
            tracing::debug!("a connection to the tunnel from another process was closed");
            continue;
        }
        let state = expected.lock().unwrap_or_else(PoisonError::into_inner).take();
        tokio::spawn(handle_connection(paho, state, upstream.clone()));
    }
}

fn is_own(paho: &TcpStream, peer: SocketAddr) -> bool {
    // A failure to find out counts as foreign.
    paho.local_addr().and_then(|local| peer_check::is_own(local, peer)).unwrap_or(false)
}

async fn handle_connection(paho: TcpStream, state: Option<Arc<ConnectionState>>, upstream: Arc<Transport>) {
    let _ = paho.set_nodelay(true);
    let (mut from_paho, mut to_paho) = paho.into_split();
    if let Some(state) = &state {
        let ended = tokio::select! {
            ended = relay_to_broker(&mut from_paho, &mut to_paho, state, &upstream) => ended,
            () = state.wait_aborted() => Ended::Failed(Failure::new(LastError::Closed, "We ended the connection.")),
        };
        // The reason first: whoever sees Paho fail looks here.
        state.end(ended);
    }
    let _ = to_paho.shutdown().await;
    let mut discarded = vec![0; 16 * 1024];
    while from_paho.read(&mut discarded).await.is_ok_and(|read| read > 0) {}
    drop((from_paho, to_paho));
    if let Some(state) = &state {
        state.close();
    }
}

async fn relay_to_broker(
    from_paho: &mut (impl AsyncReadExt + Unpin),
    to_paho: &mut (impl AsyncWriteExt + Unpin),
    state: &ConnectionState,
    upstream: &Transport,
) -> Ended {
    match upstream.connect(state.patience.factor).await {
        Ok(broker) => relay::run(from_paho, to_paho, broker, state, upstream).await,
        Err(failure) => Ended::Failed(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::limits::Limits;
    use crate::threads;
    use std::process::Stdio;
    use tokio::time::timeout;

    const LIMIT: Duration = Duration::from_secs(30);

    async fn open() -> (Tunnel, TcpListener) {
        let broker = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = broker.local_addr().expect("bound").port();
        let (limits, lookups) = (Limits::default(), &threads::LOOKUPS);
        let upstream = Transport { host: "127.0.0.1".into(), port, tls: None, limits, lookups };
        (Tunnel::open(&Handle::current(), upstream).expect("opens"), broker)
    }

    #[tokio::test]
    async fn tunnel_gives_another_process_nothing_and_does_not_even_call_the_broker() {
        let (tunnel, broker) = open().await;
        let state = tunnel.expect(Patience::default());
        // Prints what the tunnel answers, until the end.
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{} && cat <&3", tunnel.port());
        let mut foreign = std::process::Command::new("bash");
        foreign.args(["-c", &script]).stdin(Stdio::null()).stderr(Stdio::null());
        let run = tokio::task::spawn_blocking(move || foreign.output().expect("bash is needed"));
        let output = timeout(LIMIT, run).await.expect("it was closed at once").expect("no panic");
        assert!(output.stdout.is_empty());
        // Ours is let through afterwards, and is the first that the broker sees.
        let ours = TcpStream::connect(("127.0.0.1", tunnel.port())).await.expect("connects");
        let (_broker_side, from) = timeout(LIMIT, broker.accept()).await.expect("called").expect("accepts");
        assert!(is_own(&_broker_side, from));
        assert!(timeout(Duration::from_millis(50), broker.accept()).await.is_err(), "called once");
        assert_eq!(state.ended(), None);
        drop(ours);
        timeout(LIMIT, state.wait_closed()).await.expect("ends");
    }

    #[tokio::test]
    async fn tunnel_takes_writes_after_a_loss_until_the_client_closes() {
        let (tunnel, broker) = open().await;
        let state = tunnel.expect(Patience::default());
        let mut paho = TcpStream::connect(("127.0.0.1", tunnel.port())).await.expect("connects");
        let (at_broker, _) = broker.accept().await.expect("accepts");
        drop(at_broker);
        let mut byte = [0];
        assert_eq!(timeout(LIMIT, paho.read(&mut byte)).await.expect("told").expect("no error"), 0);
        assert!(matches!(state.ended(), Some(Ended::Failed(f)) if f.code == LastError::Closed));
        for _ in 0..200 {
            timeout(LIMIT, paho.write_all(&[0x30; 10_000])).await.expect("taken").expect("never an error");
        }
        drop(paho);
        timeout(LIMIT, state.wait_closed()).await.expect("ends");
    }

    #[tokio::test]
    async fn tunnel_that_is_aborted_lets_go_of_the_broker_only() {
        let (tunnel, broker) = open().await;
        let state = tunnel.expect(Patience::default());
        let mut paho = TcpStream::connect(("127.0.0.1", tunnel.port())).await.expect("connects");
        let (mut at_broker, _) = broker.accept().await.expect("accepts");
        state.abort();
        let mut byte = [0];
        assert_eq!(timeout(LIMIT, at_broker.read(&mut byte)).await.expect("closed").expect("no error"), 0);
        paho.write_all(&[0x30; 100_000]).await.expect("never an error");
        drop(paho);
        timeout(LIMIT, state.wait_closed()).await.expect("ends");
    }

    #[tokio::test]
    async fn tunnel_counts_only_packets_that_are_wholly_written() {
        let (tunnel, broker) = open().await;
        let state = tunnel.expect(Patience::default());
        let mut paho = TcpStream::connect(("127.0.0.1", tunnel.port())).await.expect("connects");
        let (mut at_broker, _) = broker.accept().await.expect("accepts");
        let mut written = state.written();
        // Two whole ones, one of QoS 1, and a part.
        paho.write_all(&[0x30, 3, 0, 1, b'a', 0x30, 3, 0, 1, b'b', 0x32, 5, 0, 1, b'c', 0, 1, 0x30, 3, 0])
            .await
            .expect("taken");
        timeout(LIMIT, at_broker.read_exact(&mut [0; 20])).await.expect("arrives").expect("all of it");
        assert_eq!(*timeout(LIMIT, written.wait_for(|n| *n >= 2)).await.expect("counts").expect("lives"), 2);
        paho.write_all(&[1, b'd']).await.expect("taken");
        assert_eq!(*timeout(LIMIT, written.wait_for(|n| *n >= 3)).await.expect("counts").expect("lives"), 3);
    }
}
