//! From a candidate to a checked [`Config`], with every problem found on the way.

use super::pem_text::canonical;
use super::schema::{Limit, MAX_TEXT_BYTES, SettingSpec, setting};
use super::syntax::{bare, host, host_port, psk, templates, text, topic};
use super::typed::{MOST_ADAPTERS, PskKey};
use super::{
    Adapters, Batching, Broker, Candidate, ClientCertificate, Config, Connection, Filters, Framing, Login, Mqtt,
    MqttVersion, Payload, Publish, Qos, RawConfig, ScanMode, Secret, Security, Spooling, Style, TimestampFormat, crl,
    pem,
};
use crate::model::Address;
use crate::printable::is_printable;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// One setting that is not as it should be. Its text names the setting and what was expected, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key of the setting.
    pub key: &'static str,
    /// D-Bus name of the setting.
    pub name: &'static str,
    /// What a right value looks like.
    pub expected: &'static str,
    /// What is wrong with this one, if more can be said.
    pub detail: Option<Cow<'static, str>>,
}

impl Problem {
    /// What was expected, and what is wrong if more can be said.
    pub fn expectation(&self) -> String {
        let detail = self.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("expected {}{detail}", self.expected)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.expectation())
    }
}

/// Collects problems.
#[derive(Default)]
pub(super) struct Checks(Vec<Problem>);

fn spec(key: &str) -> &'static SettingSpec {
    setting(key).expect("a key of the table")
}

impl Checks {
    fn refuse(&mut self, key: &'static str, detail: Option<Cow<'static, str>>) {
        if !self.0.iter().any(|p| p.key == key) {
            let SettingSpec { name, expected, .. } = *spec(key);
            self.0.push(Problem { key, name, expected, detail });
        }
    }

    /// Refuses what is too long, and tells whether it was not.
    pub(super) fn fits(&mut self, key: &'static str, length: usize, unit: &str) -> bool {
        let detail = spec(key).too_long(length, unit);
        let fits = detail.is_none();
        if !fits {
            self.refuse(key, detail.map(Cow::Owned));
        }
        fits
    }

    fn require(&mut self, key: &'static str, right: bool) {
        if !right {
            self.refuse(key, None);
        }
    }

    /// Refuses a number that is in none of the setting's ranges.
    pub(super) fn within(&mut self, key: &'static str, number: impl Into<i64>) {
        let (number, Limit::Range(ranges)) = (number.into(), spec(key).limit) else { return };
        self.require(key, ranges.iter().any(|(from, to)| (*from..=*to).contains(&number)));
    }

    /// Refuses what is no text to be shown to people as it is.
    pub(super) fn readable(&mut self, key: &'static str, text: &str) {
        if let Some(c) = text.chars().find(|c| !is_printable(*c)) {
            self.refuse(key, Some(format!("it holds the control character U+{:04X}", u32::from(c)).into()));
        }
    }

    /// What a word of the setting stands for; `meanings` are in the order of its words.
    fn choose<T: Copy, const N: usize>(&mut self, key: &'static str, text: &str, meanings: [T; N]) -> T {
        let words = if let Limit::OneOf(words) = spec(key).limit { words } else { &[] };
        let found = words.iter().position(|word| *word == text).and_then(|place| meanings.get(place));
        self.require(key, found.is_some());
        *found.unwrap_or(&meanings[0])
    }

    /// Each entry parsed; none unless all can be.
    pub(super) fn parse<'a, E, T>(
        &mut self,
        key: &'static str,
        list: &'a [E],
        parse: impl Fn(&'a E) -> Option<T>,
    ) -> Vec<T> {
        let parsed: Option<Vec<T>> = list.iter().map(parse).collect();
        self.require(key, parsed.is_some());
        parsed.unwrap_or_default()
    }
}

pub(super) fn check(candidate: &Candidate) -> Result<Config, Vec<Problem>> {
    let (raw, mut c) = (&candidate.raw, Checks::default());
    let scan = c.choose("scan_mode", &raw.scan_mode, [ScanMode::Off, ScanMode::Passive, ScanMode::Active]);
    let adapters = adapters(&raw.adapters, &mut c);
    let router = Address::parse(&raw.router_address);
    c.require("router_address", raw.router_address.is_empty() || router.is_some());
    c.within("push_interval_ms", raw.push_interval_ms);
    c.within("push_batch_size", raw.push_batch_size);
    c.within("queue_max_bytes", raw.queue_max_bytes);
    c.within("spool_max_bytes", raw.spool_max_bytes);
    c.within("spool_max_age_secs", raw.spool_max_age_secs);
    c.within("replay_max_per_sec", raw.replay_max_per_sec);
    let filters = Filters::check(raw, &mut c);
    let payload = payload(raw, &mut c);
    let wanted = c.choose("protocol", &raw.protocol, [false, true]);
    let mqtt = mqtt(candidate, wanted, &mut c);
    if !c.0.is_empty() {
        return Err(c.0);
    }
    Ok(Config {
        revision: 0,
        raw: raw.clone(),
        stored_secrets: candidate.secrets.iter().filter(|(_, s)| !s.is_empty()).map(|(key, _)| key).collect(),
        scan,
        adapters,
        router,
        filters,
        duplicates_ms: raw.duplicates_ms,
        batch: Batching { interval: Duration::from_millis(raw.push_interval_ms.into()), size: raw.push_batch_size },
        payload,
        queue_max_bytes: raw.queue_max_bytes as usize,
        spooling: Spooling {
            max_bytes: raw.spool_max_bytes.into(),
            max_age: raw.spool_max_age_secs.into(),
            rate: raw.replay_max_per_sec,
        },
        mqtt: wanted.then_some(mqtt),
    })
}

fn adapters(list: &[String], c: &mut Checks) -> Adapters {
    match list {
        [] => Adapters::First,
        [word] if word == "all" => Adapters::All,
        _ => {
            let addresses: Option<Vec<_>> = list.iter().take(MOST_ADAPTERS).map(|text| Address::parse(text)).collect();
            c.require("adapters", list.len() <= MOST_ADAPTERS && addresses.is_some());
            let mut once = Vec::new();
            for address in addresses.unwrap_or_default() {
                if !once.contains(&address) {
                    once.push(address);
                }
            }
            Adapters::Listed(once)
        }
    }
}

fn payload(raw: &RawConfig, c: &mut Checks) -> Payload {
    let framing = c.choose("payload_format", &raw.payload_format, [Framing::Array, Framing::Object, Framing::Envelope]);
    let format =
        c.choose("timestamp_format", &raw.timestamp_format, [TimestampFormat::Rfc3339, TimestampFormat::Local]);
    let event_type_key = c.choose("event_type_key", &raw.event_type_key, ["evtType", "evt_type"]);
    let style = Style { timestamp: raw.timestamp.then_some(format), beacon: raw.beacon, event_type_key };
    Payload { framing, style }
}

fn mqtt(candidate: &Candidate, wanted: bool, c: &mut Checks) -> Mqtt {
    let raw = &candidate.raw;
    c.require("host", if raw.host.is_empty() { !wanted } else { host(&raw.host) });
    let few = spec("fallback_hosts").too_long(raw.fallback_hosts.len(), "entries").is_none();
    c.require("fallback_hosts", few);
    let fallbacks = c.parse("fallback_hosts", if few { &raw.fallback_hosts } else { &[] }, |value| host_port(value));
    let connection = c.choose("connection_type", &raw.connection_type, [Connection::Long, Connection::Short]);
    let texts = [
        ("username", &raw.username),
        ("scan_topic", &raw.scan_topic),
        ("status_topic", &raw.status_topic),
        ("client_id", &raw.client_id),
        ("psk_identity", &raw.psk_identity),
    ];
    texts.into_iter().for_each(|(key, text)| c.readable(key, text));
    c.require("username", text(&raw.username, MAX_TEXT_BYTES));
    // Nobody is shown it: what is in it is between its owner and the broker.
    let password = candidate.secrets.password.expose();
    c.require("password", password.len() <= MAX_TEXT_BYTES && !password.contains('\0'));
    c.within("scan_qos", raw.scan_qos);
    let qos = match raw.scan_qos {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    };
    let device: &[&str] = if raw.payload_format == "object" { &["router", "device"] } else { &["router"] };
    c.require("scan_topic", !raw.scan_topic.is_empty() && topic(&raw.scan_topic, device));
    c.require("status_topic", topic(&raw.status_topic, &["router"]));
    let version = c.choose("mqtt_version", &raw.mqtt_version, [MqttVersion::V31, MqttVersion::V311, MqttVersion::V5]);
    c.within("keep_alive_secs", raw.keep_alive_secs);
    let id_max = if version == MqttVersion::V31 { 23 } else { 256 };
    let id_length = raw.client_id.replace("{router}", "cc:1b:e0:e0:e6:d0").len();
    c.require(
        "client_id",
        text(&raw.client_id, 256) && (1..=id_max).contains(&id_length) && templates(&raw.client_id, &["router"]),
    );
    let security = security(candidate, c);
    let standard_port = if security == Security::None { 1883 } else { 8883 };
    let port = if raw.port == 0 { standard_port } else { raw.port };
    let broker = Broker {
        host: bare(&raw.host).to_owned(),
        port,
        fallbacks: fallbacks.into_iter().map(|(host, own)| (host.to_owned(), own.unwrap_or(port))).collect(),
        connection,
        login: (!raw.username.is_empty())
            .then(|| Login { username: raw.username.clone(), password: candidate.secrets.password.clone() }),
        security,
        version,
        keep_alive: Duration::from_secs(raw.keep_alive_secs.into()),
        client_id: raw.client_id.clone(),
    };
    let status_topic = (!raw.status_topic.is_empty()).then(|| raw.status_topic.clone());
    Mqtt { broker, publish: Publish { topic: raw.scan_topic.clone(), qos, status_topic } }
}

fn security(candidate: &Candidate, c: &mut Checks) -> Security {
    let (raw, secrets) = (&candidate.raw, &candidate.secrets);
    let mode = c.choose("encryption_mode", &raw.encryption_mode, [0, 1, 2]);
    let key = psk(secrets.psk.expose());
    match &key {
        // What Mosquitto reads of a single 0, too: a key without a byte.
        Some(key) if key.is_empty() => c.refuse("psk", Some("it is a key of no bytes".into())),
        _ => c.require("psk", secrets.psk.is_empty() || key.is_some()),
    }
    c.require("psk_identity", text(&raw.psk_identity, 128) && (mode != 1 || !raw.psk_identity.is_empty()));
    if mode == 1 && secrets.psk.is_empty() {
        c.refuse("encryption_mode", Some("Psk is not set".into()));
    }
    for (key, pem) in [("ca_certificate", &raw.ca_certificate), ("client_certificate", &raw.client_certificate)] {
        c.readable(key, &pem.replace(['\n', '\r', '\t'], " "));
    }
    let client = client_certificate(candidate, c);
    if !raw.ca_certificate.is_empty()
        && c.fits("ca_certificate", raw.ca_certificate.len(), "bytes")
        && let Err(detail) = pem::certificates(&raw.ca_certificate)
            .and_then(|list| crl::check(&raw.ca_certificate, &list).and_then(|()| pem::trustworthy(&list)))
    {
        c.refuse("ca_certificate", Some(detail));
    }
    match mode {
        1 => Security::Psk { identity: raw.psk_identity.clone(), key: PskKey(key.unwrap_or_default()) },
        2 => Security::Certificate {
            ca: (!raw.ca_certificate.is_empty()).then(|| canonical(&raw.ca_certificate).to_string()),
            client: client.filter(|_| raw.require_client_certificate),
        },
        _ => Security::None,
    }
}

fn client_certificate(candidate: &Candidate, c: &mut Checks) -> Option<ClientCertificate> {
    let (chain, key) = (&candidate.raw.client_certificate, &candidate.secrets.client_key);
    if candidate.raw.require_client_certificate {
        if chain.is_empty() {
            c.refuse("require_client_certificate", Some("ClientCertificate is not set".into()));
        } else if key.is_empty() {
            c.refuse("require_client_certificate", Some("ClientKey is not set".into()));
        }
    }
    let fits = c.fits("client_certificate", chain.len(), "bytes") & c.fits("client_key", key.expose().len(), "bytes");
    if !fits {
        return None;
    }
    let certificates = (!chain.is_empty()).then(|| pem::certificates(chain));
    let private = (!key.is_empty()).then(|| pem::private_key(key.expose()));
    if crl::is_in(chain) {
        c.refuse("client_certificate", Some("it holds a CRL, which belongs into CaCertificate".into()));
    }
    if let Some(Err(detail)) = &certificates {
        c.refuse("client_certificate", Some(detail.clone()));
    }
    if let Some(Err(detail)) = &private {
        c.refuse("client_key", Some(detail.clone()));
    }
    let (certificates, private) = (certificates?.ok()?, private?.ok()?);
    match pem::matches(&certificates, &private) {
        Ok(()) => {}
        Err(pem::Mismatch::Key) => c.refuse("client_key", Some("it is not the key of ClientCertificate".into())),
        Err(pem::Mismatch::Order) => {
            c.refuse("client_certificate", Some("its order is wrong: the certificate of ClientKey comes first".into()));
        }
    }
    // OpenSSL would refuse it at each attempt to connect.
    if let Some(detail) = certificates.iter().find_map(|certificate| pem::unusable(certificate)) {
        c.refuse("client_certificate", Some(detail));
    }
    let key = Secret::from(std::mem::take(&mut *canonical(key.expose())));
    Some(ClientCertificate { chain: canonical(chain).to_string(), key })
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
