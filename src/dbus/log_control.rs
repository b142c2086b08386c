//! `org.freedesktop.LogControl1`, for `systemctl service-log-level cassia-bypass debug`.

use crate::log;
use zbus::fdo;

/// Where systemd looks for it.
pub(super) const PATH: &str = "/org/freedesktop/LogControl1";

/// The object of `org.freedesktop.LogControl1`.
pub(super) struct LogControl;

/// What is logged, and where. See org.freedesktop.LogControl1(5).
#[zbus::interface(name = "org.freedesktop.LogControl1")]
impl LogControl {
    /// The least important lines that are logged: a word of syslog, `info` by default. Holds until the service ends.
    #[zbus(property(emits_changed_signal = "false"))]
    fn log_level(&self) -> &'static str {
        log::level()
    }

    #[zbus(property)]
    fn set_log_level(&self, level: &str) -> fdo::Result<()> {
        let words = "LogLevel: expected one of emerg, alert, crit, err, warning, notice, info, debug";
        if log::set_level(level) { Ok(()) } else { Err(fdo::Error::InvalidArgs(words.into())) }
    }

    /// `journal` or `console`: chosen at the start.
    #[zbus(property(emits_changed_signal = "false"))]
    fn log_target(&self) -> &'static str {
        log::target()
    }

    #[zbus(property)]
    fn set_log_target(&self, target: &str) -> fdo::Result<()> {
        if target == log::target() || target == "auto" {
            return Ok(());
        }
        Err(fdo::Error::InvalidArgs(format!("LogTarget: expected {}, which is chosen at the start", log::target())))
    }

    /// What the journal knows the service by.
    #[zbus(property(emits_changed_signal = "const"))]
    fn syslog_identifier(&self) -> &'static str {
        log::IDENTIFIER
    }
}
