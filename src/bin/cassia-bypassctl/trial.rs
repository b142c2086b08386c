//! `test`: a broker is tried.

use crate::assign::Assignments;
use crate::bus::{Service, Values};
use crate::failure::{Failure, Kind, Result};
use crate::page::{Page, print_json, word};
use crate::value::to_json;
use crate::words::date;
use clap::ArgMatches;
use serde_json::Value as Json;

pub(crate) async fn test(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let settings = service.settings().await?;
    let answer = service.validate("TestConnection", &Assignments::of(matches, &settings)?).await?;
    let of = |name: &str| answer.get(name).map_or(Json::Null, |value| to_json(value));
    let failed = of("Verdict") != "ok";
    let failure = Failure { told: true, ..Failure::new(Kind::Failed, "the broker was not reached") };
    if json {
        print_json(&Json::Object(answer.iter().map(|(k, v)| (k.clone(), to_json(v))).collect()))?;
    } else {
        page(&answer).print()?;
    }
    if failed { Err(failure) } else { Ok(()) }
}

/// Nothing where the broker takes a message with these values; else the steps are printed, and it is a failure.
pub(crate) async fn require(service: &Service, values: &Values, json: bool) -> Result<()> {
    let answer = service.validate("TestConnection", values).await?;
    let of = |name: &str| answer.get(name).map_or(Json::Null, |value| to_json(value));
    if of("Verdict") == "ok" {
        return Ok(());
    }
    if !json {
        page(&answer).print()?;
    }
    let text = |name: &str| of(name).as_str().unwrap_or_default().to_owned();
    let why = format!("Nothing was changed, the test failed: {}: {}", text("Verdict"), text("Detail"));
    Err(Failure::new(Kind::Failed, why))
}

const COLUMN: usize = 13;

fn page(answer: &Values) -> Page {
    let mut page = Page::new();
    let of = |name: &str| answer.get(name).map_or(Json::Null, |value| to_json(value));
    let text = |name: &str| of(name).as_str().unwrap_or_default().to_owned();
    let mut entry = |label: &str, value: String| {
        if !value.is_empty() {
            page.entry(label, COLUMN, &value);
        }
    };
    let address = text("Address");
    let shown = if address.is_empty() || address == text("Broker") { String::new() } else { format!(" ({address})") };
    entry("Broker", format!("{}{shown}", text("Broker")));
    entry("Client id", text("ClientId"));
    entry("Topic", text("Topic"));
    entry("TLS", text("Tls"));
    let certificate = of("Certificate");
    if certificate.is_object() {
        let [subject, issuer] = ["Subject", "Issuer"].map(|part| certificate[part].as_str().unwrap_or_default());
        let [from, until] = ["NotBefore", "NotAfter"].map(|part| date(&certificate[part]));
        entry("Certificate", format!("{subject}\nfrom {issuer}\n{from} to {until}"));
    }
    for step in of("Steps").as_array().into_iter().flatten() {
        let [name, result] = ["Step", "Result"].map(|part| step[part].as_str().unwrap_or_default());
        let took = step["DurationMs"].as_f64().unwrap_or_default();
        entry(&format!("  {name}"), format!("{}{:>width$.1} ms", word(result), took, width = 14 - result.len()));
    }
    entry("Verdict", format!("{}: {}", word(&text("Verdict")), text("Detail")));
    page
}
