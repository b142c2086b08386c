//! From a candidate to a checked [`Config`], with every problem found on the way.

use super::pem_text::canonical;
use super::sizes;
use super::syntax::{bare, host, host_port, mac_pattern, psk, templates, text, topic};
use super::typed::{MOST_ADAPTERS, PskKey};
use super::{
    Adapters, Batching, Candidate, ClientCertificate, Config, Connection, Framing, Login, Mqtt, MqttVersion, Payload,
    Qos, RawConfig, ScanMode, Secret, Security, Spooling, Style, TimestampFormat, crl, pem, setting,
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
struct Checks(Vec<Problem>);

impl Checks {
    fn refuse(&mut self, key: &'static str, detail: Option<Cow<'static, str>>) {
        if let Some(s) = setting(key)
            && !self.0.iter().any(|p| p.key == key)
        {
            self.0.push(Problem { key: s.key, name: s.name, expected: s.expected, detail });
        }
    }

    /// Refuses what is too long, and tells whether it was not.
    fn fits(&mut self, key: &'static str, length: usize, unit: &str) -> bool {
        let most = sizes::most(key);
        if length > most {
            self.refuse(key, Some(sizes::too_long(length, most, unit).into()));
        }
        length <= most
    }

    fn require(&mut self, key: &'static str, right: bool) {
        if !right {
            self.refuse(key, None);
        }
    }

    /// Refuses what is no text to be shown to people as it is.
    fn legible(&mut self, key: &'static str, text: &str) {
        if let Some(c) = text.chars().find(|c| !is_printable(*c)) {
            self.refuse(key, Some(format!("it holds the control character U+{:04X}", u32::from(c)).into()));
        }
    }

    fn choose<T: Copy>(&mut self, key: &'static str, text: &str, choices: &[(&str, T)]) -> T {
        let found = choices.iter().find(|(word, _)| *word == text);
        self.require(key, found.is_some());
        found.unwrap_or(&choices[0]).1
    }
}

pub(super) fn check(candidate: &Candidate) -> Result<Config, Vec<Problem>> {
    let (raw, mut c) = (&candidate.raw, Checks::default());
    let scan = c.choose(
        "scan_mode",
        &raw.scan_mode,
        &[("off", ScanMode::Off), ("passive", ScanMode::Passive), ("active", ScanMode::Active)],
    );
    let adapters = adapters(&raw.adapters, &mut c);
    let router = Address::parse(&raw.router_address);
    c.require("router_address", raw.router_address.is_empty() || router.is_some());
    c.require("push_interval_ms", (10..=600_000).contains(&raw.push_interval_ms));
    c.require("push_batch_size", (1..=1000).contains(&raw.push_batch_size));
    c.require("queue_max_bytes", (65_536..=268_435_456).contains(&raw.queue_max_bytes));
    c.require("spool_max_bytes", matches!(raw.spool_max_bytes, 0 | 1_048_576..=1_073_741_824));
    c.require("spool_max_age_secs", (60..=31_536_000).contains(&raw.spool_max_age_secs));
    c.require("replay_max_per_sec", (1..=1_000_000).contains(&raw.replay_max_per_sec));
    filters(raw, &mut c);
    let payload = payload(raw, &mut c);
    let wanted = c.choose("protocol", &raw.protocol, &[("none", false), ("mqtt", true)]);
    let mqtt = mqtt(candidate, wanted, &mut c);
    if !c.0.is_empty() {
        return Err(c.0);
    }
    Ok(Config {
        raw: raw.clone(),
        stored_secrets: candidate.secrets.iter().filter(|(_, s)| !s.is_empty()).map(|(key, _)| key).collect(),
        scan,
        adapters,
        router,
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
    let framing = c.choose(
        "payload_format",
        &raw.payload_format,
        &[("array", Framing::Array), ("object", Framing::Object), ("envelope", Framing::Envelope)],
    );
    let format = c.choose(
        "timestamp_format",
        &raw.timestamp_format,
        &[("rfc3339", TimestampFormat::Rfc3339), ("local", TimestampFormat::Local)],
    );
    let event_type_key =
        c.choose("event_type_key", &raw.event_type_key, &[("evtType", "evtType"), ("evt_type", "evt_type")]);
    let style = Style { timestamp: raw.timestamp.then_some(format), beacon: raw.beacon, event_type_key };
    Payload { framing, style }
}

fn mqtt(candidate: &Candidate, wanted: bool, c: &mut Checks) -> Mqtt {
    let raw = &candidate.raw;
    c.require("host", if raw.host.is_empty() { !wanted } else { host(&raw.host) });
    let fallbacks: Option<Vec<_>> =
        raw.fallback_hosts.iter().take(sizes::MAX_FALLBACK_HOSTS).map(|value| host_port(value)).collect();
    c.require("fallback_hosts", raw.fallback_hosts.len() <= sizes::MAX_FALLBACK_HOSTS && fallbacks.is_some());
    let connection =
        c.choose("connection_type", &raw.connection_type, &[("long", Connection::Long), ("short", Connection::Short)]);
    let texts = [
        ("username", &raw.username),
        ("scan_topic", &raw.scan_topic),
        ("status_topic", &raw.status_topic),
        ("client_id", &raw.client_id),
        ("psk_identity", &raw.psk_identity),
    ];
    texts.into_iter().for_each(|(key, text)| c.legible(key, text));
    c.require("username", text(&raw.username, sizes::MAX_TEXT_BYTES));
    // Nobody is shown it: what is in it is between its owner and the broker.
    let password = candidate.secrets.password.expose();
    c.require("password", password.len() <= sizes::MAX_TEXT_BYTES && !password.contains('\0'));
    let qos = c.choose(
        "scan_qos",
        match raw.scan_qos {
            0 => "0",
            1 => "1",
            2 => "2",
            _ => "",
        },
        &[("0", Qos::AtMostOnce), ("1", Qos::AtLeastOnce), ("2", Qos::ExactlyOnce)],
    );
    let device: &[&str] = if raw.payload_format == "object" { &["router", "device"] } else { &["router"] };
    c.require("scan_topic", !raw.scan_topic.is_empty() && topic(&raw.scan_topic, device));
    c.require("status_topic", topic(&raw.status_topic, &["router"]));
    let version = c.choose(
        "mqtt_version",
        &raw.mqtt_version,
        &[("3.1", MqttVersion::V31), ("3.1.1", MqttVersion::V311), ("5", MqttVersion::V5)],
    );
    c.require("keep_alive_secs", raw.keep_alive_secs == 0 || raw.keep_alive_secs >= 5);
    let id_max = if version == MqttVersion::V31 { 23 } else { 256 };
    let id_length = raw.client_id.replace("{router}", "cc:1b:e0:e0:e6:d0").len();
    c.require(
        "client_id",
        text(&raw.client_id, 256) && (1..=id_max).contains(&id_length) && templates(&raw.client_id, &["router"]),
    );
    let security = security(candidate, c);
    let standard_port = if security == Security::None { 1883 } else { 8883 };
    let port = if raw.port == 0 { standard_port } else { raw.port };
    let fallbacks = fallbacks.unwrap_or_default();
    Mqtt {
        host: bare(&raw.host).to_owned(),
        port,
        fallbacks: fallbacks.into_iter().map(|(host, own)| (host.to_owned(), own.unwrap_or(port))).collect(),
        connection,
        login: (!raw.username.is_empty())
            .then(|| Login { username: raw.username.clone(), password: candidate.secrets.password.clone() }),
        security,
        topic: raw.scan_topic.clone(),
        qos,
        version,
        keep_alive: Duration::from_secs(raw.keep_alive_secs.into()),
        client_id: raw.client_id.clone(),
    }
}

fn security(candidate: &Candidate, c: &mut Checks) -> Security {
    let (raw, secrets) = (&candidate.raw, &candidate.secrets);
    let mode = c.choose("encryption_mode", &raw.encryption_mode, &[("none", 0), ("psk", 1), ("certificate", 2)]);
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
        c.legible(key, &pem.replace(['\n', '\r', '\t'], " "));
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

fn filters(raw: &RawConfig, c: &mut Checks) {
    let lists = [
        ("filter_names", raw.filter_names.len()),
        ("filter_macs", raw.filter_macs.len()),
        ("filter_uuids", raw.filter_uuids.len()),
        ("filter_values", raw.filter_values.len()),
    ];
    if !lists.into_iter().fold(true, |fit, (key, count)| c.fits(key, count, "entries") && fit) {
        return;
    }
    raw.filter_names.iter().for_each(|name| c.legible("filter_names", name));
    let hex = |s: &str| s.bytes().all(|b| b.is_ascii_hexdigit());
    c.require(
        "filter_names",
        raw.filter_names.iter().all(|n| {
            let inner = n.strip_suffix('*').or_else(|| n.strip_prefix('*')).unwrap_or(n);
            !n.is_empty() && text(n, 255) && !inner.contains('*')
        }),
    );
    c.require("filter_macs", raw.filter_macs.iter().all(|m| mac_pattern(m)));
    c.require("filter_uuids", raw.filter_uuids.iter().all(|u| [4, 8, 32].contains(&u.len()) && hex(u)));
    c.require("filter_rssi", (-128..=20).contains(&raw.filter_rssi));
    c.require(
        "filter_values",
        raw.filter_values.iter().all(|(offset, bytes)| {
            (-1..1650).contains(offset)
                && !bytes.is_empty()
                && bytes.len().is_multiple_of(2)
                && bytes.len() <= 3300
                && hex(bytes)
        }),
    );
    c.require("duplicates_ms", matches!(raw.duplicates_ms, 0 | 1 | 1000..=86_400_000));
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
