//! What is more than a message: the status topic, a broker that restarts, a broker that takes over from another.

use crate::matrix::{Run, has_all, numbers};
use crate::outcome::{ADVERTS, Case};
use crate::rig::awaited;
use crate::support::broker::Mosquitto;
use crate::support::broker_subscriber::{Subscriber, retained_at};
use serde_json::Value;

/// `State reason` of a status message.
fn words(payload: &str) -> String {
    let status: Value = serde_json::from_str(payload).unwrap_or_default();
    let word = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("state"), word("reason")).trim_end().to_owned()
}

impl Run {
    /// What differs from an ordinary case goes last; the books are looked at before and after.
    fn begin(&mut self, case: Case, more: &[(&'static str, &'static str, String)]) -> u64 {
        self.off();
        self.complaints(true);
        let dropped = self.rig.ledger()["Dropped"];
        self.on(&[self.settings(case), more.to_vec()].concat());
        dropped
    }

    /// Nothing was lost, and the broker's log has nothing against us.
    fn end(&mut self, dropped: u64, case: Case) -> Result<(), String> {
        let now = self.rig.ledger()["Dropped"];
        if now != dropped {
            return Err(format!("{} dropped", now - dropped));
        }
        let lowered = case.qos > self.broker.kind.maximum_qos;
        let complaints = self.complaints(false);
        if complaints.is_empty() || lowered { Ok(()) } else { Err(format!("the broker's log: {complaints:?}")) }
    }

    fn published(&mut self, count: u32) -> Result<(), String> {
        awaited("all is published", || {
            let ledger = self.rig.ledger();
            let open = ledger["Queued"] + ledger["InFlight"];
            if ledger["Published"] >= u64::from(count) && open == 0 { Ok(()) } else { Err(format!("{ledger:?}")) }
        })
    }

    fn retains(&self, topic: &str, wanted: &str) -> Result<(), String> {
        awaited(&format!("retained {wanted}"), || {
            let found = retained_at(self.broker.site.ports.plain, topic, &self.broker.kind.login_options())
                .map(|(_, payload)| words(&payload));
            if found.as_deref() == Some(wanted) { Ok(()) } else { Err(format!("{found:?}")) }
        })
    }

    /// Online is retained; when the power of the router is cut, its will says so and is retained; then it is online again.
    pub(crate) fn status(&mut self, version: &'static str) -> Result<String, String> {
        let case = Case { version, qos: 1, connection: "long", tls: false };
        let topic = format!("plain/status/{}", version.replace('.', ""));
        let _ = self.begin(case, &[("StatusTopic", "s", topic.clone())]);
        let observed = self.status_observed(&topic);
        if !self.rig.service.runs() {
            self.rig.start_again();
        }
        self.rig.apply(&[("StatusTopic", "s", String::new())]);
        observed?;
        // It began anew, and so did its books.
        self.end(0, case)?;
        Ok("will, retained".into())
    }

    fn status_observed(&mut self, topic: &str) -> Result<(), String> {
        self.rig.await_link("connected")?;
        self.rig.play(ADVERTS);
        self.published(ADVERTS)?;
        self.retains(topic, "online")?;
        self.rig.kill();
        awaited("the will", || {
            let seen: Vec<String> = self.received(topic).iter().map(|message| words(&message.payload)).collect();
            let count = seen.iter().filter(|words| *words == "offline connection-lost").count();
            if count == 1 { Ok(()) } else { Err(format!("{seen:?}")) }
        })?;
        self.retains(topic, "offline connection-lost")?;
        self.rig.start_again();
        self.rig.await_link("connected")?;
        self.retains(topic, "online")
    }

    /// The broker is killed, adverts wait while it is away, and arrive when it is back.
    pub(crate) fn restart(&mut self, version: &'static str, qos: u8) -> Result<String, String> {
        let case = Case { version, qos, connection: "long", tls: false };
        let topic = format!("plain/restart/{qos}");
        let dropped = self.begin(case, &[("ScanTopic", "s", topic.clone())]);
        let first = self.rig.play(ADVERTS);
        awaited("all arrives before", || has_all(&self.arrived(&topic), &first))?;
        self.published(ADVERTS)?;
        self.end(dropped, case)?;
        self.broker.kill();
        self.rig.await_link("waiting")?;
        let second = self.rig.play(ADVERTS);
        awaited("the adverts wait", || {
            let ledger = self.rig.ledger();
            let open = ledger["Queued"] + ledger["InFlight"];
            if open == u64::from(ADVERTS) { Ok(()) } else { Err(format!("{ledger:?}")) }
        })?;
        // The subscriber has to be there before the adverts are, for not every broker keeps its session.
        self.rig.service.freeze();
        self.broker.restart();
        self.subscribe();
        // What the broker said meanwhile is not about the service.
        self.complaints(true);
        self.rig.service.thaw();
        awaited("all arrives afterwards", || {
            self.rig.ledger();
            has_all(&self.arrived(&topic), &second)
        })?;
        self.published(ADVERTS)?;
        self.end(dropped, case)?;
        let twice = self.arrived(&topic).values().filter(|times| times.len() > 1).count();
        Ok(if twice == 0 { "all arrives".into() } else { format!("all arrives, {twice} of {} twice", 2 * ADVERTS) })
    }

    /// Mosquitto is the first broker; it dies, and this one takes over.
    pub(crate) fn fallback(&mut self, version: &'static str) -> Result<String, String> {
        let case = Case { version, qos: 1, connection: "long", tls: false };
        let topic = "plain/fallback".to_owned();
        let mut first = Mosquitto::start();
        let listener = Subscriber::start(&first, "plain/#");
        let address = format!("127.0.0.1:{}", self.broker.port(version, false));
        let dropped = self.begin(
            case,
            &[
                ("ScanTopic", "s", topic.clone()),
                ("Port", "q", first.ports.anonymous.to_string()),
                ("FallbackHosts", "as", format!("1 {address}")),
            ],
        );
        let there = self.rig.play(ADVERTS);
        awaited("all arrives at the first broker", || has_all(&numbers(&listener.received()), &there))?;
        self.published(ADVERTS)?;
        first.kill();
        let here = self.rig.play(ADVERTS);
        awaited("all arrives at the second broker", || {
            self.rig.ledger();
            has_all(&self.arrived(&topic), &here)
        })?;
        self.published(ADVERTS)?;
        let broker = self.rig.word("Broker");
        if !broker.ends_with(&address) {
            return Err(format!("Broker is {broker}"));
        }
        self.end(dropped, case)?;
        Ok("takes over".into())
    }
}
