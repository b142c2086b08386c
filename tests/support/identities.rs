//! Users and groups for a test, without a trace on the machine: copies of `/etc/passwd` and `/etc/group` with what the
//! shipped sysusers file adds, to be mounted over the real ones in a mount namespace.

use super::ROOT;
use super::process::run;
use std::fs;
use std::path::{Path, PathBuf};

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Root,
    /// The user of the service.
    Service,
    /// A member of `cassia-bypass-admin`.
    Admin,
    Nobody,
}

impl Who {
    pub fn user(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Service => "cassia-bypass",
            Self::Admin => "cassia-test-admin",
            Self::Nobody => "nobody",
        }
    }
}

/// A directory that holds `etc/passwd` and `etc/group`.
pub struct Identities {
    root: PathBuf,
}

impl Identities {
    pub fn new(root: &Path) -> Self {
        assert!(rustix::process::geteuid().is_root(), "these tests need root: they run programs as several users");
        let etc = root.join("etc");
        fs::create_dir(&etc).expect("directory");
        for file in ["passwd", "group"] {
            fs::copy(Path::new("/etc").join(file), etc.join(file)).expect("copy");
        }
        let shipped = Path::new(ROOT).join("dbus/cassia-bypass.sysusers");
        let mut users = fs::read_to_string(shipped).expect("dbus/cassia-bypass.sysusers");
        users.push_str("u cassia-test-admin -\nm cassia-test-admin cassia-bypass-admin\n");
        fs::create_dir(etc.join("sysusers.d")).expect("directory");
        fs::write(etc.join("sysusers.d/test.conf"), users).expect("write");
        run("systemd-sysusers", [format!("--root={}", root.display())]);
        Self { root: root.to_owned() }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join("etc").join(name)
    }

    /// User and group id.
    pub fn ids(&self, who: Who) -> (u32, u32) {
        let text = fs::read_to_string(self.file("passwd")).expect("passwd");
        let line = text.lines().find(|line| line.split(':').next() == Some(who.user())).expect("a known user");
        let ids: Vec<u32> = line.split(':').skip(2).take(2).map(|id| id.parse().expect("an id")).collect();
        (ids[0], ids[1])
    }
}
