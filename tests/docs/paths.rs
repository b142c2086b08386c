//! Files, scripts, options and targets of cargo that the documents name are there.

use crate::links::documents;
use crate::support::ROOT;
use crate::support::process::run;
use crate::tree;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Of what was, these tell on purpose.
const HISTORY: [&str; 1] = ["CHANGELOG.md"];

/// What the documents are compared with.
struct Named {
    /// Top directories of the checkout that only files of ours begin with.
    tops: BTreeSet<String>,
    /// Tests, benches and programs of cargo, as `test bus`.
    targets: BTreeSet<String>,
}

impl Named {
    fn read() -> Self {
        let tops =
            tree::files().iter().filter_map(|path| path.split_once('/')).map(|(top, _)| top.to_owned()).collect();
        let metadata = run(
            "cargo",
            [
                "metadata",
                "--format-version=1",
                "--no-deps",
                "--offline",
                "--manifest-path",
                &format!("{ROOT}/Cargo.toml"),
            ],
        );
        let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
        let target = |target: &Value| {
            format!(
                "{} {}",
                target["kind"][0].as_str().unwrap_or_default(),
                target["name"].as_str().unwrap_or_default()
            )
        };
        let packages = metadata["packages"].as_array().expect("a list");
        let targets = packages.iter().flat_map(|package| package["targets"].as_array().expect("a list")).map(target);
        Self { tops, targets: targets.collect() }
    }

    /// A path of the checkout, up to what stands for several.
    fn path<'a>(&self, word: &'a str) -> Option<&'a str> {
        let word = word.trim_matches(|c: char| "'\"(),;".contains(c));
        let path = word.strip_prefix("./").unwrap_or(word);
        let top = path.split('/').next().unwrap_or_default();
        // What is built is not there yet.
        let ours = top != "target" && (word != path || (path.contains('/') && self.tops.contains(top)));
        let known = path.split(['*', '{']).next().unwrap_or_default();
        ours.then(|| if known.len() < path.len() { known.trim_end_matches(|c| c != '/') } else { path })
    }

    /// What a command or a piece of code names that is not there. `from` is the directory that it may mean, too.
    fn missing(&self, command: &str, from: &Path) -> Vec<String> {
        let mut missing = Vec::new();
        let command = command.split("  #").next().unwrap_or_default();
        let words: Vec<&str> = command.split_whitespace().collect();
        for word in &words {
            // Of each part that a `:` joins, as in kas a.yml:b.yml.
            for part in word.split(':') {
                let Some(path) = self.path(part) else { continue };
                if !Path::new(ROOT).join(path).exists() && !from.join(path).exists() {
                    missing.push(format!("there is no {path}"));
                }
            }
        }
        let words = || words.iter().copied().skip_while(|word| word.contains('='));
        let program = words().next().unwrap_or_default();
        let options = || words().filter(|word| word.starts_with("--") && word.len() > 2);
        if program == "cargo" {
            for (kind, name) in words().zip(words().skip(1)) {
                let Some(kind) = kind.strip_prefix("--").filter(|kind| ["test", "bench", "bin"].contains(kind)) else {
                    continue;
                };
                if name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
                    && !self.targets.contains(&format!("{kind} {name}"))
                {
                    missing.push(format!("cargo has no {kind} {name}"));
                }
            }
        }
        // What a script of ours takes stands in it, or in what it sources.
        let script = self.path(program).filter(|path| Path::new(ROOT).join(path).is_file());
        if let Some(script) = script {
            let text = tree::text(script) + &tree::text("tests/install.sh");
            missing.extend(
                options()
                    .filter(|o| !text.contains(o.split('=').next().unwrap_or(o)))
                    .map(|o| format!("{script} has no {o}")),
            );
        }
        missing
    }
}

#[test]
fn documents_name_what_is_there() {
    let named = Named::read();
    let (mut problems, mut count) = (Vec::new(), 0);
    for (from, document) in documents() {
        if HISTORY.contains(&&*from) {
            continue;
        }
        let directory = Path::new(ROOT).join(&from);
        let directory = directory.parent().expect("a directory");
        let commands = document.commands.iter().map(|shown| &shown.line);
        for code in document.code.iter().chain(commands) {
            problems.extend(
                named.missing(code, directory).into_iter().map(|problem| format!("{from}: `{code}`: {problem}")),
            );
            count += 1;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(count > 500, "{count}");
}

#[test]
fn names_of_what_is_not_there_are_found() {
    let named = Named::read();
    let missing = |command: &str| named.missing(command, Path::new(ROOT));
    for (wrong, problem) in [
        ("./chekc", "there is no chekc"),
        ("./check --crosss", "check has no --crosss"),
        ("tests/radio/boto x", "there is no tests/radio/boto"),
        ("kas build kas/qemux86-64.yml:kas/nothing.yml", "there is no kas/nothing.yml"),
        ("cargo test --test nothing", "cargo has no test nothing"),
        ("UPDATE_XML=1 cargo bench --bench nothing -- --quick", "cargo has no bench nothing"),
        ("install dbus/nothing/com.*.xml", "there is no dbus/nothing/"),
    ] {
        assert!(missing(wrong).iter().any(|found| found == problem), "{wrong}: {:?}", missing(wrong));
    }
    for right in [
        "./check --cross",
        "kas build kas/qemux86-64.yml:kas/testing.yml",
        "cargo test --test NAME",
        "install -D dbus/com.*.xml",
        "src/lib.rs:5",
    ] {
        assert_eq!(missing(right), [""; 0], "{right}");
    }
}
