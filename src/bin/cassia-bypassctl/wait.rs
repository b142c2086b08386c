//! `set --wait`: until the service works with the settings that were made, or why it does not.

use crate::bus::{Service, Values};
use crate::failure::{Failure, Kind, Result};
use crate::page::{GREEN, Page, styled};
use crate::value::{member, text_of};
use cassia_bypass::model::LastError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// What the statistics say of it.
enum Verdict {
    Online(String),
    /// Time may help.
    NotYet(String),
    /// It does not.
    Failed(String),
}

pub(crate) async fn online(service: &Service, limit: Duration, json: bool) -> Result<()> {
    let (end, first) = (Instant::now() + limit, service.stats().await?);
    // Others may change settings meanwhile; what counts is ours, or later ones.
    let wanted = number(&first, "SettingsRevision");
    let mut stats = first;
    loop {
        match verdict(&stats, wanted) {
            // JSON has one object, which was printed.
            Verdict::Online(_) if json => return Ok(()),
            Verdict::Online(text) => {
                let mut page = Page::new();
                page.line(&styled(GREEN, &text));
                return page.print();
            }
            Verdict::Failed(why) => return Err(Failure::new(Kind::Failed, format!("Saved, but not online: {why}"))),
            Verdict::NotYet(why) if Instant::now() >= end => {
                let why = format!("Saved, but not online after {} s: {why}", limit.as_secs());
                return Err(Failure::new(Kind::Failed, why));
            }
            Verdict::NotYet(_) => sleep(INTERVAL).await,
        }
        stats = service.stats().await?;
    }
}

fn number(stats: &Values, name: &str) -> u64 {
    member(stats, name).as_u64().unwrap_or_default()
}

fn verdict(stats: &Values, wanted: u64) -> Verdict {
    let text = |name: &str| text_of(stats, name);
    if number(stats, "ActiveRevision") < wanted {
        return Verdict::NotYet("the settings are not in use yet".to_owned());
    }
    if text("Health") == "online" {
        return Verdict::Online(format!("Online: {} to {}.", text("LinkState"), text("Broker")));
    }
    let detail = match (text("LastError"), text("RadioDetail")) {
        (error, _) if !error.is_empty() => format!("{error}: {}", text("LastErrorDetail")),
        (_, radio) if !radio.is_empty() => radio,
        _ => text("HealthReason"),
    };
    let failed = LastError::ALL.into_iter().find(|error| error.as_str() == text("LastError"));
    let waits = text("LinkState") == "waiting" && failed.is_some_and(LastError::needs_operator);
    let off = text("HealthReason") == "no-protocol";
    match () {
        () if off => Verdict::Failed("Protocol is none: nothing is published".to_owned()),
        () if waits || text("RadioState") == "passive-unsupported" => Verdict::Failed(detail),
        () => Verdict::NotYet(detail),
    }
}
