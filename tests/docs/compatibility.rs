//! `docs/compatibility.md` has the results of `tests/matrix/run`, in the form that this file gives them.

use crate::support::ROOT;
use crate::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const DOCUMENT: &str = "docs/compatibility.md";
const RESULTS: &str = "tests/matrix/results";
const BEGIN: &str = "<!-- results: written by tests/matrix/run -->\n";
const END: &str = "<!-- end of the results -->\n";
/// Each Debian, in this order.
const SUITES: [(&str, &str); 3] =
    [("bookworm", "Debian 12"), ("trixie", "Debian 13"), ("forky", "Debian 14, in the making")];
/// Where the kernels are from, in this order.
const KERNELS: [&str; 2] = ["bench", "forky"];

/// What stacks differ in, or did, and what the names of its tests contain.
const CASES: [(&str, &[&str]); 9] = [
    (
        "A power cycle is the last resort, never beside a connection",
        &["::recovery_by_a_power_cycle_where_nothing_else_helps", "::recovery_without_a_power_cycle_"],
    ),
    ("Another program connects, or tries to", &["service_connections::"]),
    ("A monitor that failed once is tried again", &["::fault_of_a_monitor_that_is_refused_for_a_while"]),
    ("Long manufacturer data, passive scan", &["::manufacturer_data_beside_a_passive_scan"]),
    ("Long manufacturer data, active scan", &["::manufacturer_data_beside_an_active_scan"]),
    (
        "Long manufacturer data, without CAP_NET_RAW",
        &["::manufacturer_data_beside_a_passive_fallback", "::manufacturer_data_beside_an_active_fallback"],
    ),
    ("A passive scan listens all the time", &["::duty_cycle_of_a_passive_scan_of_the_packages_"]),
    ("Advertisements in pieces", &["service_chains::"]),
    ("bluetoothd sends no signals that nobody requested", &["::bluetoothd_keeps_to_itself_what_nobody_asked_for"]),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// What went wrong first.
    Failed(String),
}

/// One file of `RESULTS`.
#[derive(Debug, Default, Clone)]
struct Stack {
    /// Version as bluetoothd says it, suite, version of the package.
    bluez: [String; 3],
    /// Version as the kernel says it, and where it is from.
    kernel: [String; 2],
    /// Version of the service, and the day.
    tried: [String; 2],
    tests: BTreeMap<String, Verdict>,
}

impl Stack {
    fn read(text: &str) -> Self {
        let mut stack = Self::default();
        for line in text.lines() {
            let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            match fields.as_slice() {
                [kind, version, suite, package] if kind == "bluez" => {
                    stack.bluez = [version, suite, package].map(Clone::clone);
                }
                [kind, version, from] if kind == "kernel" => stack.kernel = [version, from].map(Clone::clone),
                [kind, version, day] if kind == "tried" => stack.tried = [version, day].map(Clone::clone),
                [kind, name, verdict] if kind == "test" && verdict == "passed" => {
                    stack.tests.insert(name.clone(), Verdict::Passed);
                }
                [kind, name, verdict, said] if kind == "test" && verdict == "failed" => {
                    stack.tests.insert(name.clone(), Verdict::Failed(said.clone()));
                }
                _ => panic!("{line:?} is no line of a result"),
            }
        }
        let named = [&stack.bluez[..], &stack.kernel, &stack.tried].concat();
        assert!(named.iter().all(|field| !field.is_empty()) && !stack.tests.is_empty(), "{named:?}");
        stack
    }

    fn name(&self) -> String {
        format!("BlueZ {}, Linux {}", self.bluez[0], self.kernel[0])
    }

    fn order(&self) -> (Option<usize>, Option<usize>) {
        let suite = SUITES.iter().position(|(name, _)| *name == self.bluez[1]);
        (KERNELS.iter().position(|name| *name == self.kernel[1]), suite)
    }

    /// How these tests went.
    fn cell<'a>(&self, tests: impl Iterator<Item = &'a str>) -> String {
        let (mut passed, mut failed, mut missing) = (0, 0, 0);
        for test in tests {
            match self.tests.get(test) {
                Some(Verdict::Passed) => passed += 1,
                Some(Verdict::Failed(_)) => failed += 1,
                None => missing += 1,
            }
        }
        match (passed, failed, missing) {
            (1.., 0, 0) => format!("passed ({passed})"),
            (0, 0, _) => "not run".to_owned(),
            _ => [(passed, "passed"), (failed, "**failed**"), (missing, "not run")]
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!("{count} {word}"))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// A table: its head, then rows.
fn table(rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (n, row) in rows.iter().enumerate() {
        writeln!(text, "| {} |", row.join(" | ")).expect("text");
        if n == 0 {
            writeln!(text, "|{}", "---|".repeat(row.len())).expect("text");
        }
    }
    text + "\n"
}

/// The results as the document has them.
fn render(stacks: &[Stack]) -> String {
    let mut stacks = stacks.to_vec();
    stacks.sort_by_key(Stack::order);
    let all: BTreeSet<&str> = stacks.iter().flat_map(|stack| stack.tests.keys()).map(String::as_str).collect();
    let row = |first: &str, cell: &dyn Fn(&Stack) -> String| {
        std::iter::once(first.to_owned()).chain(stacks.iter().map(cell)).collect::<Vec<_>>()
    };
    let head = |first: &str| row(first, &Stack::name);

    let kernel = |from: &str| {
        stacks
            .iter()
            .find(|stack| stack.kernel[1] == from)
            .map_or_else(|| from.into(), |s| format!("Linux {}", s.kernel[0]))
    };
    let mut pairs = vec![[vec![String::new()], KERNELS.map(kernel).to_vec()].concat()];
    for (suite, debian) in SUITES {
        let at = |from: &str| stacks.iter().find(|stack| stack.bluez[1] == suite && stack.kernel[1] == from);
        let known = stacks.iter().find(|stack| stack.bluez[1] == suite);
        let first = known.map_or_else(
            || format!("bluez of {debian}"),
            |stack| format!("BlueZ {} ({debian}, bluez {})", stack.bluez[0], stack.bluez[2]),
        );
        let cell = |from| {
            at(from).map_or_else(
                || "not run".to_owned(),
                |stack| {
                    let [version, day] = &stack.tried;
                    format!("{}; {version}, {day}", stack.cell(all.iter().copied()))
                },
            )
        };
        pairs.push([vec![first], KERNELS.map(cell).to_vec()].concat());
    }

    let mut cases = vec![head("Case")];
    cases.extend(CASES.map(|(case, parts)| {
        let of = || all.iter().copied().filter(|test| parts.iter().any(|part| test.contains(part)));
        row(case, &|stack| stack.cell(of()))
    }));
    let mut groups = vec![head("Tests")];
    let modules: BTreeSet<&str> = all.iter().filter_map(|test| Some(test.rsplit_once("::")?.0)).collect();
    for module in modules {
        let of = || all.iter().copied().filter(|test| test.rsplit_once("::").is_some_and(|(m, _)| m == module));
        groups.push(row(&format!("`{module}`"), &|stack| stack.cell(of())));
    }
    let mut failures = String::new();
    for stack in &stacks {
        for (test, verdict) in &stack.tests {
            if let Verdict::Failed(said) = verdict {
                // As code: what a program said is no markup.
                let said = said.replace('`', "'");
                writeln!(failures, "- {}: `{test}`: `{said}`", stack.name()).expect("text");
            }
        }
    }
    if failures.is_empty() {
        failures = "Nothing that ran failed.\n".to_owned();
    }
    format!(
        "## Stacks\n\n{}## Cases\n\n{}## Groups\n\n{}## Failures\n\n{failures}\n",
        table(&pairs),
        table(&cases),
        table(&groups)
    )
}

fn results() -> Vec<Stack> {
    let files = tree::files().into_iter().filter(|path| path.starts_with(RESULTS) && path.ends_with(".tsv"));
    files.map(|path| Stack::read(&tree::text(&path))).collect()
}

#[test]
fn compatibility_has_the_results_of_the_matrix() {
    let document = tree::text(DOCUMENT);
    let (before, rest) = document.split_once(BEGIN).expect(BEGIN);
    let (_, after) = rest.split_once(END).expect(END);
    let stacks = results();
    let current = format!("{before}{BEGIN}\n{}{END}{after}", render(&stacks));
    if std::env::var_os("UPDATE_COMPATIBILITY").is_some() {
        fs::write(Path::new(ROOT).join(DOCUMENT), current).expect(DOCUMENT);
        return;
    }
    assert!(document == current, "UPDATE_COMPATIBILITY=1 cargo test --test docs compatibility");
    // Pairwise: each of both.
    for (suite, _) in SUITES {
        assert!(stacks.iter().any(|stack| stack.bluez[1] == suite), "no results of {suite}");
    }
    for kernel in KERNELS {
        assert!(stacks.iter().any(|stack| stack.kernel[1] == kernel), "no results of the kernel {kernel}");
    }
}

#[test]
fn compatibility_names_tests_that_there_are() {
    let mut names = Vec::new();
    for path in tree::ending(".rs").iter().filter(|path| path.starts_with("tests/radio/")) {
        let module = Path::new(path).file_stem().expect("a name").to_string_lossy();
        let text = tree::text(path);
        let tests = text.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn ")?.1.split_once('('));
        names.extend(tests.map(|(function, _)| format!("{module}::{function}")));
    }
    for part in CASES.iter().flat_map(|(_, parts)| parts.iter()) {
        assert!(names.iter().any(|name| name.contains(part)), "no test has {part} in its name: {names:?}");
    }
}

#[test]
fn compatibility_tells_what_passed_failed_and_did_not_run() {
    let stack = |bluez: &str, kernel: &str, tests: &str| {
        Stack::read(&format!("bluez\t{bluez}-1\nkernel\t{kernel}\ntried\t0.1.0\t2026-11-28\n{tests}"))
    };
    let older =
        stack("5.66\tbookworm\t5.66", "6.12.1\tbench", "test\ta::b\tpassed\ntest\ta::c\tfailed\tnot `within` 5 s\n");
    let newer = stack("5.87\tforky\t5.87", "7.2.1\tforky", "test\ta::b\tpassed\n");
    let text = render(&[newer, older]);
    for line in [
        "|  | Linux 6.12.1 | Linux 7.2.1 |",
        "| BlueZ 5.66 (Debian 12, bluez 5.66-1) | 1 passed, 1 **failed**; 0.1.0, 2026-11-28 | not run |",
        "| bluez of Debian 13 | not run | not run |",
        "| BlueZ 5.87 (Debian 14, in the making, bluez 5.87-1) | not run | 1 passed, 1 not run; 0.1.0, 2026-11-28 |",
        "| Tests | BlueZ 5.66, Linux 6.12.1 | BlueZ 5.87, Linux 7.2.1 |",
        "| Advertisements in pieces | not run | not run |",
        "| `a` | 1 passed, 1 **failed** | 1 passed, 1 not run |",
        "- BlueZ 5.66, Linux 6.12.1: `a::c`: `not 'within' 5 s`",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let well = stack("5.66\tbookworm\t5.66", "6.12.1\tbench", "test\ta::b\tpassed\n");
    assert!(render(&[well]).contains("| `a` | passed (1) |"));
}

#[test]
#[should_panic(expected = "is no line of a result")]
fn compatibility_takes_no_line_that_it_does_not_know() {
    Stack::read("bluez\t5.66\n");
}
