//! Answers with several parts, as a dictionary of values that clients show as it is.

use crate::ingest::{Outcome, RecentDevice};
use crate::model::{AddressType, Certificate, ConfiguredCertificate};
use crate::printable::printable;
use crate::publisher::ConnectionTest;
use crate::stats::AdapterStatus;
use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};
use zbus::{OwnedVariant, Variant};

/// Name and value of each part.
pub(super) type VarDict = BTreeMap<&'static str, OwnedVariant>;

/// A value of its own.
pub(super) fn owned(value: impl Into<Variant<'static>>) -> OwnedVariant {
    OwnedVariant::try_from(value.into()).expect("a value without file descriptors")
}

/// Puts a part in.
pub(super) fn put(report: &mut VarDict, name: &'static str, value: impl Into<Variant<'static>>) {
    report.insert(name, owned(value));
}

/// An adapter that is wanted.
pub(super) fn adapter_report(adapter: &AdapterStatus) -> VarDict {
    let mut report = VarDict::new();
    put(&mut report, "Adapter", adapter.name.clone());
    put(&mut report, "Address", adapter.address.clone());
    put(&mut report, "State", adapter.state.as_str());
    put(&mut report, "Detail", adapter.detail.clone());
    put(
        &mut report,
        "Capabilities",
        adapter.capabilities.iter().map(|capability| capability.as_str()).collect::<Vec<_>>(),
    );
    if let Some(percent) = adapter.duty_cycle {
        put(&mut report, "DutyCyclePercent", percent);
    }
    report
}

/// A device that was heard.
pub(super) fn device_report(device: &RecentDevice, now: Instant) -> VarDict {
    let mut report = VarDict::new();
    put(&mut report, "Address", device.address.to_string());
    put(&mut report, "AddressType", if device.address_type == AddressType::Public { "public" } else { "random" });
    // Whoever sends adverts chooses it.
    put(&mut report, "Name", printable(&String::from_utf8_lossy(&device.name)));
    put(&mut report, "Rssi", i16::from(device.rssi));
    let age = now.saturating_duration_since(device.heard);
    put(&mut report, "AgeMs", u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    put(&mut report, "Adverts", device.adverts);
    put(&mut report, "Adapter", format!("hci{}", device.adapter));
    let outcome = match device.outcome {
        Outcome::Published => "published".to_owned(),
        Outcome::Duplicate => "duplicate".to_owned(),
        Outcome::Unpublished => "unpublished".to_owned(),
        Outcome::Filtered(kind) => format!("filtered:{}", kind.as_str()),
    };
    put(&mut report, "Outcome", outcome);
    report
}

fn certificate_report(certificate: &Certificate) -> VarDict {
    // No certificate is from before 1970.
    let millis = |seconds: i64| u64::try_from(seconds).unwrap_or(0) * 1000;
    let mut report = VarDict::new();
    put(&mut report, "Subject", certificate.subject.clone());
    put(&mut report, "Issuer", certificate.issuer.clone());
    put(&mut report, "NotBefore", millis(certificate.not_before));
    put(&mut report, "NotAfter", millis(certificate.not_after));
    report
}

/// The certificate of a setting.
pub(super) fn held_report(held: &ConfiguredCertificate) -> VarDict {
    let mut report = certificate_report(&held.certificate);
    put(&mut report, "Setting", held.setting);
    report
}

/// The same at this moment.
pub(super) fn held_report_at(held: &ConfiguredCertificate, now: SystemTime) -> VarDict {
    let mut report = held_report(held);
    put(&mut report, "DaysLeft", held.days_left(now));
    report
}

/// What came of a test of a broker.
pub(super) fn connection_test_report(test: &ConnectionTest) -> VarDict {
    let mut report = VarDict::new();
    let (step, verdict, detail) = match &test.failure {
        None => ("", "ok", format!("The broker took a message on {}.{}", test.topic, test.note)),
        Some((step, failure)) => (step.as_str(), failure.code.as_str(), failure.detail.clone()),
    };
    put(&mut report, "Verdict", verdict);
    put(&mut report, "FailedStep", step);
    put(&mut report, "Detail", detail);
    put(&mut report, "Broker", test.broker.clone());
    put(&mut report, "Address", test.address.clone());
    put(&mut report, "ClientId", test.client_id.clone());
    put(&mut report, "Topic", test.topic.clone());
    put(&mut report, "Tls", test.tls.clone());
    let failed = test.failure.as_ref().map(|(step, _)| *step);
    let steps = test.steps.iter().map(|(step, took)| {
        let mut report = VarDict::new();
        put(&mut report, "Step", step.as_str());
        put(&mut report, "Result", if failed == Some(*step) { "failed" } else { "ok" });
        put(&mut report, "DurationMs", took.as_secs_f64() * 1000.0);
        report
    });
    put(&mut report, "Steps", steps.collect::<Vec<_>>());
    if let Some(certificate) = &test.certificate {
        put(&mut report, "Certificate", certificate_report(certificate));
    }
    report
}
