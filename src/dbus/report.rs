//! Answers with several parts, as a dictionary of values that clients show as it is.

use crate::publish::{Certificate, Trial};
use jiff::Timestamp;
use std::collections::BTreeMap;
use zbus::{OwnedVariant, Variant};

/// Name and value of each part.
pub(super) type Report = BTreeMap<&'static str, OwnedVariant>;

/// A part. Values without file descriptors can always be owned.
pub(super) fn put(report: &mut Report, name: &'static str, value: impl Into<Variant<'static>>) {
    if let Ok(value) = OwnedVariant::try_from(value.into()) {
        report.insert(name, value);
    }
}

/// A time as people and machines read it; empty if it is none.
pub(super) fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// What came of a trial.
pub(super) fn trial_report(trial: &Trial) -> Report {
    let mut report = Report::new();
    let (step, verdict, detail) = match &trial.failure {
        None => ("", "ok", format!("The broker took a message on {}.", trial.topic)),
        Some((step, failure)) => (step.word(), failure.word, failure.detail.clone()),
    };
    put(&mut report, "Verdict", verdict);
    put(&mut report, "FailedStep", step);
    put(&mut report, "Detail", detail);
    put(&mut report, "Broker", trial.broker.clone());
    put(&mut report, "Address", trial.address.clone());
    put(&mut report, "ClientId", trial.client_id.clone());
    put(&mut report, "Topic", trial.topic.clone());
    put(&mut report, "Tls", trial.tls.clone());
    let failed = trial.failure.as_ref().map(|(step, _)| *step);
    let steps = trial.steps.iter().map(|(step, took)| {
        let word = if failed == Some(*step) { "failed" } else { "ok" };
        (step.word(), word, took.as_secs_f64() * 1000.0)
    });
    put(&mut report, "Steps", steps.collect::<Vec<_>>());
    if let Some(Certificate { subject, issuer, not_before, not_after }) = &trial.certificate {
        put(&mut report, "CertificateSubject", subject.clone());
        put(&mut report, "CertificateIssuer", issuer.clone());
        put(&mut report, "CertificateNotBefore", date(*not_before));
        put(&mut report, "CertificateNotAfter", date(*not_after));
    }
    report
}
