//! What must agree. Each rule tells every place where it does not.

use crate::crates::list;
use crate::files::{Files, variable};
use crate::support::ROOT;
use openssl::hash::{MessageDigest, hash};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

pub const RECIPE: &str = "meta-cassia/recipes-connectivity/cassia-bypass/cassia-bypass_0.1.0.bb";
pub const CRATES: &str = "meta-cassia/recipes-connectivity/cassia-bypass/cassia-bypass-crates.inc";
pub const INSTALL: &str = "packaging/install";
pub const SOURCE: &str = "meta-cassia/recipes-connectivity/cassia-bypass/cassia-bypass.inc";
const LAYER: &str = "meta-cassia/conf/layer.conf";

pub type Rule = fn(&Files) -> Vec<String>;

pub const ALL: &[Rule] =
    &[crates, licences, versions, sources, paths, users, papers, patternfly, image, bluez, hardening];

/// Cargo.lock and the recipe's list of crates.
pub fn crates(files: &Files) -> Vec<String> {
    let same = files.text(CRATES) == list(files.text("Cargo.lock"));
    complain(same, || format!("{CRATES} is not of this Cargo.lock: UPDATE_CRATES=1 cargo test --test layer"))
}

fn complain(holds: bool, problem: impl FnOnce() -> String) -> Vec<String> {
    if holds { Vec::new() } else { vec![problem()] }
}

fn hex(kind: MessageDigest, bytes: &[u8]) -> String {
    hash(kind, bytes).expect("a digest").iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The licence of a crate, where cargo unpacked it to build this test.
fn of_crate(path: &str) -> Option<String> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let sources = fs::read_dir(format!("{}/registry/src", home.ok()?)).ok()?;
    sources.filter_map(Result::ok).find_map(|index| fs::read_to_string(index.path().join(path)).ok())
}

/// Checksums of licences; and the licences that cargo-deny lets in are those that the recipe names.
pub fn licences(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    for recipe in files.recipes() {
        let uris = variable(files.text(recipe), "LIC_FILES_CHKSUM").unwrap_or_default();
        for (path, rest) in uris.split_whitespace().filter_map(|uri| uri.strip_prefix("file://")?.split_once(';')) {
            let text = match path.strip_prefix("../cargo_home/bitbake/") {
                Some(path) => of_crate(path),
                None if path == "${COREBASE}/meta/COPYING.MIT" => {
                    Some(files.text("meta-cassia/COPYING.MIT").to_owned())
                }
                // Of the whole file the sum is of one line only.
                None if path == "../patternfly/package/package.json" => Some("  \"license\": \"MIT\",\n".to_owned()),
                None => Some(files.text(path).to_owned()),
            };
            let Some(text) = text else {
                problems.push(format!("{recipe}: {path} is not among cargo's sources"));
                continue;
            };
            let sum = hex(MessageDigest::md5(), text.as_bytes());
            if !rest.ends_with(&format!("md5={sum}")) {
                let name = path.rsplit('/').next().unwrap_or_default();
                problems.push(format!("{recipe}: {name} has the md5 {sum}, not {rest}"));
            }
        }
    }
    let named = variable(files.text(RECIPE), "LICENSE").unwrap_or_default();
    let named: BTreeSet<&str> = named.split(" & ").collect();
    let deny: toml::Table = files.text("deny.toml").parse().expect("deny.toml");
    let licenses = deny["licenses"].as_table().expect("a table");
    let of = |table: &toml::Table| table["allow"].as_array().expect("a list").clone();
    let exceptions =
        licenses["exceptions"].as_array().expect("a list").iter().filter_map(toml::Value::as_table).flat_map(of);
    let let_in: Vec<toml::Value> = of(licenses).into_iter().chain(exceptions).collect();
    let let_in: BTreeSet<&str> = let_in.iter().filter_map(toml::Value::as_str).collect();
    problems.extend(complain(named == let_in, || format!("{RECIPE}: LICENSE has {named:?}, deny.toml {let_in:?}")));
    problems
}

/// One version everywhere, of a commit that there is, for one release of Yocto.
pub fn versions(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    let manifest: toml::Table = files.text("Cargo.toml").parse().expect("Cargo.toml");
    let version = manifest["package"]["version"].as_str().expect("a version");
    for recipe in files.recipes().filter(|path| path.contains("/cassia-bypass/") && path.ends_with(".bb")) {
        let right = recipe.ends_with(&format!("_{version}.bb"));
        problems.extend(complain(right, || format!("{recipe}: Cargo.toml has version {version}")));
    }
    let debian = files.text("debian/changelog").starts_with(&format!("cassia-bypass ({version}) "));
    problems.extend(complain(debian, || format!("debian/changelog: Cargo.toml has version {version}")));
    let begin = format!("## {version} - ");
    let date = files.text("CHANGELOG.md").lines().find_map(|line| line.strip_prefix(&begin));
    let dated = date.is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok());
    problems.extend(complain(dated, || format!("CHANGELOG.md: version {version} has no section with a date")));
    let commit = variable(files.text(SOURCE), "CASSIA_BYPASS_COMMIT").unwrap_or_default();
    let known =
        commit.len() == 40 && (shallow() || git(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_some());
    problems.extend(complain(known, || {
        format!("{SOURCE}: CASSIA_BYPASS_COMMIT {commit:?} is no commit of this repository")
    }));
    let release = variable(files.text(LAYER), "LAYERSERIES_COMPAT_cassia").unwrap_or_default();
    problems.extend(complain(release == "wrynose", || format!("{LAYER}: LAYERSERIES_COMPAT is {release:?}")));
    let branch = files.text("kas/base.yml").contains(&format!("    branch: {release}\n"));
    problems.extend(complain(branch, || format!("kas/base.yml: the branch of the repositories is not {release:?}")));
    problems
}

/// C is compiled the same way by cargo and by bitbake.
pub fn hardening(files: &Files) -> Vec<String> {
    const CONFIG: &str = ".cargo/config.toml";
    let config: toml::Table = files.text(CONFIG).parse().expect("TOML");
    let flags = |name: &str| config["env"][name].as_str().expect("a text");
    let same = flags("HOST_CFLAGS") == flags("TARGET_CFLAGS");
    let mut problems = complain(same, || format!("{CONFIG}: HOST_CFLAGS and TARGET_CFLAGS are not the same"));
    let appended = variable(files.text(RECIPE), "CFLAGS:append").map(str::trim);
    let same = appended == Some(flags("TARGET_CFLAGS"));
    problems.extend(complain(same, || format!("{RECIPE}: CFLAGS:append is not the TARGET_CFLAGS of {CONFIG}")));
    problems
}

/// What is fetched is there: the recipes build the checkout that the layer lies in, unless a repository is named.
pub fn sources(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    for recipe in files.recipes() {
        let lines = files.text(recipe).lines();
        let fetched = lines.filter(|line| !["#", "HOMEPAGE", "BUGTRACKER"].iter().any(|other| line.starts_with(other)));
        for host in fetched.flat_map(|line| line.split("://").skip(1)) {
            let host = host.split(['/', ';', '"', ' ']).next().unwrap_or_default();
            // RFC 2606 keeps these names for texts.
            let real = !["example", "invalid", "test"].iter().any(|name| host.split('.').any(|part| part == *name));
            problems.extend(complain(real, || format!("{recipe}: nothing can be fetched from {host}")));
        }
    }
    let source = files.text(SOURCE);
    let own = variable(source, "CASSIA_BYPASS_GIT") == Some("");
    problems.extend(complain(own, || format!("{SOURCE}: expected the checkout where CASSIA_BYPASS_GIT names nothing")));
    let up =
        source.lines().find(|line| line.starts_with("CASSIA_CHECKOUT := ")).and_then(|line| line.split('\'').nth(3));
    let depth = SOURCE.matches('/').count();
    let top = up.is_some_and(|up| up == "/..".repeat(depth));
    problems.extend(complain(top, || format!("{SOURCE}: CASSIA_CHECKOUT is not the directory with Cargo.toml")));
    let kas = files.text("kas/base.yml");
    let repository = kas.split_once("\n  cassia-bypass:\n").map_or("", |(_, rest)| rest);
    let repository: Vec<&str> = repository.lines().take_while(|line| line.starts_with("    ")).map(str::trim).collect();
    let here = repository == ["layers:", "meta-cassia:"];
    problems.extend(complain(here, || "kas/base.yml: expected the layer of this checkout".to_owned()));
    problems
}

fn git(arguments: &[&str]) -> Option<String> {
    let owner = ["-c", "safe.directory=*", "-C", ROOT];
    let output = Command::new("git").args(owner).args(arguments).output().expect("git");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A clone of the last commits only, or none.
fn shallow() -> bool {
    git(&["rev-parse", "--is-shallow-repository"]).is_none_or(|said| said == "true")
}

/// What recipes install is there, and what is there is installed.
pub fn paths(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    for recipe in files.recipes() {
        let text = files.text(recipe);
        let directory = recipe.rsplit_once('/').expect("a directory").0;
        let words = || text.split_whitespace().map(|word| word.trim_end_matches(['"', '/', '\\']));
        let own: Vec<&str> = words().filter_map(|word| word.trim_start_matches('"').strip_prefix("file://")).collect();
        let own: Vec<&str> = own.into_iter().filter(|path| !path.contains(';')).collect();
        for path in &own {
            let there = files.has(&format!("{directory}/files/{path}"));
            problems.extend(complain(there, || format!("{recipe}: {path} is not in {directory}/files")));
        }
        for path in words().filter_map(|word| word.strip_prefix("${S}/")) {
            let path = path.split('*').next().unwrap_or_default().trim_end_matches('/');
            let there = own.contains(&path) || files.has(path);
            problems.extend(complain(there, || format!("{recipe}: {path} is not in the tree")));
        }
        for unit in text.lines().filter(|line| line.starts_with("SYSTEMD_SERVICE:")) {
            for unit in unit.split('"').nth(1).unwrap_or_default().split_whitespace() {
                let installed = files.text(INSTALL).contains(&format!("\nput {unit} "));
                problems.extend(complain(installed, || format!("{recipe}: {unit} is not installed")));
            }
        }
    }
    let put = || files.text(INSTALL).lines().filter_map(|line| line.strip_prefix("put ")?.split(' ').next());
    for path in put() {
        let there = files.has(&format!("dbus/{path}"));
        problems.extend(complain(there, || format!("{INSTALL}: dbus/{path} is not in the tree")));
    }
    for path in files.under("dbus/").filter(|path| !path.starts_with("dbus/cockpit/") && !path.ends_with("README.md")) {
        let installed = put().any(|other| path.strip_prefix("dbus/") == Some(other));
        problems.extend(complain(installed, || format!("{INSTALL}: {path} is not installed")));
    }
    for (packaging, call) in [(RECIPE, "${S}/packaging/install"), ("debian/rules", "packaging/install")] {
        let called = files.text(packaging).contains(call);
        problems.extend(complain(called, || format!("{packaging}: it does not call packaging/install")));
    }
    let manifest: toml::Table = files.text("Cargo.toml").parse().expect("Cargo.toml");
    let programs = manifest["bin"].as_array().expect("a list");
    let started = programs
        .iter()
        .filter_map(|program| program["name"].as_str())
        .any(|name| files.text("dbus/cassia-bypass.service").contains(&format!("\nExecStart=/usr/bin/{name}\n")));
    problems
        .extend(complain(started, || "dbus/cassia-bypass.service: ExecStart is no program of Cargo.toml".to_owned()));
    problems
}

/// What bluetoothd is asked for, by the layer and by the Debian package.
pub fn bluez(files: &Files) -> Vec<String> {
    let layer = "meta-cassia/recipes-core/cassia-router-conf/files/bluetooth.conf";
    let debian = "packaging/bluetooth.conf";
    let settings = |path| {
        let lines = files.text(path).lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.collect::<Vec<_>>()
    };
    let same = !settings(layer).is_empty() && settings(layer) == settings(debian);
    complain(same, || format!("{debian}: it has other settings than {layer}")).into_iter().collect()
}

/// The user and the group, as systemd-sysusers and as the package make them.
pub fn users(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    let recipe = files.text(RECIPE);
    let useradd = variable(recipe, "USERADD_PARAM:${PN}").unwrap_or_default();
    let groupadd = variable(recipe, "GROUPADD_PARAM:${PN}").unwrap_or_default();
    for line in files.text("dbus/cassia-bypass.sysusers").lines().filter(|line| !line.starts_with('#')) {
        let (kind, rest) = line.split_once(' ').unwrap_or_default();
        let name = rest.split(' ').next().unwrap_or_default();
        let problem = match kind {
            "u" => {
                // After the description comes the home.
                let home = rest.rsplit('"').next().unwrap_or_default().split_whitespace().next().unwrap_or_default();
                let unit = files.text("dbus/cassia-bypass.service").contains(&format!("\nUser={name}\n"));
                problems.extend(complain(unit, || format!("dbus/cassia-bypass.service: User= is not {name}")));
                let right = useradd.contains(&format!(" --home-dir {home} ")) && useradd.ends_with(&format!(" {name}"));
                complain(right, || format!("{RECIPE}: USERADD_PARAM has not the user of {line:?}"))
            }
            "g" => {
                let right = groupadd.ends_with(&format!(" {name}"));
                complain(right, || format!("{RECIPE}: GROUPADD_PARAM has not the group of {line:?}"))
            }
            _ => vec![format!("dbus/cassia-bypass.sysusers: {line:?} is not in {RECIPE}")],
        };
        problems.extend(problem);
    }
    problems
}

/// What yocto-check-layer and the layer index want of the papers and of layer.conf.
pub fn papers(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    let readme = files.text("meta-cassia/README.md").to_lowercase();
    let maintained = readme.lines().any(|line| line.starts_with("maintainer: ") && line.contains('@'));
    problems.extend(complain(maintained, || "meta-cassia/README.md: expected a maintainer with an address".to_owned()));
    for (word, name) in [("patch", "how to send a patch"), ("layers: meta", "the dependencies")] {
        problems.extend(complain(readme.contains(word), || format!("meta-cassia/README.md: expected {name}")));
    }
    for paper in ["SECURITY.md", "COPYING.MIT"] {
        problems
            .extend(complain(files.has(&format!("meta-cassia/{paper}")), || format!("meta-cassia: expected {paper}")));
    }
    for key in ["BBFILE_PATTERN", "BBFILE_PRIORITY", "LAYERVERSION", "LAYERDEPENDS"] {
        let there = variable(files.text(LAYER), &format!("{key}_cassia")).is_some_and(|value| !value.is_empty());
        problems.extend(complain(there, || format!("{LAYER}: expected {key}_cassia")));
    }
    problems
}

/// The page's recipe takes the PatternFly that the page is tested with.
pub fn patternfly(files: &Files) -> Vec<String> {
    let recipe = files.recipes().find(|path| path.contains("cassia-bypass-cockpit_")).expect("the recipe");
    let text = files.text(recipe);
    let lock: serde_json::Value =
        serde_json::from_str(files.text("dbus/cockpit/package-lock.json")).expect("package-lock.json");
    let package = &lock["packages"]["node_modules/@patternfly/patternfly"];
    let version = package["version"].as_str().expect("a version");
    let taken = variable(text, "PATTERNFLY_VERSION").unwrap_or_default();
    let mut problems =
        complain(taken == version, || format!("{recipe}: package-lock.json has version {version}, not {taken}"));
    let integrity = package["integrity"].as_str().and_then(|text| text.strip_prefix("sha512-")).expect("a sha512");
    let sum = openssl::base64::decode_block(integrity).expect("base64");
    let sum: String = sum.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
    let given = variable(text, "SRC_URI[patternfly.sha512sum]").unwrap_or_default();
    problems.extend(complain(given == sum, || {
        format!("{recipe}: the integrity in package-lock.json is {sum}, not {given}")
    }));
    problems
}

/// The pieces of the image name the same things.
pub fn image(files: &Files) -> Vec<String> {
    let image = "meta-cassia/recipes-core/images/cassia-router-image.inc";
    let conf = "meta-cassia/recipes-core/cassia-router-conf/cassia-router-conf_1.0.bb";
    let point = variable(files.text(image), "OVERLAYFS_ETC_MOUNT_POINT").unwrap_or_default();
    let state = variable(files.text(conf), "CASSIA_STATE_DIR").unwrap_or_default();
    let mut problems =
        complain(point == state, || format!("{image} mounts {point}, {conf} has CASSIA_STATE_DIR {state}"));
    let device = variable(files.text(image), "OVERLAYFS_ETC_DEVICE").unwrap_or_default();
    let label = device.strip_prefix("LABEL=").unwrap_or_default();
    let machines =
        files.under("kas/").flat_map(|path| files.text(path).lines()).filter_map(|line| line.strip_prefix("machine: "));
    for machine in machines {
        let wks = format!("meta-cassia/files/wic/cassia-router-image.{machine}.wks");
        let labelled = files.text(&wks).contains(&format!("--label {label} "));
        problems.extend(complain(labelled, || format!("{wks}: expected a partition with --label {label}")));
    }
    let cases = files.text("meta-cassia/lib/oeqa/runtime/cases/cassia_bypass.py");
    for id in cases.split('"').filter(|word| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        let known = files.text("dbus/cassia-bypass.catalog").contains(&format!("-- {id}\n"));
        problems
            .extend(complain(known, || format!("the tests of the image ask for {id}, which is not in the catalog")));
    }
    problems
}
