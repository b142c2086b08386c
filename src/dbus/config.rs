//! The interface `com.cassianetworks.Bypass1.Config`: every row of the table as a property, and changes of several at once.

use super::arguments::{self, Arguments};
use super::caller::Caller;
use super::check::check_report;
use super::connection_tests;
use super::describe::Description;
use super::diagnosis::diagnosis;
use super::error::Error;
use super::others;
use super::report::{Report, trial_report};
use super::values::{assign, known, typed, unknown};
use super::withheld::Withheld;
use crate::config::schema::{for_each_secret, for_each_setting};
use crate::config::{Candidate, Ignored, SECRETS, SETTINGS, Secret, Settings, UpdateError};
use crate::log;
use crate::model::Address;
use crate::publisher;
use crate::stats::Stats;
use std::collections::BTreeMap;
use std::sync::Arc;
use zbus::message::Header;
use zbus::{BoxDBusError, Connection, OwnedVariant, Variant};

/// See the module.
pub(super) struct Config {
    pub(super) settings: Arc<Settings>,
    pub(super) stats: Arc<Stats>,
    /// What stands for this router unless the settings say otherwise.
    router: Address,
    description: Description,
    /// The journal's lines of what was refused to protect a secret.
    withheld: Withheld,
    /// The settings of one moment, unless the present ones are meant.
    moment: Option<Arc<crate::config::Config>>,
}

type Result<T, E = BoxDBusError> = std::result::Result<T, E>;

impl Config {
    pub(super) fn new(settings: Arc<Settings>, stats: Arc<Stats>, router: Address) -> Self {
        let description = Description::new(&settings.base().raw);
        Self { settings, stats, router, description, withheld: Withheld::default(), moment: None }
    }

    /// The same at this moment: all that is read of it fits together.
    pub(super) fn snapshot(&self) -> Self {
        let (settings, stats) = (self.settings.clone(), self.stats.clone());
        let (router, description, withheld) = (self.router, self.description.clone(), self.withheld.clone());
        Self { settings, stats, router, description, withheld, moment: Some(self.now()) }
    }

    fn now(&self) -> Arc<crate::config::Config> {
        self.moment.clone().unwrap_or_else(|| self.settings.current())
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

    async fn set(&self, by: &Caller, name: &str, to: impl FnOnce(&mut Candidate)) -> Result<()> {
        self.change(by, &[name], to).await.map_err(Error::of_setter)
    }

    async fn apply_all(&self, values: BTreeMap<String, OwnedVariant>, by: &Caller) -> Result<(), Error> {
        let given: Vec<&str> = values.keys().map(String::as_str).collect();
        self.change(by, &given, taking(&values)?).await
    }

    async fn test(&self, values: BTreeMap<String, OwnedVariant>, by: &Caller) -> Result<Report, Error> {
        let take = taking(&values)?;
        let requester = by.requester(values.keys().map(String::as_str));
        let config = self.settings.preview(&requester, |candidate| {
            // Who tries a broker has not switched it on yet.
            candidate.raw.protocol = "mqtt".into();
            take(candidate);
        });
        let config = config.await.inspect_err(|error| self.note_withheld(error, by))?;
        if let Some(mqtt) = &config.mqtt {
            log::trial(&mqtt.broker(), &by.to_string());
        }
        let mut trial = publisher::test(&config, config.router.unwrap_or(self.router)).await;
        if let Some((step, failure)) = trial.as_mut().and_then(|trial| trial.failure.take()) {
            let failure = publisher::clock_first(failure, *self.stats.clock_synchronised().borrow());
            trial.iter_mut().for_each(|trial| trial.failure = Some((step, failure.clone())));
        }
        let refused = || Error::InvalidConfig("Protocol: expected mqtt, the one that can be tried".into());
        trial.map(|trial| trial_report(&trial)).ok_or_else(refused)
    }

    async fn reset_all(&self, names: Vec<String>, by: &Caller) -> Result<(), Error> {
        let wrong: Vec<_> = names.iter().filter(|n| known(n).is_none()).map(|n| unknown(n)).collect();
        if !wrong.is_empty() {
            return Err(Error::InvalidConfig(wrong.join("; ")));
        }
        let all = names.is_empty();
        let every = || SETTINGS.iter().chain(SECRETS).map(|s| s.name).collect();
        let names: Vec<&str> = if all { every() } else { names.iter().map(String::as_str).collect() };
        let take = |candidate: &mut Candidate| {
            names.iter().for_each(|name| candidate.copy(name, self.settings.base()));
            if all {
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
    if !wrong.is_empty() {
        return Err(Error::InvalidConfig(wrong.join("; ")));
    }
    Ok(move |candidate: &mut Candidate| values.keys().for_each(|name| candidate.copy(name, &scratch)))
}

/// Both tables at once, because an interface is one `impl` block.
macro_rules! with_secrets {
    ($($settings:tt)*) => { for_each_secret!(define_interface { $($settings)* }); };
}

macro_rules! define_interface {
    (
        { $($(#[$doc:meta])* $key:ident $setter:ident $name:ident: $type:ty = $default:expr, $expected:literal;)* }
        $($(#[$sdoc:meta])* $skey:ident $ssetter:ident $is_set:ident $sname:ident, $sexpected:literal;)*
    ) => {
        /// Settings: each property is one, takes effect at once and is kept across restarts. Secrets are write-only.
        #[zbus::interface(name = "com.cassianetworks.Bypass1.Config")]
        impl Config {
            $(
                $(#[$doc])*
                #[zbus(property)]
                fn $key(&self) -> $type {
                    self.now().raw.$key.clone()
                }

                #[zbus(property)]
                async fn $setter(
                    &self,
                    value: $type,
                    #[zbus(header)] by: Option<Header<'_>>,
                    #[zbus(connection)] bus: &Connection,
                ) -> Result<()> {
                    let by = Caller::of(by.as_ref(), bus).await;
                    self.set(&by, stringify!($name), |candidate| {
                        candidate.touch(stringify!($name));
                        candidate.raw.$key = value;
                    })
                    .await
                }
            )*

            $(
                $(#[$sdoc])*
                /// Write-only; empty removes it.
                #[zbus(property)]
                async fn $ssetter(
                    &self,
                    value: String,
                    #[zbus(header)] by: Option<Header<'_>>,
                    #[zbus(connection)] bus: &Connection,
                ) -> Result<()> {
                    let by = Caller::of(by.as_ref(), bus).await;
                    self.set(&by, stringify!($sname), |candidate| {
                        candidate.touch(stringify!($sname));
                        candidate.secrets.$skey = Secret::from(value);
                    })
                    .await
                }

                /// Whether this secret is stored.
                #[zbus(property)]
                fn $is_set(&self) -> bool {
                    self.now().stored_secrets.contains(&stringify!($skey))
                }
            )*

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
            ) -> Result<Report> {
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
            ) -> Result<Report> {
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
            async fn diagnose(&self, #[zbus(connection)] bus: &Connection) -> Report {
                let config = self.settings.current();
                let others = others::look(bus, &config, &self.stats).await;
                diagnosis(&config, &self.stats, &others)
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

        impl Config {
            /// Sets a property as the bus wants it, without the signal of the generated setter: [`super::follow`] tells
            /// every change once, whoever made it.
            pub(super) async fn set_by_name(
                &self,
                name: &str,
                value: &Variant<'_>,
                by: Option<Header<'_>>,
                bus: &Connection,
            ) -> Option<Result<()>> {
                let wrong = |text| Err(Error::InvalidConfig(text).of_setter());
                Some(match name {
                    $(stringify!($name) => match typed(value, name) {
                        Ok(value) => self.$setter(value, by, bus).await,
                        Err(text) => wrong(text),
                    },)*
                    $(stringify!($sname) => match typed(value, name) {
                        Ok(value) => self.$ssetter(value, by, bus).await,
                        Err(text) => wrong(text),
                    },)*
                    _ => return None,
                })
            }
        }
    };
}
for_each_setting!(with_secrets);
