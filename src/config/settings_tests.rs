use super::*;
use crate::config::Secret;
use crate::config::store::{Paths, load};

fn settings(root: &std::path::Path) -> Settings {
    let paths =
        Paths { vendor: root.join("vendor"), credentials: None, site: root.join("site"), state: root.join("state") };
    let (store, candidate, config) = load(paths).expect("no files");
    Settings::new(store, candidate, config, Arc::default())
}

#[tokio::test]
async fn settings_are_saved_and_published() {
    let root = tempfile::tempdir().expect("temporary directory");
    let settings = settings(root.path());
    let mut watch = settings.subscribe();
    let names = settings.update(|d| (d.raw.port, d.secrets.psk) = (1, Secret::from("12".to_owned()))).await;
    assert_eq!(names.expect("update"), ["Port", "Psk"]);
    assert!(watch.has_changed().expect("open"));
    assert_eq!(watch.borrow_and_update().raw.port, 1);
    assert_eq!(settings.current().stored_secrets, ["psk"]);
    assert_eq!(settings.update(|d| d.raw.port = 1).await.expect("same").len(), 0);
    assert!(!watch.has_changed().expect("open"));
}

#[tokio::test]
async fn settings_stay_after_a_wrong_change() {
    let root = tempfile::tempdir().expect("temporary directory");
    let settings = settings(root.path());
    let refused = settings.update(|d| (d.raw.scan_qos, d.raw.protocol) = (7, "mqtt".into())).await;
    let text = refused.expect_err("refused").to_string();
    assert_eq!(
        text,
        "Host: expected a DNS name or an IP address, not empty while Protocol is mqtt; ScanQos: expected 0, 1 or 2"
    );
    assert_eq!(settings.current().raw.scan_qos, 0);
    assert!(!root.path().join("state/settings.toml").exists());
}

#[tokio::test]
async fn settings_stay_after_a_failed_save_and_that_is_logged() {
    let root = tempfile::tempdir().expect("temporary directory");
    let settings = settings(root.path());
    // The name of the temporary file is taken by a directory: root may write anywhere, but not there.
    std::fs::create_dir_all(root.path().join("state/settings.toml.new")).expect("directory");
    let refused = settings.update(|d| d.raw.port = 1).await;
    assert!(matches!(refused, Err(UpdateError::Save { .. })));
    assert_eq!(settings.current().raw.port, 0);
    assert!(!*settings.stats.state_writable().borrow());
    std::fs::remove_dir(root.path().join("state/settings.toml.new")).expect("remove");
    settings.probe_writable().await;
    assert!(*settings.stats.state_writable().borrow());
    settings.update(|d| d.raw.port = 1).await.expect("update");
}
