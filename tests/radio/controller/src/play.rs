//! Plays advertisements from a file of JSON lines.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::core::Counts;
use crate::load::{Done, Pace};
use crate::{Advert, Controller, hex};

/// What to play and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    /// JSON lines as in `tests/radio/adverts.jsonl`.
    pub file: PathBuf,
    /// Lines a second; 0 is as fast as possible.
    #[serde(default)]
    pub rate: u32,
    /// How often; 0 is until stopped.
    #[serde(default = "once")]
    pub times: u64,
    /// From the fields, in the form that the host's scan asks for, where they
    /// say all that `raw_hci` does; else `raw_hci` exactly as it is.
    #[serde(default)]
    pub described: bool,
    /// Even while the host does not scan.
    #[serde(default)]
    pub force: bool,
}

fn once() -> u64 {
    1
}

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Line {
    /// A whole event packet; may be empty.
    #[serde(default, with = "hex")]
    raw_hci: Vec<u8>,
    /// Other reports in the same event.
    #[serde(default)]
    more: Vec<Advert>,
    #[serde(flatten)]
    advert: Option<Advert>,
}

/// What a line puts on the air.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Raw(Vec<u8>),
    Described(Vec<Advert>),
}

impl Play {
    /// Runs to the end of the file, or until [`Controller::stop`].
    ///
    /// # Errors
    /// When the file is not readable or wrong, or the kernel does not take an event.
    pub fn run(&self, controller: &Controller) -> io::Result<Done> {
        let items = self.load()?;
        let stopped = controller.stopped();
        let mut pace = Pace::new(self.rate);
        let mut counts = Counts::default();
        let mut rounds = 0;
        while (self.times == 0 || rounds < self.times) && !items.is_empty() {
            rounds += 1;
            for item in &items {
                if stopped() {
                    return Ok(pace.done(counts));
                }
                pace.wait();
                counts += match item {
                    Item::Raw(packet) => controller.raw(packet, self.force)?,
                    Item::Described(adverts) => controller.report(adverts, self.force)?,
                };
            }
        }
        Ok(pace.done(counts))
    }

    fn load(&self) -> io::Result<Vec<Item>> {
        let text = fs::read_to_string(&self.file).map_err(|e| in_file(&self.file, &e))?;
        let numbered = text.lines().enumerate();
        numbered
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(n, line)| {
                item(line, self.described).map_err(|e| in_file(&self.file, &format!("line {}: {e}", n + 1)))
            })
            .collect()
    }
}

fn in_file(file: &Path, e: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {e}", file.display()))
}

fn item(line: &str, described: bool) -> Result<Item, String> {
    let line: Line = serde_json::from_str(line).map_err(|e| e.to_string())?;
    match line.advert {
        Some(advert) if described || line.raw_hci.is_empty() => {
            let mut adverts = vec![advert];
            adverts.extend(line.more);
            Ok(Item::Described(adverts))
        }
        _ if line.raw_hci.is_empty() => Err("neither raw_hci nor addr".to_owned()),
        _ => Ok(Item::Raw(line.raw_hci)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Core;
    use crate::hci::Command;
    use crate::{Address, answers::Identity, scan};

    #[test]
    fn raw_unless_described() {
        let line = r#"{"kind":"x","raw_hci":"043E0100","addr":"C0:00:00:00:00:01","data":"FF"}"#;
        assert_eq!(item(line, false), Ok(Item::Raw(vec![4, 0x3E, 1, 0])));
        assert!(matches!(item(line, true), Ok(Item::Described(a)) if a[0].data == [0xFF]));
        assert!(item(r#"{"kind":"x"}"#, false).is_err());
        assert!(item(r#"{"raw_hci":"0"}"#, false).is_err());
    }

    /// The bench's own file says the same twice: raw, and in fields.
    #[test]
    fn play_file_agrees_with_itself() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adverts.jsonl");
        for line in fs::read_to_string(file).expect("the file").lines() {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let (Ok(Item::Raw(raw)), Ok(Item::Described(adverts))) = (item(line, false), item(line, true)) else {
                panic!("raw_hci and fields in {line}");
            };
            let mut core = scanning(value["hci"] == "legacy");
            let (events, _) = core.report(&adverts, false);
            assert_eq!(events, [raw], "{line}");
        }
    }

    fn scanning(legacy: bool) -> Core {
        let address = Address::default();
        let mut core = Core::new(Identity { address, legacy });
        let commands = if legacy {
            [(scan::SET_PARAMETERS, vec![1; 7]), (scan::SET_ENABLE, vec![1, 0])]
        } else {
            [(scan::SET_EXTENDED_PARAMETERS, vec![1; 8]), (scan::SET_EXTENDED_ENABLE, vec![1, 0])]
        };
        for (opcode, parameters) in commands {
            core.command(&Command { opcode, parameters });
        }
        core
    }
}
