//! Who calls, as the bus knows it: for the journal, and for what only root may do.

use crate::config::Requester;
use crate::printable::printable;
use std::fmt;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::message::Header;

/// A client of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// `None` if the bus does not know it (any more).
    uid: Option<u32>,
    /// As the program calls itself: whoever runs it may choose that.
    program: String,
}

impl Caller {
    /// Asks the bus; a client waits for our answer, so that it is still there.
    pub(super) async fn of(header: Option<&Header<'_>>, bus: &Connection) -> Self {
        let unknown = Self { uid: None, program: String::new() };
        let Some(sender) = header.and_then(Header::sender) else { return unknown };
        let Ok(driver) = DBusProxy::new(bus).await else { return unknown };
        let Ok(known) = driver.get_connection_credentials(sender.clone().into()).await else { return unknown };
        Self { uid: known.unix_user_id(), program: known.process_id().map(program).unwrap_or_default() }
    }

    /// What it may do with the values of these settings in its call.
    pub(super) fn requester<'a>(&self, given: impl Iterator<Item = &'a str>) -> Requester {
        match self.uid {
            Some(0) => Requester::Root,
            _ => Requester::Operator { given: given.map(str::to_owned).collect() },
        }
    }
}

/// `uid 1000, busctl`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uid {
            Some(uid) => write!(f, "uid {uid}")?,
            None => f.write_str("an unknown user")?,
        }
        if self.program.is_empty() { Ok(()) } else { write!(f, ", {}", self.program) }
    }
}

/// Name of a process; empty if it is gone or hidden.
fn program(process: u32) -> String {
    let name = std::fs::read(format!("/proc/{process}/comm")).unwrap_or_default();
    printable(String::from_utf8_lossy(&name).trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_reads_as_user_and_program() {
        let caller = |uid, program: &str| Caller { uid, program: program.to_owned() };
        assert_eq!(caller(Some(33), "busctl").to_string(), "uid 33, busctl");
        assert_eq!(caller(Some(0), "").to_string(), "uid 0");
        assert_eq!(caller(None, "x").to_string(), "an unknown user, x");
        assert_eq!(program(u32::MAX), "");
        assert!(!program(std::process::id()).is_empty());
    }

    #[test]
    fn caller_is_root_by_its_user_alone() {
        let of = |uid| Caller { uid, program: "root".to_owned() }.requester(["Host"].into_iter());
        assert_eq!(of(Some(0)), Requester::Root);
        for other in [None, Some(1), Some(u32::MAX)] {
            assert_eq!(of(other), Requester::Operator { given: vec!["Host".to_owned()] });
        }
    }
}
