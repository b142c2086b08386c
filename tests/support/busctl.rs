//! busctl, the client that users have.

use super::bus::Bus;
use super::identities::Who;
use super::process::output;
use super::variants::plain;
use serde_json::Value;
use std::collections::BTreeMap;

pub const NAME: &str = "com.cassianetworks.Bypass1";
pub const PATH: &str = "/com/cassianetworks/Bypass1";
pub const CONFIG: &str = "com.cassianetworks.Bypass1.Config";
pub const STATS: &str = "com.cassianetworks.Bypass1.Stats";

/// What busctl printed as JSON (null for nothing), or its complaint.
pub type Answer = Result<Value, String>;

impl Bus {
    /// Runs busctl with these words. Without the `--` it takes values such as -1 and PEM texts for options.
    pub fn busctl(&self, who: Who, words: &[&str]) -> Answer {
        let mut command = self.command(who);
        command.args(["busctl", &format!("--address={}", self.address()), "--json=short", "--"]).args(words);
        let output = output(&mut command);
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(serde_json::from_str(&said(&output.stdout)).unwrap_or(Value::Null))
        } else {
            Err(said(&output.stderr))
        }
    }

    /// Reads a property: `{"type": ..., "data": ...}`.
    pub fn get(&self, who: Who, interface: &str, property: &str) -> Answer {
        self.busctl(who, &["get-property", NAME, PATH, interface, property])
    }

    /// The value of a property that root reads.
    pub fn value(&self, interface: &str, property: &str) -> Value {
        plain(&self.get(Who::Root, interface, property).unwrap_or_else(|error| panic!("{property}: {error}")))
    }

    /// All counts at one moment; fails the test if they do not add up.
    pub fn ledger(&self) -> BTreeMap<String, u64> {
        let ledger: BTreeMap<String, u64> =
            serde_json::from_value(self.value(STATS, "Ledger")).expect("a dictionary of counts");
        let sum = |names: &[&str]| names.iter().map(|name| ledger[*name]).sum::<u64>();
        let known =
            sum(&["Published", "Filtered", "Deduplicated", "Unpublished", "Dropped", "Queued", "InFlight", "Spooled"]);
        assert_eq!(ledger["Received"] + ledger["Recovered"], known, "{ledger:?}");
        ledger
    }

    /// Writes a setting; `words` are busctl's signature and values.
    pub fn set(&self, who: Who, property: &str, words: &[&str]) -> Answer {
        self.busctl(who, &[&["set-property", NAME, PATH, CONFIG, property], words].concat())
    }

    /// Calls a method of the settings.
    pub fn call(&self, who: Who, method: &str, words: &[&str]) -> Answer {
        self.busctl(who, &[&["call", NAME, PATH, CONFIG, method], words].concat())
    }

    /// The dictionary that a method of the settings answers with.
    pub fn report(&self, who: Who, method: &str, words: &[&str]) -> Value {
        let answer = self.call(who, method, words).unwrap_or_else(|error| panic!("{method}: {error}"));
        plain(&answer["data"][0])
    }

    /// The object's introspection XML.
    pub fn introspect(&self, who: Who) -> Result<String, String> {
        let words = ["call", NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect"];
        self.busctl(who, &words).map(|answer| answer["data"][0].as_str().expect("XML").to_owned())
    }
}
