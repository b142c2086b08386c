use super::*;
use crate::model::{DropReason, Health, LinkState};
use crate::stats::Heard;

#[test]
fn status_line_says_it_all() {
    let stats = Stats::default();
    assert_eq!(line(&stats), "offline (starting): 0 adverts/s, no broker, 0 waiting, 0 lost");
    stats.set_link(|link| (link.state, link.broker) = (LinkState::Connected, "mqtt.example:8883".into()));
    stats.set_radio(|radio| {
        radio.want(&[None]);
        radio.change(None, |a| (a.name, a.address) = ("hci0".into(), "00:1A:7D:DA:71:13".into()));
    });
    stats.set_health(Health { state: HealthState::Online, reason: String::new(), since: None });
    let start = std::time::Instant::now();
    stats.sample(start);
    stats.ledger(|l| {
        l.receive(&Heard { unpublished: 7, ..Heard::default() });
        l.receive_dropped(2, DropReason::QueueFull);
        l.receive_queued(4127);
        l.take(4125);
        l.publish(4124);
    });
    stats.sample(start + Duration::from_secs(10));
    let figures = "412 adverts/s from 00:1A:7D:DA:71:13, broker mqtt.example:8883, 3 waiting, 2 lost";
    assert_eq!(line(&stats), format!("online: {figures}"));
    stats.set_health(Health { state: HealthState::Degraded, reason: "dropped-queue-full".into(), since: None });
    assert_eq!(line(&stats), format!("degraded (dropped-queue-full): {figures}"));
}

#[test]
fn manager_that_does_not_read_costs_nothing() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("notify");
    let theirs = UnixDatagram::bind(&path).expect("socket");
    let name = format!("cassia-bypass-test-{}", std::process::id());
    let abstract_one = SocketAddr::from_abstract_name(&name).expect("a name");
    let also_theirs = UnixDatagram::bind_addr(&abstract_one).expect("socket");
    for (address, socket) in [(path.into_os_string(), &theirs), (format!("@{name}").into(), &also_theirs)] {
        let manager = Manager(Some(connect(&address).expect("connects")));
        // Far more than the socket holds.
        (0..10_000).for_each(|_| manager.ready());
        let mut buffer = [0; 100];
        let length = socket.recv(&mut buffer).expect("the first ones are there");
        assert_eq!(&buffer[..length], b"READY=1\n");
    }
    Manager::default().ready();
}
