use super::*;
use crate::config::{Paths, Settings, store};
use crate::model::{Address, CaptureKind, Failure, LastError, LinkState, RadioState};
use futures_util::StreamExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use zbus::connection::Builder;
use zbus::{Guid, MessageStream};

/// Settings and statistics, the follower of both, and the names that it tells to the other end of a connection.
async fn followed(root: &Path) -> (Arc<Settings>, Arc<crate::stats::Stats>, MessageStream) {
    let paths =
        Paths { vendor: root.join("vendor"), credentials: None, site: root.join("site"), state: root.join("state") };
    let (stored, candidate, config) = store::load(paths).expect("no files");
    let stats = Arc::new(crate::stats::Stats::default());
    let settings = Arc::new(Settings::new(stored, candidate, config, Arc::clone(&stats)));

    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let ours = Builder::unix_stream(ours).server(Guid::generate()).p2p().build();
    let (ours, theirs) = tokio::join!(ours, Builder::unix_stream(theirs).p2p().build());
    let (ours, signals) = (ours.expect("our end"), MessageStream::from(theirs.expect("their end")));
    let router = Address([0; 6]);
    let (config, served) = (
        Served(Config::new(settings.clone(), stats.clone(), Arc::default(), router)),
        Served(Stats::new(stats.clone(), settings.clone(), router)),
    );
    let follow = PropertyChanges::new(&ours, config, served).await.expect("values");
    tokio::spawn(async move { follow.run(&ours).await });
    (settings, stats, signals)
}

async fn next(signals: &mut MessageStream) -> (String, Vec<String>) {
    let message = signals.next().await.expect("a connection").expect("a message");
    let (interface, changed, _): (String, Values, Vec<String>) =
        message.body().deserialize().expect("PropertiesChanged");
    (interface, changed.into_keys().collect())
}

#[tokio::test]
async fn property_changes_are_those_of_states_and_not_of_counters() {
    let root = tempfile::tempdir().expect("temporary directory");
    let (settings, stats, mut signals) = followed(root.path()).await;
    stats.set_link(|link| {
        (link.state, link.failures) = (LinkState::Waiting, 1);
        link.broker = "b:1883".into();
        link.error = Some(Failure::new(LastError::Dns, "no such host"));
    });
    let (interface, names) = next(&mut signals).await;
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
    assert_eq!(next(&mut signals).await.1, ["AdapterAddresses", "Adapters", "Capture", "RadioState", "Radios"]);

    // Not only what comes over the bus is announced.
    settings.update(|candidate| candidate.raw.port = 7).await.expect("update");
    assert_eq!(next(&mut signals).await, (names::CONFIG.to_owned(), vec!["Port".to_owned()]));

    // Nor are statistics that follow from a setting forgotten.
    settings.update(|candidate| candidate.raw.router_address = "CC:1B:E0:00:00:01".into()).await.expect("update");
    assert_eq!(next(&mut signals).await, (names::CONFIG.to_owned(), vec!["RouterAddress".to_owned()]));
    assert_eq!(next(&mut signals).await, (names::STATS.to_owned(), vec!["Router".to_owned()]));
}

#[test]
fn property_changes_are_those_that_the_interface_promises() {
    let xml = include_str!("../../dbus/com.cassianetworks.Bypass1.Stats.xml");
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(xml, options).expect("well-formed");
    // Without the annotation it is emitted.
    let quiet = |property: &roxmltree::Node<'_, '_>| {
        let name = Some("org.freedesktop.DBus.Property.EmitsChangedSignal");
        property.children().any(|child| child.attribute("name") == name)
    };
    let properties = document.descendants().filter(|node| node.has_tag_name("property"));
    let promised: Vec<_> = properties.filter(|node| !quiet(node)).filter_map(|node| node.attribute("name")).collect();
    let mut announced = STATES.to_vec();
    announced.sort_unstable();
    assert_eq!(promised, announced);
}
