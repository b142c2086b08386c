//! The settings: their one list, the flat form of files and D-Bus, the typed value that the service works with, the files
//! they are kept in, and the one place where they change.

mod binding;
mod check;
mod credentials;
pub(crate) mod crl;
pub(crate) mod files;
mod filters;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod ignored;
mod layer;
mod layers;
mod nearest;
mod paths;
mod pem;
mod pem_text;
mod problem;
mod raw;
mod salvage;
pub mod schema;
mod secret;
mod secret_store;
pub mod settings;
mod state_file;
mod state_lock;
pub mod store;
mod syntax;
mod typed;
mod weakness;

pub use binding::Requester;
pub use check::Problem;
pub use files::FileError;
pub use filters::{AddressPattern, Filters, NamePattern, UuidPattern, ValuePattern};
pub use ignored::Ignored;
pub use nearest::{nearest, question};
pub use pem_text::binary;
pub use problem::FileProblem;
pub use raw::Candidate;
pub use schema::{RawConfig, SECRETS, SETTINGS, Secrets, SettingSpec, setting};
pub use secret::Secret;
pub use settings::{Settings, UpdateError};
pub use state_lock::StateLock;
pub use store::{LoadError, Paths, Store};
pub use typed::{
    Adapters, Batching, Broker, ClientCertificate, Config, Connection, Framing, Login, MOST_ADAPTERS, Mqtt,
    MqttVersion, Payload, Publish, Qos, ScanMode, Security, Spooling, Style, TimestampFormat,
};
pub use weakness::Weakness;
