//! Where settings come from and where they are kept, on the disk.

use std::path::PathBuf;

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The vendor's layer.
    pub vendor: PathBuf,
    /// Directory of systemd's credentials: the factory's layer. Only systemd knows it.
    pub credentials: Option<PathBuf>,
    /// The site's layer.
    pub site: PathBuf,
    /// Directory of `settings.toml` and the secrets.
    pub state: PathBuf,
}

impl Default for Paths {
    /// The packaged places; systemd tells `STATE_DIRECTORY` and `CREDENTIALS_DIRECTORY`.
    fn default() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            vendor: "/usr/lib/cassia-bypass/config.toml".into(),
            credentials: variable("CREDENTIALS_DIRECTORY"),
            site: "/etc/cassia-bypass/config.toml".into(),
            state: variable("STATE_DIRECTORY").unwrap_or("/var/lib/cassia-bypass".into()),
        }
    }
}

impl Paths {
    pub(super) fn settings(&self) -> PathBuf {
        self.state.join("settings.toml")
    }
}
