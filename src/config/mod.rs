//! The settings: their one list, the flat form of files and D-Bus, the typed value that the service works with, the files
//! they are kept in, and the one place where they change.

mod binding;
mod check;
mod credentials;
pub(crate) mod crl;
pub(crate) mod files;
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
mod rows;
mod salvage;
pub(crate) mod schema;
mod secret;
mod secret_store;
pub mod settings;
pub mod sizes;
mod state_file;
mod state_lock;
pub mod store;
mod syntax;
mod typed;
mod weakness;

pub use binding::Requester;
pub use check::Problem;
pub use files::FileError;
pub use ignored::Ignored;
pub use nearest::{nearest, question};
pub use pem_text::binary;
pub use problem::FileProblem;
pub use raw::{Candidate, RawConfig, SECRETS, SETTINGS, Secrets, Setting, setting};
pub use secret::Secret;
pub use settings::{Settings, UpdateError};
pub use state_lock::StateLock;
pub use store::{LoadError, Paths, Store};
pub use typed::{
    Adapters, Batching, ClientCertificate, Config, Connection, Framing, Login, MOST_ADAPTERS, Mqtt, MqttVersion,
    Payload, Qos, ScanMode, Security, Spooling, Style, TimestampFormat,
};
pub use weakness::Weakness;
