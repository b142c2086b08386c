//! The answer of `Check`: what would come of a change, before it is made.

use super::values::assign;
use super::vardict::{VarDict, held_report_at, put};
use crate::config::{Candidate, Config, Requester, Settings};
use crate::threads;
use std::collections::BTreeMap;
use std::time::SystemTime;
use zbus::OwnedVariant;

/// Judges these values in place of the present ones, should this requester apply them.
pub(super) async fn check_report(
    settings: &Settings,
    values: &BTreeMap<String, OwnedVariant>,
    requester: &Requester,
) -> VarDict {
    let mut scratch = Candidate::default();
    let wrong = values.iter().filter_map(|(name, value)| assign(&mut scratch, name, value).err());
    // They begin with the name, as every refusal does.
    let mut problems: Vec<(String, String)> =
        wrong.filter_map(|text| text.split_once(": ").map(|(name, text)| (name.to_owned(), text.to_owned()))).collect();
    let mistyped: Vec<String> = problems.iter().map(|(name, _)| name.clone()).collect();
    let good = values.keys().filter(|name| !mistyped.contains(name));
    let candidate = settings.candidate(|candidate| good.for_each(|name| candidate.copy(name, &scratch))).await;
    let (candidate, certificates, hints, wrong) = threads::check(move || {
        let (hints, wrong): (Vec<String>, _) = match Config::check(&candidate) {
            Ok(config) => (config.weaknesses().into_iter().map(|weakness| weakness.text).collect(), Vec::new()),
            Err(problems) => (Vec::new(), problems),
        };
        let held = candidate.raw.certificates();
        (candidate, held, hints, wrong)
    })
    .await;
    for problem in wrong {
        // What is known of a mistyped setting is said; the one that is there in its place was not asked about.
        if !mistyped.iter().any(|name| name == problem.name) {
            problems.push((problem.name.to_owned(), problem.expectation()));
        }
    }
    if problems.is_empty() {
        let withheld = settings.withheld(requester, &candidate).await;
        problems.extend(withheld.iter().map(|problem| (problem.name.to_owned(), problem.expectation())));
    }
    let now = SystemTime::now();
    let certificates = certificates.iter().map(|held| held_report_at(held, now)).collect::<Vec<_>>();
    let problem = |(setting, message): (String, String)| {
        let mut report = VarDict::new();
        put(&mut report, "Setting", setting);
        put(&mut report, "Message", message);
        report
    };
    let mut report = VarDict::new();
    put(&mut report, "Certificates", certificates);
    put(&mut report, "Hints", hints);
    put(&mut report, "Problems", problems.into_iter().map(problem).collect::<Vec<_>>());
    report
}
