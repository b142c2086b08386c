//! What the fuzzers in `fuzz/` call: untrusted bytes in, and what must hold whatever they are.

use crate::config::{Candidate, Config, RawConfig, Secret};
use crate::encode::{self, Batch, Plan};
use crate::ingest::check_filters;
use crate::ingest::fuzzing::adverts;
use crate::model::{Address, AddressType, Advert, BootTime, Pdu, ad_structures};
use std::time::{Duration, SystemTime};

/// Packets of the monitor channel, each behind its length in one byte: parsed, put together, written as JSON.
pub fn hci(bytes: &[u8]) {
    let mut raw =
        RawConfig { protocol: "mqtt".into(), host: "h".into(), push_batch_size: 1000, ..RawConfig::default() };
    (raw.beacon, raw.timestamp) = (true, true);
    let config = Config::check(&Candidate { raw, ..Candidate::default() }).expect("settings");
    let plan = Plan { size: 1000, max_bytes: usize::MAX, payload: config.payload, gateway: Address([0; 6]) };
    let (mut batch, mut count) = (Batch::new(plan, 1), 0);
    let heard = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    adverts(bytes, &mut |advert| {
        assert!(advert.data.len() <= 1650);
        let full = batch.push(advert, Some(heard), BootTime(count as i64));
        count += 1;
        assert_eq!(full.is_some(), count == 1000);
        if count == 1000 {
            count = 0;
        }
    });
    if let Some(message) = batch.take(Some(heard)) {
        for now in [BootTime(0), BootTime(60_000)] {
            let items: serde_json::Value = serde_json::from_slice(&encode::payload(&message, now)).expect("JSON");
            assert_eq!(items.as_array().map(Vec::len), Some(count));
            let aged = items.as_array().into_iter().flatten().filter(|item| item.get("age").is_some()).count();
            assert_eq!(aged, if now.0 == 0 { 0 } else { count });
        }
        assert_eq!(message.adverts, count as u64);
    }
}

fn advert(data: &[u8]) -> Advert<'_> {
    let address = Address([0xCC, 0x1B, 0xE0, 0, 0, 1]);
    Advert { adapter: 0, address, address_type: AddressType::Public, pdu: Pdu::Ind, rssi: -60, data }
}

/// Advertising data: its structures lie inside it, one behind the other; names and beacons are taken from it.
pub fn ad(data: &[u8]) {
    let mut end = 0;
    for (kind, value) in ad_structures(data) {
        assert_eq!(usize::from(data[end]), value.len() + 1);
        assert_eq!(data[end + 1], kind);
        end += value.len() + 2;
        assert!(end <= data.len());
    }
    let _ = advert(data).name();
    let _ = crate::beacon::decode(data);
}

/// Lines of filters, then a line feed twice and advertising data: what passes the checks compiles, and decides.
pub fn filters(bytes: &[u8]) {
    let cut = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (text, data) = bytes.split_at(cut);
    let text = String::from_utf8_lossy(text);
    let mut raw = RawConfig::default();
    for line in text.lines() {
        let (kind, rest) = line.split_at(line.chars().next().map_or(0, char::len_utf8));
        match kind {
            "n" => raw.filter_names.push(rest.into()),
            "m" => raw.filter_macs.push(rest.into()),
            "u" => raw.filter_uuids.push(rest.into()),
            "r" => raw.filter_rssi = rest.parse().unwrap_or_default(),
            "v" => {
                let (offset, hex) = rest.split_once(',').unwrap_or(("-1", rest));
                raw.filter_values.push((offset.parse().unwrap_or(-1), hex.into()));
            }
            _ => {}
        }
    }
    // What the checks refuse is never asked.
    if let Ok(config) = Config::check(&Candidate { raw, ..Candidate::default() }) {
        let _ = check_filters(&config.filters, &advert(data));
    }
}

/// What a broker sends, between our own packets: only what is awaited passes to the client library.
pub fn mqtt(bytes: &[u8]) {
    crate::mqtt::fuzzing::connection(bytes);
}

/// A segment of the spool, whole and damaged: what was written is found, in bounded time.
pub fn spool(bytes: &[u8]) {
    crate::spool::fuzzing::segment(bytes);
}

/// A session file: each of its messages is taken or counted.
pub fn session(bytes: &[u8]) {
    crate::mqtt::paho::fuzzing::session(bytes);
}

/// A settings file: what is taken from it can be written and read again.
pub fn toml(bytes: &[u8]) {
    crate::config::fuzzing::layer(bytes);
}

/// Pasted PEM text, wherever it can be pasted: refused or taken, and never asked a passphrase for.
pub fn pem(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut candidate = Candidate::default();
    candidate.raw.ca_certificate.clone_from(&text);
    let _ = Config::check(&candidate);
    candidate.raw.client_certificate.clone_from(&text);
    candidate.secrets.client_key = Secret::from(text);
    let _ = Config::check(&candidate);
}
