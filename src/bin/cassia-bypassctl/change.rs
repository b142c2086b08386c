//! `set` and `reset`: one call, so that all of it is done or none.

use crate::assign::Assignments;
use crate::bus::{Service, Values};
use crate::failure::{Failure, Kind, Result};
use crate::page::{GREEN, Page, YELLOW, print_json, styled};
use crate::setting::{Setting, Settings};
use crate::show::{print_changes, selected};
use crate::value::{member, object};
use crate::words::date;
use crate::{trial, wait};
use clap::ArgMatches;
use serde_json::Value as Json;
use std::time::Duration;

/// Where the text of a hint begins.
const HINT_COLUMN: usize = 6;

pub(crate) async fn set(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let settings = service.settings().await?;
    let values = Assignments::of(matches, &settings)?;
    if matches.get_flag("test") {
        trial::require(service, &values, json).await?;
    }
    change(service, &settings, &values, matches.get_flag("dry-run"), json).await?;
    match matches.get_one::<u64>("wait") {
        Some(seconds) => wait::online(service, Duration::from_secs(*seconds), json).await,
        None => Ok(()),
    }
}

/// Applies these values and prints what that changed, or says only whether they would be refused.
pub(crate) async fn change(
    service: &Service,
    settings: &Settings,
    values: &Values,
    dry_run: bool,
    json: bool,
) -> Result<()> {
    if dry_run {
        return validate(service, values, json).await;
    }
    let (hints, before) = (hints(service, values).await, service.values().await?);
    service.apply(values).await?;
    let list: Vec<&Setting> = settings.all().filter(|setting| values.contains_key(&setting.name)).collect();
    print_changes(&list, &before, &service.values().await?, json)?;
    let mut page = Page::new();
    hints.iter().filter(|_| !json).for_each(|hint| page.entry(&styled(YELLOW, "hint:"), HINT_COLUMN, hint));
    page.print()
}

/// What these values bring about that is right and protects little.
async fn hints(service: &Service, values: &Values) -> Vec<String> {
    let (before, after) = (Values::new(), values);
    let mut found = Vec::new();
    for values in [&before, after] {
        // A service that does not know is none to fail over.
        let answer = service.validate("Check", values).await.unwrap_or_default();
        let hints = member(&answer, "Hints");
        found.push(hints.as_array().into_iter().flatten().map(|hint| text(hint).to_owned()).collect::<Vec<_>>());
    }
    let about = |hint: &String| values.keys().any(|name| hint.split(' ').next() == Some(name));
    let after = found.pop().unwrap_or_default();
    after.into_iter().filter(|hint| about(hint) || !found.iter().flatten().any(|known| known == hint)).collect()
}

async fn validate(service: &Service, values: &Values, json: bool) -> Result<()> {
    let answer = service.validate("Check", values).await?;
    let of = |name: &str| member(&answer, name);
    let problems = of("Problems");
    let problems = problems.as_array().map(Vec::as_slice).unwrap_or_default();
    let problem = |row: &Json| format!("{}: {}", text(&row["Setting"]), text(&row["Message"]));
    let lines: Vec<String> = problems.iter().map(problem).collect();
    let refused = || Failure::new(Kind::Failed, lines.join("\n"));
    if json {
        print_json(&object(&answer))?;
        // It is all said.
        return if lines.is_empty() { Ok(()) } else { Err(Failure { told: true, ..refused() }) };
    }
    let mut page = Page::new();
    for row in of("Certificates").as_array().into_iter().flatten() {
        let [setting, subject, issuer] = ["Setting", "Subject", "Issuer"].map(|part| text(&row[part]));
        let [from, until] = ["NotBefore", "NotAfter"].map(|part| date(&row[part]));
        let days = &row["DaysLeft"];
        page.entry(setting, 20, &format!("{subject}\nfrom {issuer}\n{from} to {until}, {days} days left"));
    }
    for hint in of("Hints").as_array().into_iter().flatten() {
        page.entry(&styled(YELLOW, "hint:"), HINT_COLUMN, text(hint));
    }
    if lines.is_empty() {
        page.line(&styled(GREEN, "Apply would take it."));
    }
    page.print()?;
    if lines.is_empty() { Ok(()) } else { Err(refused()) }
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

pub(crate) async fn reset(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let settings = service.settings().await?;
    let list = selected(matches, &settings)?;
    // No names stand for all of them; that takes --all.
    let names: Vec<&str> =
        if matches.get_flag("all") { Vec::new() } else { list.iter().map(|setting| &*setting.name).collect() };
    let before = service.values().await?;
    service.reset(&names).await?;
    let after = service.values().await?;
    // Of all of them, those that it changed.
    let shown = |setting: &&Setting| !matches.get_flag("all") || setting.now(&before) != setting.now(&after);
    print_changes(&list.into_iter().filter(shown).collect::<Vec<_>>(), &before, &after, json)
}
