//! The D-Bus files, read by the tools that others read them with.

use crate::support::ROOT;
use crate::support::introspection::{DOCUMENTATION, annotation, parse};
use crate::support::process::{output, run};
use crate::tree;
use std::fs;
use std::path::Path;
use std::process::Command;

const NAME: &str = "com.cassianetworks.Bypass1";
const INTERFACES: [&str; 2] = ["Config", "Stats"];

fn file(interface: &str) -> String {
    format!("{ROOT}/dbus/{NAME}.{interface}.xml")
}

#[test]
fn dbus_files_are_well_formed() {
    let files = tree::files().into_iter().filter(|path| path.ends_with(".xml") || path.ends_with("Bypass1.conf"));
    let files: Vec<String> = files.collect();
    assert!(files.len() >= 3, "{files:?}");
    for path in files {
        parse(&tree::text(&path));
    }
}

#[test]
fn everything_in_the_interface_files_has_a_name_and_documentation() {
    for interface in INTERFACES {
        let text = fs::read_to_string(file(interface)).expect("an interface");
        let document = parse(&text);
        let mut count = 0;
        for node in document.root_element().descendants().filter(roxmltree::Node::is_element).skip(1) {
            let name = node.attribute("name").unwrap_or_default();
            assert!(!name.is_empty(), "{interface}: {node:?} has no name");
            if !node.has_tag_name("annotation") {
                let about = annotation(node, DOCUMENTATION).unwrap_or_default();
                assert!(about.len() > 4 && !about.contains('\n'), "{interface}: {name} has no documentation");
                count += 1;
            }
        }
        assert!(count > 40, "{interface}: {count}");
    }
}

#[test]
fn gdbus_codegen_makes_c_that_compiles_and_documentation() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut codegen = Command::new("gdbus-codegen");
    codegen.args(["--interface-prefix", &format!("{NAME}."), "--c-namespace", "Cassia"]);
    codegen.args(["--generate-c-code", "bypass", "--generate-docbook", "doc"]).args(INTERFACES.map(file));
    let made = output(codegen.current_dir(directory.path()));
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() && said.is_empty(), "{said}");
    let header = fs::read_to_string(directory.path().join("bypass.h")).expect("a header");
    for call in
        ["cassia_config_call_test_connection_sync", "cassia_stats_get_adapter_addresses", "GVariant **out_report"]
    {
        assert!(header.contains(call), "{call}");
    }
    let documentation =
        fs::read_to_string(directory.path().join(format!("doc-{NAME}.Config.xml"))).expect("documentation");
    for text in ["are right and saved, or none changes", "Names of properties; an empty list means all of them"] {
        assert!(documentation.contains(text), "{text}");
    }
    let flags = run("pkg-config", ["--cflags", "gio-2.0", "gio-unix-2.0"]);
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-Wall", "-Werror", "-fsyntax-only", "bypass.c"]);
    let compiled = output(compiler.args(flags.split_whitespace()).current_dir(directory.path()));
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
}

#[test]
fn zbus_xmlgen_makes_proxies() {
    let program = run(&format!("{ROOT}/tests/docs/zbus-xmlgen"), [""; 0]);
    for interface in INTERFACES {
        let made = output(Command::new(program.trim()).args(["file", &file(interface), "-o", "-"]));
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success() && said.is_empty(), "{said}");
        let code = String::from_utf8(made.stdout).expect("UTF-8");
        let text = fs::read_to_string(file(interface)).expect("an interface");
        // A getter or a setter at least for each property, a function for each method.
        let members = |tag: &str| parse(&text).descendants().filter(|node| node.has_tag_name(tag)).count();
        let getters = code.matches("#[zbus(property").count();
        let functions = code.lines().filter(|line| line.trim_start().starts_with("fn ")).count();
        assert!(getters >= members("property") && functions >= getters + members("method"), "{code}");
    }
    assert!(Path::new(program.trim()).is_file());
}
