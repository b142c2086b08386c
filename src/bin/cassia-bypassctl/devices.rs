//! `devices`: what is heard at this place.

use crate::bus::{Service, Values};
use crate::failure::Result;
use crate::page::{DIM, GREEN, Page, YELLOW, print_json, styled, terminal};
use crate::screen::{redraw, until_stopped};
use crate::value::{member, object, text_of};
use crate::words::{duration, grouped};
use clap::ArgMatches;
use std::time::Duration;
use tokio::time::sleep;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn devices(service: &Service, matches: &ArgMatches, json: bool) -> Result<()> {
    let first = service.devices().await?;
    if !matches.get_flag("watch") {
        return show(&first, json, false);
    }
    let drawn = !json && terminal().is_some();
    let watching = async {
        show(&first, json, drawn)?;
        loop {
            sleep(INTERVAL).await;
            show(&service.devices().await?, json, drawn)?;
        }
    };
    until_stopped(drawn, watching).await
}

fn show(devices: &[Values], json: bool, drawn: bool) -> Result<()> {
    if json {
        return print_json(&devices.iter().map(object).collect());
    }
    if drawn { redraw(&page(devices)) } else { page(devices).print() }
}

fn page(devices: &[Values]) -> Page {
    let mut page = Page::new();
    let head = format!(
        "{:<17} {:>4} {:>6} {:>8}  {:<6} {:<18} {}",
        "Address", "RSSI", "age", "adverts", "radio", "last advert", "name"
    );
    page.line(&styled(DIM, &head));
    for device in devices {
        let of = |name: &str| member(device, name);
        let text = |name: &str| text_of(device, name);
        let rssi = of("Rssi").as_i64().filter(|rssi| *rssi != 127).map_or("-".to_owned(), |rssi| rssi.to_string());
        let age = duration(of("AgeMs").as_u64().unwrap_or_default() / 1000);
        let outcome = format!("{:<18}", text("Outcome"));
        let outcome = styled(if text("Outcome") == "published" { GREEN } else { YELLOW }, &outcome);
        page.line(&format!(
            "{:<17} {rssi:>4} {age:>6} {:>8}  {:<6} {outcome} {}",
            text("Address"),
            grouped(of("Adverts").as_u64().unwrap_or_default()),
            text("Adapter"),
            text("Name")
        ));
    }
    if devices.is_empty() {
        page.line("Nothing is heard. What is in the way: cassia-bypassctl diagnose");
    }
    page
}
