//! What went wrong, and the exit status for it.

use serde_json::json;
use zbus::DBusError;

/// Exit statuses, as the man page lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The reader of our output went away: print nothing.
    Closed = 0,
    Failed = 1,
    Usage = 2,
    Unavailable = 3,
    Forbidden = 4,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Unavailable => "unavailable",
            Self::Forbidden => "forbidden",
        }
    }
}

/// The service wants a stored secret again.
const SECRET_REQUIRED: &str = "com.cassianetworks.Bypass1.Error.SecretRequired";
const GIVE_AGAIN: &str = "To give it, add --secret-from NAME=- (it asks on a terminal) or --secret-from NAME=FILE to the same command; \
     else run the command as root.";

/// Why a command failed, and the exit status that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// Of the D-Bus error, if it was one.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether the output has said it already.
    pub(crate) told: bool,
}

/// The answer of most functions here.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, name: String::new(), text: text.into(), told: false }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Kind::Usage, text)
    }

    /// Several problems at once, one a line.
    pub(crate) fn all(problems: &[Self]) -> Self {
        let lines: Vec<&str> = problems.iter().map(|problem| &*problem.text).collect();
        Self::usage(lines.join("\n"))
    }

    /// What a call answered.
    pub(crate) fn of_call(error: &zbus::Error) -> Self {
        let (name, text) = match error {
            zbus::Error::MethodError(name, text, _) => (name.to_string(), text.clone().unwrap_or_default()),
            zbus::Error::FDO(error) => (error.name().to_string(), error.description().unwrap_or_default().to_owned()),
            zbus::Error::InputOutput(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                return Self::new(Kind::Unavailable, "cassia-bypassd does not answer in time");
            }
            zbus::Error::InputOutput(error) => {
                return Self::new(Kind::Unavailable, format!("the connection to the bus ended: {error}"));
            }
            other => return Self::new(Kind::Failed, other.to_string()),
        };
        let kind = kind_of(&name);
        let text = match kind {
            Kind::Forbidden => "not allowed: this needs root or a member of the group cassia-bypass-admin".to_owned(),
            Kind::Unavailable => {
                format!("cassia-bypassd is not on the bus ({text}); see systemctl status cassia-bypass")
            }
            Kind::Failed if name == SECRET_REQUIRED => format!("{text}\n{GIVE_AGAIN}"),
            // As the service says it.
            _ => text,
        };
        Self { kind, name, text, told: false }
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({"error": {"kind": self.kind.as_str(), "name": self.name, "text": self.text}})
    }
}

/// What a D-Bus error means for us. Names that are not here are the service's refusals.
fn kind_of(name: &str) -> Kind {
    const UNAVAILABLE: [&str; 6] =
        ["ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected", "TimedOut", "Timeout"];
    match name.strip_prefix("org.freedesktop.DBus.Error.") {
        Some("AccessDenied") => Kind::Forbidden,
        Some(word) if UNAVAILABLE.contains(&word) || word.starts_with("Spawn") => Kind::Unavailable,
        // The bus asked systemd to start the service, and it did not.
        None if name.starts_with("org.freedesktop.systemd1.") => Kind::Unavailable,
        _ => Kind::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_bus_are_told_from_refusals() {
        assert_eq!(kind_of("org.freedesktop.DBus.Error.AccessDenied"), Kind::Forbidden);
        assert_eq!(kind_of("org.freedesktop.DBus.Error.Spawn.ChildExited"), Kind::Unavailable);
        assert_eq!(kind_of("org.freedesktop.DBus.Error.ServiceUnknown"), Kind::Unavailable);
        assert_eq!(kind_of("org.freedesktop.systemd1.UnitMasked"), Kind::Unavailable);
        assert_eq!(kind_of("org.freedesktop.DBus.Error.UnknownMethod"), Kind::Failed);
        assert_eq!(kind_of("com.cassianetworks.Bypass1.Error.InvalidConfig"), Kind::Failed);
    }
}
