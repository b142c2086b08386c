//! The guide's section 4, each scenario with long and short connections and every quality of service.

use crate::rig::Rig;
use crate::support::broker::Scenario;
use crate::support::eventually;

fn works(scenario: Scenario) {
    let rig = Rig::start();
    rig.configure(scenario);
    let mut next = 0;
    for connection in ["long", "short"] {
        for qos in 0..3u8 {
            let topic = format!("guide/{connection}/{qos}");
            rig.set("ConnectionType", &["s", connection]);
            rig.set("ScanQos", &["y", &qos.to_string()]);
            rig.set("ScanTopic", &["s", &topic]);
            rig.await_stat("LinkState", if connection == "long" { "connected" } else { "idle" });
            rig.air.play(next..next + 45, 7);
            eventually(&format!("45 adverts on {topic}"), || rig.arrived(&topic).len() >= 45);
            assert_eq!(rig.arrived(&topic), (next..next + 45).collect::<Vec<_>>());
            assert!(rig.subscriber.received().iter().filter(|m| m.topic == topic).all(|m| m.qos == qos));
            next += 45;
        }
    }
    eventually("all is booked as published", || rig.ledger()["Published"] == u64::from(next));
    assert_eq!(rig.stat("LastError"), "");
    // A short connection ends with DISCONNECT, and one that is kept was made once.
    let client = rig.config("ClientId").as_str().expect("text").replace("{router}", &router(&rig).to_lowercase());
    let count = |clean: u8| rig.broker.log.count(&format!(" as {client} (p2, c{clean}, k60"));
    // Each of the two sessions of QoS 2 begins with a connection of its own that clears what was there.
    let connects = count(1) + count(0) - 2;
    assert_eq!(rig.stat("Connects"), connects);
    assert!(connects >= 4, "one long connection and at least one short for each quality of service");
    assert_eq!(rig.stat("Failures"), 0);
    let login = if scenario == Scenario::Anonymous { ")" } else { ", u'tester1')" };
    assert!(rig.broker.log.contains(&format!(" as {client} (p2, c1, k60{login}")));
}

fn router(rig: &Rig) -> String {
    rig.stat("Router").as_str().expect("an address").to_owned()
}

#[test]
fn scenario_without_encryption_and_user() {
    works(Scenario::Anonymous);
}

#[test]
fn scenario_with_user_and_password() {
    works(Scenario::Password);
}

#[test]
fn scenario_with_a_pre_shared_key_of_an_odd_number_of_digits() {
    works(Scenario::Psk);
}

#[test]
fn scenario_with_the_brokers_certificate() {
    works(Scenario::Certificate);
}

#[test]
fn scenario_with_a_client_certificate() {
    works(Scenario::ClientCertificate);
}
