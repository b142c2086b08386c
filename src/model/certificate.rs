//! Certificates as they are shown: whose they are, and until when they hold.

use crate::printable::printable;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::{X509NameEntryRef, X509NameRef, X509Ref};
use std::time::{SystemTime, UNIX_EPOCH};

/// What people want to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Distinguished name, as OpenSSL writes it in one line.
    pub subject: String,
    /// Distinguished name of who signed it.
    pub issuer: String,
    /// Seconds since 1970-01-01T00:00Z.
    pub not_before: i64,
    /// The same clock.
    pub not_after: i64,
}

impl Certificate {
    /// Of an X.509 certificate.
    pub(crate) fn of(certificate: &X509Ref) -> Self {
        let name = |name: &X509NameRef| {
            let entry = |entry: &X509NameEntryRef| {
                let value = entry.data().to_string().unwrap_or_default();
                format!("{}={}", entry.object().nid().short_name().unwrap_or("?"), printable(&value))
            };
            name.entries().map(entry).collect::<Vec<_>>().join(", ")
        };
        let seconds = |time: &Asn1TimeRef| {
            let passed = Asn1Time::from_unix(0).and_then(|epoch| epoch.diff(time));
            passed.map_or(0, |passed| i64::from(passed.days) * 86_400 + i64::from(passed.secs))
        };
        Self {
            subject: name(certificate.subject_name()),
            issuer: name(certificate.issuer_name()),
            not_before: seconds(certificate.not_before()),
            not_after: seconds(certificate.not_after()),
        }
    }
}

/// A certificate of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredCertificate {
    /// D-Bus name of the setting.
    pub setting: &'static str,
    /// What is in it; of several CAs the one that ends last.
    pub certificate: Certificate,
}

impl ConfiguredCertificate {
    /// Whole days until it ends, negative afterwards.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        (self.certificate.not_after - seconds(now)).div_euclid(86_400)
    }

    /// Whether it holds already.
    pub fn begun(&self, now: SystemTime) -> bool {
        self.certificate.not_before <= seconds(now)
    }
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
