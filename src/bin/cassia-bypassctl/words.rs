//! Quantities and times for people.

use jiff::Timestamp;
use serde_json::Value as Json;

/// `3 d 4 h`, `5 min 2 s`: the two largest units.
pub(crate) fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(length, _)| seconds >= *length).unwrap_or(units.len() - 1);
    let mut rest = seconds;
    let mut words = Vec::new();
    for (length, unit) in units.iter().skip(first).take(2) {
        let count = rest / length;
        rest %= length;
        if count > 0 || words.is_empty() {
            words.push(format!("{count} {unit}"));
        }
    }
    words.join(" ")
}

/// `64 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| count >= *size) {
        None => format!("{count} B"),
        Some((size, unit)) if count.is_multiple_of(*size) => format!("{} {unit}", count / size),
        Some((size, unit)) => format!("{:.1} {unit}", count as f64 / *size as f64),
    }
}

/// `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `listens 50 % of the time`, of an entry of Radios; nothing while it is not known.
pub(crate) fn listens(radio: &Json) -> Option<String> {
    radio["DutyCyclePercent"].as_u64().map(|percent| format!("listens {percent} % of the time"))
}

/// `2026-03-08T10:07:17Z`, of milliseconds since 1970; empty if it is no such number.
pub(crate) fn date(millis: &Json) -> String {
    let time = millis.as_i64().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    time.map(|time| format!("{time:.0}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_read_well() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (604_800, "7 d"), (90_061, "1 d 1 h")]
        {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!([bytes(0), bytes(1536), bytes(64 << 20)], ["0 B", "1.5 KiB", "64 MiB"]);
        assert_eq!([grouped(0), grouped(999), grouped(1000), grouped(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn duty_cycles_are_said_once_they_are_known() {
        assert_eq!(listens(&json!({"DutyCyclePercent": 50})).as_deref(), Some("listens 50 % of the time"));
        assert_eq!(listens(&json!({"Adapter": "hci0"})), None);
    }

    #[test]
    fn dates_are_in_utc() {
        assert_eq!(date(&json!(1_772_964_437_000_i64)), "2026-03-08T10:07:17Z");
        assert_eq!([date(&json!("soon")), date(&Json::Null), date(&json!(i64::MAX))], ["", "", ""]);
    }
}
