use super::*;
use crate::advert::Address;
use crate::config::{Paths, Settings, store};
use crate::dbus::Constants;
use crate::stats::{CaptureKind, Failure, LinkState, RadioState};
use futures_util::StreamExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use zbus::connection::Builder;
use zbus::{Guid, MessageStream};

/// Settings and statistics, the follower of both, and the names that it tells to the other end of a connection.
async fn followed(root: &Path) -> (Arc<Settings>, Arc<crate::stats::Stats>, MessageStream) {
    let paths =
        Paths { vendor: root.join("vendor"), credentials: None, site: root.join("site"), state: root.join("state") };
    let (stored, draft, config) = store::load(paths).expect("no files");
    let stats = Arc::new(crate::stats::Stats::default());
    let settings = Arc::new(Settings::new(stored, draft, config, Arc::clone(&stats)));

    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let ours = Builder::unix_stream(ours).server(Guid::generate()).p2p().build();
    let (ours, theirs) = tokio::join!(ours, Builder::unix_stream(theirs).p2p().build());
    let (ours, told) = (ours.expect("our end"), MessageStream::from(theirs.expect("their end")));
    let constants = Constants { version: "0", router: String::new(), detected: Address([0; 6]) };
    let (config, served) = (
        Config { settings: Arc::clone(&settings), stats: Arc::clone(&stats), router: Address([0; 6]) },
        Stats { stats: Arc::clone(&stats), constants },
    );
    let follow = Follow::new(&ours, config, served).await.expect("values");
    tokio::spawn(async move { follow.run(&ours).await });
    (settings, stats, told)
}

async fn next(told: &mut MessageStream) -> (String, Vec<String>) {
    let message = told.next().await.expect("a connection").expect("a message");
    let (interface, changed, _): (String, Values, Vec<String>) =
        message.body().deserialize().expect("PropertiesChanged");
    (interface, changed.into_keys().collect())
}

#[tokio::test]
async fn states_are_told_and_counters_are_not() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (settings, stats, mut told) = followed(root.path()).await;
    stats.set_link(|link| {
        (link.state, link.failures) = (LinkState::Waiting, 1);
        link.broker = "b:1883".into();
        link.error = Some(Failure::new("dns", "no such host"));
    });
    let (interface, names) = next(&mut told).await;
    assert_eq!(interface, names::STATS);
    assert_eq!(names, ["Broker", "LastError", "LastErrorDetail", "LinkState"]);

    stats.set_link(|link| link.failures = 2);
    stats.set_radio(|radio| {
        radio.capture = CaptureKind::Monitor;
        radio.want(&[None]);
        radio.change(None, |adapter| {
            (adapter.name, adapter.address) = ("hci0".into(), "00:1A:7D:DA:71:13".into());
            adapter.state = RadioState::Scanning;
        });
    });
    assert_eq!(
        next(&mut told).await.1,
        ["Adapter", "AdapterAddress", "AdapterCapabilities", "Capture", "RadioState", "Radios"]
    );

    // Not only what comes over the bus is told.
    settings.update(|draft| draft.form.port = 7).await.expect("update");
    assert_eq!(next(&mut told).await, (names::CONFIG.to_owned(), vec!["Port".to_owned()]));
}

#[test]
fn what_is_told_is_what_the_interface_promises() {
    let xml = include_str!("../../dbus/com.cassianetworks.Bypass1.Stats.xml");
    let promised: Vec<_> = xml
        .split("<property name=\"")
        .skip(1)
        .filter(|text| text.lines().next().is_some_and(|line| line.ends_with("/>")))
        .filter_map(|text| text.split('"').next())
        .collect();
    let mut told = STATES.to_vec();
    told.sort_unstable();
    assert_eq!(promised, told);
}
