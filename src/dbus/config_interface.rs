//! The interface `com.cassianetworks.Bypass1.Config`: every row of the table as a property, and changes of several at once.

use super::arguments::{self, Arguments};
use super::caller::Caller;
use super::check::check_report;
use super::connection_tests;
use super::describe::Description;
use super::diagnosis::diagnosis;
use super::error::Error;
use super::foreign_discovery;
use super::properties::Properties;
use super::values::{assign, known, unknown};
use super::vardict::{VarDict, connection_test_report, device_report};
use super::withheld::Withheld;
use crate::config::schema::all;
use crate::config::{Candidate, Ignored, SettingSpec, Settings, UpdateError};
use crate::ingest::RecentDevices;
use crate::log;
use crate::model::Address;
use crate::publisher;
use crate::stats::Stats;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use zbus::message::Header;
use zbus::{BoxDBusError, Connection, OwnedVariant, Signature, Type, Variant};

/// How long devices are listened for before there is something to tell.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// The object of the interface.
pub(super) struct Config {
    pub(super) settings: Arc<Settings>,
    pub(super) stats: Arc<Stats>,
    recent: Arc<RecentDevices>,
    /// What stands for this router unless the settings say otherwise.
    router: Address,
    description: Description,
    /// The journal's lines of what was refused to protect a secret.
    withheld: Withheld,
}

type Result<T, E = BoxDBusError> = std::result::Result<T, E>;

impl Config {
    pub(super) fn new(settings: Arc<Settings>, stats: Arc<Stats>, recent: Arc<RecentDevices>, router: Address) -> Self {
        let description = Description::new(&settings.base().raw);
        Self { settings, stats, recent, router, description, withheld: Withheld::default() }
    }

    async fn change(&self, by: &Caller, given: &[&str], to: impl FnOnce(&mut Candidate)) -> Result<(), Error> {
        let requester = by.requester(given.iter().copied());
        let changed =
            self.settings.update_by(&requester, to).await.inspect_err(|error| self.note_withheld(error, by))?;
        if !changed.is_empty() {
            log::settings_changed(&changed, &by.to_string());
        }
        Ok(())
    }

    fn note_withheld(&self, error: &UpdateError, by: &Caller) {
        if let UpdateError::Withheld(problems) = error {
            self.withheld.note(problems, &by.to_string());
        }
    }

    async fn apply_all(&self, values: BTreeMap<String, OwnedVariant>, by: &Caller) -> Result<(), Error> {
        let given: Vec<&str> = values.keys().map(String::as_str).collect();
        self.change(by, &given, taking(&values)?).await
    }

    async fn test(&self, values: BTreeMap<String, OwnedVariant>, by: &Caller) -> Result<VarDict, Error> {
        let take = taking(&values)?;
        let requester = by.requester(values.keys().map(String::as_str));
        let config = self.settings.preview(&requester, |candidate| {
            // Who tries a broker has not switched it on yet.
            candidate.raw.protocol = "mqtt".into();
            take(candidate);
        });
        let config = config.await.inspect_err(|error| self.note_withheld(error, by))?;
        if let Some(mqtt) = &config.mqtt {
            log::trial(&mqtt.broker.name(), &by.to_string());
        }
        let refused = || Error::InvalidConfig("Protocol: expected mqtt, the one that can be tried".into());
        let mut test = publisher::test(&config, config.router.unwrap_or(self.router)).await.ok_or_else(refused)?;
        let synchronised = *self.stats.clock_synchronised().borrow();
        test.failure = test.failure.map(|(step, failure)| (step, publisher::clock_first(failure, synchronised)));
        Ok(connection_test_report(&test))
    }

    async fn reset_all(&self, names: Vec<String>, by: &Caller) -> Result<(), Error> {
        let wrong: Vec<_> = names.iter().filter(|n| known(n).is_none()).map(|n| unknown(n)).collect();
        Error::unless_right(&wrong)?;
        let everything = names.is_empty();
        let every = || all().map(|s| s.name).collect();
        let names: Vec<&str> = if everything { every() } else { names.iter().map(String::as_str).collect() };
        let take = |candidate: &mut Candidate| {
            names.iter().for_each(|name| candidate.copy(name, self.settings.base()));
            if everything {
                candidate.ignored = Ignored::default();
            }
        };
        // What a secret goes back to is the factory's, which the caller need not know.
        self.change(by, &[], take).await
    }
}

/// What makes these values settings, if their names and types are right.
fn taking(values: &BTreeMap<String, OwnedVariant>) -> Result<impl FnOnce(&mut Candidate) + use<'_>, Error> {
    let mut scratch = Candidate::default();
    let wrong: Vec<_> = values.iter().filter_map(|(name, v)| assign(&mut scratch, name, v).err()).collect();
    Error::unless_right(&wrong)?;
    Ok(move |candidate: &mut Candidate| values.keys().for_each(|name| candidate.copy(name, &scratch)))
}

/// Settings: each property is one, takes effect at once and is kept across restarts. Secrets are write-only.
#[zbus::interface(name = "com.cassianetworks.Bypass1.Config")]
impl Config {
    /// Changes several settings, secrets among them, in one step: all are right and saved, or none changes.
    ///
    /// * `settings`: Values by the names of the properties.
    async fn apply(
        &self,
        settings: Arguments,
        #[zbus(header)] by: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<()> {
        Ok(self.apply_all(settings.bounded()?, &Caller::of(Some(&by), bus).await).await?)
    }

    /// Tries a broker with these settings in place of the present ones: its name, TCP, TLS, MQTT, a message without
    /// adverts on ScanTopic. Nothing changes, and the connection in use is left alone.
    ///
    /// * `overrides`: Values by the names of the properties, secrets among them.
    /// * `report`: `Verdict`, `FailedStep`, `Detail`, `Broker`, `Address`, `ClientId`, `Topic`, `Tls`, `Steps` and, if the broker
    ///   showed one, `Certificate`.
    #[zbus(out_args("report"))]
    async fn test_connection(
        &self,
        overrides: Arguments,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] by: Header<'_>,
    ) -> Result<VarDict> {
        let overrides = overrides.bounded()?;
        let test = async { self.test(overrides, &Caller::of(Some(&by), bus).await).await };
        connection_tests::run(bus, &by, test).await
    }

    /// What Apply would say to these settings; nothing changes.
    ///
    /// * `settings`: Values by the names of the properties.
    /// * `report`: `Problems` has what is wrong, none if they are right, `Hints` what would be right and protect little, and
    ///   `Certificates` those that the settings would have, with whom they name and until when they hold.
    #[zbus(out_args("report"))]
    async fn check(
        &self,
        settings: Arguments,
        #[zbus(header)] by: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<VarDict> {
        let settings = settings.bounded()?;
        let by = Caller::of(Some(&by), bus).await;
        let requester = by.requester(settings.keys().map(String::as_str));
        Ok(check_report(&self.settings, &settings, &requester).await)
    }

    /// Every setting in the order of the manual: what it is, what is expected, what Reset goes back to.
    ///
    /// * `settings`: `Name`, `Key`, `Type`, `Help`, `Expected`, `Choices`, `Secret` and, of all but secrets, `Default` of each.
    #[zbus(out_args("settings"))]
    fn describe(&self) -> Description {
        self.description.clone()
    }

    /// A diagnosis of one page for support: what is heard and why, what is filtered, where it goes, what is in the way, what
    /// to do. Device addresses and secrets are not in it.
    ///
    /// * `report`: States as Stats has them under the same names, and `ScanMode`, `ScanFilter`, `Filters`, `ForeignDiscovery`,
    ///   and `Hints`, which say what to do.
    #[zbus(out_args("report"))]
    async fn diagnose(&self, #[zbus(connection)] bus: &Connection) -> VarDict {
        let config = self.settings.current();
        let foreign = foreign_discovery::poll(bus, &config, &self.stats).await;
        diagnosis(&config, &self.stats, &foreign)
    }

    /// Devices that were heard since the first such call, the last heard first, at most 500. They are noted for a minute after each
    /// call; the first one waits for three seconds before it answers.
    ///
    /// * `devices`: `Address`, `AddressType`, `Name`, `Rssi` (dBm, 127 if it is unknown), `AgeMs`, `Adverts`, `Adapter` and `Outcome`
    ///   of each: what became of its last advert.
    #[zbus(out_args("devices"))]
    async fn devices(&self) -> Vec<VarDict> {
        let found = match self.recent.ask() {
            Some(found) => found,
            None => {
                sleep(FIRST_LOOK).await;
                self.recent.ask().unwrap_or_default()
            }
        };
        let now = Instant::now();
        found.iter().map(|device| device_report(device, now)).collect()
    }

    /// Sets settings back to their packaged values and removes secrets.
    ///
    /// * `settings`: Names of properties; an empty list means all of them.
    async fn reset(
        &self,
        settings: Vec<String>,
        #[zbus(header)] by: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<()> {
        arguments::number(settings.len())?;
        Ok(self.reset_all(settings, &Caller::of(Some(&by), bus).await).await?)
    }
}

/// The table of settings as properties.
impl Properties for Config {
    fn properties(&self) -> impl Iterator<Item = (&'static str, impl FnOnce() -> Variant<'static>)> {
        let now = self.settings.current();
        all().map(move |setting| {
            let now = now.clone();
            (setting.read_name, move || now.reported(setting))
        })
    }

    fn introspect(&self, text: &mut String, level: usize) -> fmt::Result {
        let mut properties = BTreeMap::new();
        for SettingSpec { name, read_name, doc, signature, .. } in all() {
            if name == read_name {
                properties.insert(*name, property(level, name, signature, "readwrite", doc));
            } else {
                let doc = format!("{doc} Write-only; empty removes it.\n");
                properties.insert(name, property(level, name, signature, "write", &doc));
                let doc = " Whether this secret is stored.\n";
                properties.insert(read_name, property(level, read_name, bool::SIGNATURE, "read", doc));
            }
        }
        properties.values().try_for_each(|property| text.write_str(property))
    }

    async fn write(
        &self,
        name: &str,
        value: &Variant<'_>,
        by: Option<&Header<'_>>,
        bus: &Connection,
    ) -> Option<Result<()>> {
        known(name)?;
        let value = match OwnedVariant::try_from(value) {
            Ok(value) => BTreeMap::from([(name.to_owned(), value)]),
            Err(error) => return Some(Err(error.into())),
        };
        Some(self.apply_all(value, &Caller::of(by, bus).await).await.map_err(Error::of_setter))
    }
}

/// A property as zbus would write it: behind its documentation, and with the word that a secret is in no signal.
fn property(level: usize, name: &str, signature: &Signature, access: &str, doc: &str) -> String {
    let indent = " ".repeat(level);
    let doc: String = doc.lines().map(|line| format!("{indent}{line}\n")).collect();
    let comment = format!("{indent}<!--\n{doc}{indent} -->\n");
    let tag = format!("{comment}{indent}<property name=\"{name}\" type=\"{signature}\" access=\"{access}\"");
    if access != "write" {
        return format!("{tag}/>\n");
    }
    let annotation = "<annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"false\"/>";
    format!("{tag}>\n{indent}  {annotation}\n{indent}</property>\n")
}
