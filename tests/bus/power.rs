//! The service is killed while it saves: settings and secrets stay together, and no litter stays.

use crate::bus;
use crate::support::busctl::CONFIG;
use crate::support::eventually;
use crate::support::identities::Who;
use std::fs;
use std::path::Path;

/// The numbers of the password files.
fn passwords(state: &Path) -> Vec<u64> {
    let entries = fs::read_dir(state.join("secrets")).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().to_str()?.strip_prefix("password.")?.parse().ok()).collect()
}

#[test]
fn settings_and_secrets_stay_together() {
    let bus = bus();
    let state = bus.state();
    let mut service = bus.start_service();
    let mut in_the_middle = 0;
    for round in 0..12u64 {
        let next = passwords(&state).into_iter().max().unwrap_or(0) + 1;
        std::thread::scope(|scope| {
            // User name and password change together, again and again; the last call finds no service.
            scope.spawn(|| {
                (0..1000).find(|call| {
                    let value = format!("{round}-{call}");
                    let words = ["a{sv}", "2", "Username", "s", &value, "Password", "s", &value];
                    bus.call(Who::Root, "Apply", &words).is_err()
                })
            });
            // As soon as the file of a new secret is there, the power fails.
            eventually("a new secret", || passwords(&state).iter().any(|n| *n >= next + round % 3).then_some(()));
            service.kill();
        });
        in_the_middle += usize::from(passwords(&state).len() > 1);
        service = bus.start_service();
        let files = passwords(&state);
        assert!(files.len() <= 1, "old and unfinished files are gone: {files:?}");
        let username = bus.value(CONFIG, "Username");
        let password = files.first().map(|n| fs::read_to_string(state.join(format!("secrets/password.{n}"))));
        let password = password.map_or(String::new(), |text| text.expect("a file"));
        assert_eq!(username, password, "round {round}");
        assert!(!state.join("settings.toml.bad").exists() && !state.join("settings.toml.new").exists());
    }
    println!("{in_the_middle} of 12 saves were interrupted in the middle");
}
