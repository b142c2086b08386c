//! `meta-cassia` agrees with the tree that it packages. The real bitbake: `tests/yocto/run`.
// The modules are one program.
#![allow(unreachable_pub)]

mod crates;
mod files;
mod rules;

#[path = "../support/mod.rs"]
mod support;

use files::Files;
use rules::{CRATES, INSTALL, RECIPE, Rule, SOURCE};
use std::fs;

const CONF: &str = "meta-cassia/recipes-core/cassia-router-conf/cassia-router-conf_1.0.bb";
const COCKPIT: &str =
    "meta-cassia/dynamic-layers/webserver/recipes-connectivity/cassia-bypass/cassia-bypass-cockpit_0.1.0.bb";
const IMAGE: &str = "meta-cassia/recipes-core/images/cassia-router-image.inc";
const CASES: &str = "meta-cassia/lib/oeqa/runtime/cases/cassia_bypass.py";

#[test]
fn layer_agrees_with_the_tree() {
    if std::env::var_os("UPDATE_CRATES").is_some() {
        let list = crates::list(Files::load().text("Cargo.lock"));
        fs::write(format!("{}/{CRATES}", support::ROOT), list).expect("write");
    }
    let files = Files::load();
    let problems: Vec<String> = rules::ALL.iter().flat_map(|rule| rule(&files)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A copy with this mistake has no problem but this one, and the rule finds it.
#[track_caller]
fn finds(rule: Rule, files: &Files, problem: &str) {
    let problems = rule(files);
    assert!(problems.iter().any(|found| found.contains(problem)), "{problem:?} is not in {problems:?}");
}

#[test]
fn layer_rules_find_other_crates() {
    let files = Files::load();
    let sum = "SRC_URI[autocfg-1";
    finds(rules::crates, &files.with(CRATES, sum, "SRC_URI[autocfh-1"), "UPDATE_CRATES=1");
    finds(rules::crates, &files.with("Cargo.lock", "checksum = \"", "checksum = \"0"), "UPDATE_CRATES=1");
    finds(rules::crates, &files.without(CRATES), "UPDATE_CRATES=1");
}

#[test]
fn layer_rules_find_other_licences() {
    let files = Files::load();
    finds(rules::licences, &files.with("LICENSE", "Apache", "A patchy"), "LICENSE has the md5");
    finds(rules::licences, &files.with(COCKPIT, "LICENSE;md5=3", "LICENSE;md5=4"), "LICENSE has the md5");
    finds(rules::licences, &files.with(RECIPE, "sys-0.11.0/", "sys-0.10.0/"), "paho-mqtt-sys-0.10.0");
    finds(
        rules::licences,
        &files.with(RECIPE, "paho.mqtt.c/LICENSE;md5=f", "paho.mqtt.c/LICENSE;md5=0"),
        "has the md5",
    );
    finds(rules::licences, &files.with(RECIPE, " & Zlib", ""), "deny.toml");
    finds(rules::licences, &files.with("deny.toml", "\"MIT\"", "\"MIT\", \"ISC\""), "deny.toml");
    finds(
        rules::licences,
        &files.with("meta-cassia/COPYING.MIT", "Permission", "Remission"),
        "COPYING.MIT has the md5",
    );
}

#[test]
fn layer_rules_find_other_versions() {
    let files = Files::load();
    finds(rules::versions, &files.with("Cargo.toml", "version = \"0.", "version = \"7."), "cassia-bypass_0.1.0.bb");
    finds(rules::versions, &files.with("debian/changelog", "(0.", "(7."), "debian/changelog");
    finds(rules::versions, &files.with("CHANGELOG.md", "## 0.", "## 7."), "CHANGELOG.md");
    finds(rules::versions, &files.with(SOURCE, "COMMIT ?= \"", "COMMIT ?= \"x"), "CASSIA_BYPASS_COMMIT");
    finds(rules::versions, &files.with("meta-cassia/conf/layer.conf", "wrynose", "scarthgap"), "LAYERSERIES_COMPAT");
    finds(rules::versions, &files.with("kas/base.yml", "branch: wrynose", "branch: scarthgap"), "kas/base.yml");
}

#[test]
fn layer_rules_find_sources_that_cannot_be_fetched() {
    let files = Files::load();
    let placeholder = "GIT ?= \"git://git.cassia-bypass.example/cassia-bypass.git;protocol=https;branch=main";
    let named = files.with(SOURCE, "GIT ?= \"", placeholder);
    finds(rules::sources, &named, "nothing can be fetched from git.cassia-bypass.example");
    finds(rules::sources, &named, "CASSIA_BYPASS_GIT names nothing");
    finds(rules::sources, &files.with(SOURCE, "/../../..'", "/../..'"), "CASSIA_CHECKOUT");
    finds(rules::sources, &files.with(COCKPIT, "registry.npmjs.org", "registry.invalid"), "registry.invalid");
    let elsewhere = files.with("kas/base.yml", "  cassia-bypass:\n", "  cassia-bypass:\n    url: https://host/x\n");
    finds(rules::sources, &elsewhere, "the layer of this checkout");
}

#[test]
fn layer_rules_find_files_that_are_not_there() {
    let files = Files::load();
    finds(rules::paths, &files.without("dbus/cassia-bypass.catalog"), "dbus/cassia-bypass.catalog");
    finds(rules::paths, &files.with(CONF, "file://journald.conf", "file://journal.conf"), "journal.conf");
    finds(rules::paths, &files.with(INSTALL, "put cassia-bypass.service", "put bypass.service"), "dbus/bypass.service");
    finds(rules::paths, &files.with(RECIPE, "= \"cassia-bypass.service", "= \"bypass.service"), "bypass.service");
    finds(rules::paths, &files.with("dbus/cassia-bypass.service", "/usr/bin/", "/usr/sbin/"), "ExecStart");
    let interface = "put com.cassianetworks.Bypass1.Stats.xml";
    finds(rules::paths, &files.with(INSTALL, interface, "true"), "Stats.xml is not installed");
    finds(rules::paths, &files.with("debian/rules", "packaging/install", "true"), "does not call packaging/install");
}

#[test]
fn layer_rules_find_other_settings_of_bluez() {
    let other = Files::load().with("packaging/bluetooth.conf", "TemporaryTimeout = 5", "TemporaryTimeout = 30");
    finds(rules::bluez, &other, "packaging/bluetooth.conf");
}

#[test]
fn layer_rules_find_c_that_is_compiled_otherwise() {
    let files = Files::load();
    finds(rules::hardening, &files.with(RECIPE, " -fstack-protector-strong", ""), "CFLAGS:append");
    let config = files.with(".cargo/config.toml", "HOST_CFLAGS = \"-fstack-protector-strong ", "HOST_CFLAGS = \"");
    finds(rules::hardening, &config, "HOST_CFLAGS");
}

#[test]
fn layer_rules_find_other_users() {
    let files = Files::load();
    let sysusers = "dbus/cassia-bypass.sysusers";
    finds(rules::users, &files.with(RECIPE, "nologin cassia-bypass", "nologin bypass"), "USERADD_PARAM");
    finds(rules::users, &files.with(RECIPE, "--home-dir /", "--home-dir /var"), "USERADD_PARAM");
    finds(rules::users, &files.with(RECIPE, "cassia-bypass-admin", "bypass-admin"), "GROUPADD_PARAM");
    finds(rules::users, &files.with(sysusers, "g cassia-bypass-admin", "g operators"), "GROUPADD_PARAM");
    finds(rules::users, &files.with("dbus/cassia-bypass.service", "User=cassia", "User=bypass"), "User=");
}

#[test]
fn layer_rules_find_what_yocto_check_layer_would_miss() {
    let files = Files::load();
    finds(rules::papers, &files.without("meta-cassia/SECURITY.md"), "SECURITY.md");
    finds(rules::papers, &files.with("meta-cassia/README.md", "Maintainer:", "By"), "a maintainer");
    finds(
        rules::papers,
        &files.with("meta-cassia/conf/layer.conf", "LAYERDEPENDS_cassia", "LAYERDEPEND_cassia"),
        "LAYERDEPENDS",
    );
}

#[test]
fn layer_rules_find_another_patternfly() {
    let files = Files::load();
    finds(rules::patternfly, &files.with(COCKPIT, "VERSION = \"6", "VERSION = \"5"), "package-lock.json has version");
    finds(rules::patternfly, &files.with(COCKPIT, "sha512sum] = \"f", "sha512sum] = \"0"), "integrity");
}

#[test]
fn layer_rules_find_an_image_that_does_not_fit_together() {
    let files = Files::load();
    finds(rules::image, &files.with(IMAGE, "POINT = \"/data\"", "POINT = \"/state\""), "CASSIA_STATE_DIR");
    finds(rules::image, &files.with(IMAGE, "\"LABEL=state\"", "\"LABEL=data\""), "--label data");
    finds(rules::image, &files.without("meta-cassia/files/wic/cassia-router-image.qemuarm64.wks"), "qemuarm64.wks");
    finds(rules::image, &files.with(CASES, "STARTED = \"f", "STARTED = \"0"), "catalog");
}
