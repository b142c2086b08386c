//! Reads the recipes of meta-cassia: enough of bitbake's language to run their own `do_install` and to split what it installs
//! into packages, so that the appliance has the packages' files without a second list of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What bitbake.conf and the classes give, as far as our recipes ask. On Debian as with usrmerge.
const GIVEN: [(&str, &str); 18] = [
    ("CORE_IMAGE_EXTRA_INSTALL", ""),
    ("base_bindir", "/usr/bin"),
    ("base_libdir", "/usr/lib"),
    ("base_sbindir", "/usr/sbin"),
    ("bindir", "/usr/bin"),
    ("datadir", "/usr/share"),
    ("includedir", "/usr/include"),
    ("libdir", "/usr/lib"),
    ("libexecdir", "/usr/libexec"),
    ("localstatedir", "/var"),
    ("mandir", "/usr/share/man"),
    ("nonarch_base_libdir", "/usr/lib"),
    ("nonarch_libdir", "/usr/lib"),
    ("prefix", "/usr"),
    ("sbindir", "/usr/sbin"),
    ("sysconfdir", "/etc"),
    ("systemd_system_unitdir", "/usr/lib/systemd/system"),
    ("systemd_unitdir", "/usr/lib/systemd"),
];
/// Which package takes what no `FILES` of the recipe names, in bitbake's order: what comes first takes first.
const PACKAGES: [(&str, &str); 4] = [
    ("-dev", "${includedir}"),
    ("-doc", "${mandir} ${datadir}/doc"),
    ("-ptest", "${PTEST_PATH}"),
    ("", "${bindir}/* ${sbindir}/* ${libexecdir}/* ${sysconfdir} ${datadir}/${BPN} ${libdir}/${BPN} ${localstatedir}"),
];

/// See the module.
pub(crate) struct Recipe {
    pub(crate) name: String,
    directory: PathBuf,
    variables: BTreeMap<String, String>,
    functions: BTreeMap<String, String>,
}

impl Recipe {
    /// `NAME_VERSION.bb` or `NAME.bb`, with what it requires.
    pub(crate) fn read(layer: &Path, file: &Path) -> Self {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let (name, version) = stem.split_once('_').unwrap_or((stem, "1.0"));
        let mut recipe = Self {
            name: name.to_owned(),
            directory: file.parent().expect("a directory").to_owned(),
            variables: GIVEN.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            functions: BTreeMap::new(),
        };
        let ptest = format!("/usr/lib/{name}/ptest");
        for (variable, value) in [("PN", name), ("BPN", name), ("PV", version), ("PTEST_PATH", &ptest)] {
            recipe.variables.insert(variable.into(), value.into());
        }
        recipe.variables.insert("PACKAGES".into(), PACKAGES.map(|(suffix, _)| format!("{name}{suffix}")).join(" "));
        for (suffix, files) in PACKAGES {
            recipe.variables.insert(format!("FILES:{name}{suffix}"), files.into());
        }
        recipe.parse(layer, file);
        recipe
    }

    fn parse(&mut self, layer: &Path, file: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let text = text.replace("\\\n", "");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(required) = line.strip_prefix("require ") {
                let required = self.expand(required.trim());
                let beside = file.parent().expect("a directory").join(&required);
                self.parse(layer, &if beside.exists() { beside } else { layer.join(required) });
            } else if line.ends_with('{') && line.contains('(') {
                let body: Vec<_> = lines.by_ref().take_while(|line| *line != "}").collect();
                let head = line.split('(').next().expect("a part").trim();
                // Those of Python are for bitbake itself.
                if !line.starts_with("python") && !head.is_empty() {
                    self.function(head.trim_start_matches("fakeroot "), &body.join("\n"));
                }
            } else if !line.starts_with(['#', ' ', '\t']) {
                self.assign(line);
            }
        }
    }

    fn function(&mut self, head: &str, body: &str) {
        let (name, append) = head.strip_suffix(":append").map_or((head, false), |name| (name, true));
        assert!(!name.contains(':'), "{}: {head}: only :append of a function is understood here", self.name);
        let mine = self.functions.entry(name.to_owned()).or_default();
        if !append {
            mine.clear();
        }
        mine.push_str(body);
        mine.push('\n');
    }

    fn assign(&mut self, line: &str) {
        let line = line.trim_start_matches("export ");
        let Some((head, value)) = line.split_once('"') else { return };
        let value = value.trim_end().trim_end_matches('"');
        let head = head.trim();
        let operators = ["??=", "?=", ":=", "+=", "=+", ".=", "="];
        let Some(operator) = operators.into_iter().find(|operator| head.ends_with(operator)) else { return };
        let name = self.expand(head.trim_end_matches(operator).trim());
        let (name, append) = name.strip_suffix(":append").map_or((&*name, false), |name| (name, true));
        let old = self.variables.get(name).cloned();
        let new = match (operator, old) {
            ("??=" | "?=", Some(old)) => old,
            ("+=", Some(old)) => format!("{old} {value}"),
            ("=+", Some(old)) => format!("{value} {old}"),
            (".=", Some(old)) => old + value,
            (_, Some(old)) if append => old + value,
            _ => value.to_owned(),
        };
        self.variables.insert(name.to_owned(), new);
    }

    /// With the values of the variables that are known here.
    fn expand(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut from = 0;
        while let Some(start) = text[from..].find("${").map(|at| at + from) {
            let Some(end) = text[start..].find('}').map(|at| at + start) else { break };
            match self.variables.get(&text[start + 2..end]) {
                Some(value) => text.replace_range(start..=end, value),
                None => from = end,
            }
        }
        text
    }

    /// The value of a variable; empty if it has none.
    pub(crate) fn value(&self, name: &str) -> String {
        let value = self.expand(self.variables.get(name).map_or("", String::as_str));
        assert!(!value.contains("${"), "{}: {name} has what is not understood here: {value}", self.name);
        value
    }

    /// The words of a variable of a package, such as `FILES`.
    pub(crate) fn words(&self, variable: &str, package: &str) -> Vec<String> {
        self.value(&format!("{variable}:{package}")).split_whitespace().map(str::to_owned).collect()
    }

    pub(crate) fn packages(&self) -> Vec<String> {
        self.value("PACKAGES").split_whitespace().map(str::to_owned).collect()
    }

    /// Whether packages are more than their files: a script that bitbake would run on the device.
    pub(crate) fn has_scripts(&self) -> bool {
        self.functions.keys().any(|name| name.starts_with("pkg_"))
    }

    /// Runs `do_install` into `to`: after cargo's, which installs these programs.
    pub(crate) fn install(&mut self, sources: &Path, programs: &[PathBuf], to: &Path) {
        // A recipe without other sources has its own files there.
        let own = self.directory.join("files");
        let from = if self.variables.get("S").is_some_and(|s| s == "${UNPACKDIR}") { &own } else { sources };
        for (name, value) in [("D", to), ("S", from), ("UNPACKDIR", &own)] {
            self.variables.insert(name.into(), value.to_str().expect("UTF-8").into());
        }
        let body = self.functions.get("do_install").unwrap_or_else(|| panic!("{}: no do_install", self.name));
        let mut script = "set -eu\numask 022\n".to_owned();
        for program in programs {
            script.push_str(&format!("install -D -m 0755 {} -t ${{D}}${{bindir}}\n", program.display()));
        }
        script.push_str(body);
        // Bitbake puts the values of variables in before the shell sees its text.
        let status = Command::new("bash").args(["-c", &self.expand(&script)]).status().expect("bash");
        assert!(status.success(), "{}: do_install: {status}", self.name);
    }

    /// Which package each installed file is of. A file of none fails, as it does in bitbake.
    pub(crate) fn split(&self, installed: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
        let mut rest = installed.clone();
        let mut packages = BTreeMap::new();
        for package in self.packages() {
            let patterns = self.words("FILES", &package);
            let (mine, others) =
                rest.into_iter().partition(|file| patterns.iter().any(|pattern| covers(pattern, file)));
            packages.insert(package, mine);
            rest = others;
        }
        assert!(rest.is_empty(), "{}: installed but not shipped in any package: {rest:?}", self.name);
        packages
    }
}

/// Whether a pattern of `FILES` names the file or a directory above it. `*` stays within a name.
fn covers(pattern: &str, file: &str) -> bool {
    let mut names = file.split('/');
    pattern.trim_end_matches('/').split('/').all(|part| names.next().is_some_and(|name| glob(part, name)))
}

fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| glob(tail, &rest[at..]))
        }),
    }
}

#[test]
fn patterns_of_files() {
    for (pattern, file, expected) in [
        ("/usr/lib/sysusers.d", "/usr/lib/sysusers.d/a.conf", true),
        ("/usr/lib/sysusers", "/usr/lib/sysusers.d/a.conf", false),
        ("/usr/bin/*", "/usr/bin/program", true),
        ("/usr/lib/lib*.so.*", "/usr/lib/libx.so.1", true),
        ("/usr/lib/lib*.so.*", "/usr/lib/libx.so", false),
        ("/usr/*", "/usr/lib/libx.so", true),
        ("/data", "/data", true),
    ] {
        assert_eq!(covers(pattern, file), expected, "{pattern} {file}");
    }
}
