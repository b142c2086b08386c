//! The settings: their one list, the flat form of files and D-Bus, the typed value that the service works with.

mod check;
mod form;
mod pem;
mod secret;
pub(crate) mod table;
mod typed;

pub use check::Problem;
pub use form::{Draft, Form, SECRETS, SETTINGS, Secrets, Setting, setting};
pub use secret::Secret;
pub use typed::{Batching, ClientCertificate, Config, Connection, Login, Mqtt, MqttVersion, Qos, ScanMode, Security};
