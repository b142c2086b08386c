//! What is asked for.

use crate::cell::{Cell, Encryption};
use crate::plan::Extent;

pub(crate) enum Order {
    Table(Extent),
    Report,
    Cell(Cell),
    /// Seconds and rate.
    Soak(u64, u64),
}

fn number<T: std::str::FromStr>(word: Option<String>, what: &str) -> Result<T, String> {
    let word = word.ok_or_else(|| format!("{what} is missing"))?;
    word.parse().map_err(|_| format!("{what} is no such number: {word}"))
}

pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Order, String> {
    // Cargo adds this one.
    let mut words = words.filter(|word| word != "--bench").peekable();
    match words.peek().map(String::as_str) {
        None => return Ok(Order::Table(Extent::Full)),
        Some("--quick") => return Ok(Order::Table(Extent::Quick)),
        Some("--report") => return Ok(Order::Report),
        Some("--soak") => {
            let seconds = number(words.nth(1), "SECONDS")?;
            let rate = if words.peek().is_some() { number(words.next(), "RATE")? } else { 1000 };
            return Ok(Order::Soak(seconds, rate));
        }
        Some(_) => {}
    }
    let mut cell = Cell::default();
    let mut numbers = 0;
    while let Some(word) = words.next() {
        match &*word {
            "--qos" => cell.qos = number(words.next(), "QoS")?,
            "--addresses" => cell.addresses = number(words.next(), "addresses")?,
            "--duplicates" => cell.duplicates = number(words.next(), "duplicates")?,
            "--encryption" => {
                let word = words.next().unwrap_or_default();
                let found = [Encryption::None, Encryption::Psk, Encryption::Certificate]
                    .into_iter()
                    .find(|e| e.as_str() == word);
                cell.encryption = found.ok_or_else(|| format!("no such encryption: {word}"))?;
            }
            _ if word.starts_with('-') || numbers == 2 => return Err(format!("unknown argument {word}")),
            _ => {
                numbers += 1;
                *(if numbers == 1 { &mut cell.rate } else { &mut cell.seconds }) = number(Some(word), "a number")?;
            }
        }
    }
    if cell.rate == 0 || cell.seconds == 0 || cell.addresses == 0 || cell.qos > 2 {
        return Err("RATE, SECONDS and addresses are at least 1, QoS is 0, 1 or 2".into());
    }
    Ok(Order::Cell(cell))
}
