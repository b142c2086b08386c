//! `test`: a broker is tried.

use crate::assign::Assignments;
use crate::bus::{Service, Values};
use crate::failure::{Failure, Kind, Result};
use crate::page::{Page, print_json, word};
use crate::value::{member, object, text_of};
use crate::words::date;
use clap::ArgMatches;

pub(crate) async fn test(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let settings = service.settings().await?;
    let answer = service.validate("TestConnection", &Assignments::of(matches, &settings)?).await?;
    if json {
        print_json(&object(&answer))?;
    } else {
        page(&answer).print()?;
    }
    verdict(&answer).map_err(|failure| Failure { told: true, ..failure })
}

/// Nothing where the broker takes a message with these values; else the steps are printed, and it is a failure.
pub(crate) async fn require(service: &Service, values: &Values, json: bool) -> Result<()> {
    let answer = service.validate("TestConnection", values).await?;
    let tested = verdict(&answer);
    if tested.is_err() && !json {
        page(&answer).print()?;
    }
    tested
}

/// Whether the broker took a message.
fn verdict(answer: &Values) -> Result<()> {
    let text = |name: &str| text_of(answer, name);
    if text("Verdict") == "ok" {
        return Ok(());
    }
    let why = format!("Nothing was changed, the test failed: {}: {}", text("Verdict"), text("Detail"));
    Err(Failure::new(Kind::Failed, why))
}

const COLUMN: usize = 13;

fn page(answer: &Values) -> Page {
    let mut page = Page::new();
    let of = |name: &str| member(answer, name);
    let text = |name: &str| text_of(answer, name);
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
