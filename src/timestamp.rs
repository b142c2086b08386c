//! Text of the time of an advert. Adverts come by the thousand within a second: all but the milliseconds is kept.

use crate::config::TimestampFormat;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Texts of `timestamp`, formatted once a second.
#[derive(Debug)]
pub struct Timestamps {
    format: TimestampFormat,
    /// For tests; `None` is the system's, which may change while we run.
    zone: Option<TimeZone>,
    second: Option<u64>,
    text: Vec<u8>,
}

/// Where the milliseconds stand in both texts.
const MILLIS: std::ops::Range<usize> = 20..23;

impl Timestamps {
    /// For this kind of text.
    pub fn new(format: TimestampFormat) -> Self {
        Self { format, zone: None, second: None, text: Vec::with_capacity(40) }
    }

    /// The text of a time. Times before 1970 are shown as its first moment.
    pub fn text(&mut self, at: SystemTime) -> &[u8] {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.second != Some(since.as_secs()) {
            self.second = Some(since.as_secs());
            self.start_second(since.as_secs());
        }
        let millis = since.subsec_millis();
        for (at, divisor) in MILLIS.zip([100, 10, 1]) {
            self.text[at] = b'0' + (millis / divisor % 10) as u8;
        }
        &self.text
    }

    fn start_second(&mut self, second: u64) {
        let at = i64::try_from(second).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MAX);
        let zone = match (self.format, &self.zone) {
            (TimestampFormat::Rfc3339, _) => TimeZone::UTC,
            (TimestampFormat::Local, Some(zone)) => zone.clone(),
            (TimestampFormat::Local, None) => TimeZone::system(),
        };
        let info = zone.to_offset_info(at);
        let time = info.offset().to_datetime(at);
        let ((between, end), zone) = match self.format {
            TimestampFormat::Rfc3339 => (('T', "Z"), ""),
            // A router without a time zone lives in UTC.
            TimestampFormat::Local if zone.is_unknown() => ((' ', " "), "UTC"),
            TimestampFormat::Local => ((' ', " "), info.abbreviation()),
        };
        self.text.clear();
        write!(
            self.text,
            "{:04}-{:02}-{:02}{between}{:02}:{:02}:{:02}.000{end}{zone}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
        )
        .expect("writing to memory does not fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn text(times: &mut Timestamps, millis: u64) -> String {
        String::from_utf8(times.text(UNIX_EPOCH + Duration::from_millis(millis)).to_vec()).expect("ASCII")
    }

    #[test]
    fn timestamp_has_two_formats() {
        let mut utc = Timestamps::new(TimestampFormat::Rfc3339);
        assert_eq!(text(&mut utc, 1_772_964_437_723), "2026-03-08T10:07:17.723Z");
        assert_eq!(text(&mut utc, 1_772_964_437_004), "2026-03-08T10:07:17.004Z");
        assert_eq!(text(&mut utc, 0), "1970-01-01T00:00:00.000Z");
        let zone = TimeZone::posix("CST-8").expect("a zone");
        let mut local = Timestamps { zone: Some(zone), ..Timestamps::new(TimestampFormat::Local) };
        // The vendor's own sample.
        assert_eq!(text(&mut local, 1_615_169_237_723), "2021-03-08 10:07:17.723 CST");
    }

    #[test]
    fn summer_time_changes_the_abbreviation() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let mut local = Timestamps { zone: Some(zone), ..Timestamps::new(TimestampFormat::Local) };
        assert_eq!(text(&mut local, 1_774_745_999_999), "2026-03-29 01:59:59.999 CET");
        assert_eq!(text(&mut local, 1_774_746_000_000), "2026-03-29 03:00:00.000 CEST");
    }

    #[test]
    fn timestamp_allocates_nothing_within_a_second() {
        let mut times = Timestamps::new(TimestampFormat::Local);
        times.text(UNIX_EPOCH);
        let info = allocation_counter::measure(|| {
            for millis in 0..1000 {
                times.text(UNIX_EPOCH + Duration::from_millis(millis));
            }
        });
        assert_eq!(info.count_total, 0);
    }

    proptest! {
        #[test]
        fn timestamp_of_a_cached_second_is_the_text_of_jiff(start in 0u64..253_402_300_000_000, steps in prop::collection::vec(0u64..3000, 0..20)) {
            let (mut times, mut at) = (Timestamps::new(TimestampFormat::Rfc3339), start);
            for step in steps {
                at += step;
                let wanted = Timestamp::from_millisecond(at as i64).expect("in range");
                prop_assert_eq!(text(&mut times, at), format!("{wanted:.3}"));
            }
        }
    }
}
