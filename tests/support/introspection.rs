//! D-Bus introspection data: read, and written with documentation where code generators look for it.

use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What gdbus-codegen takes for the documentation of the element that it is in.
pub const DOCUMENTATION: &str = "org.gtk.GDBus.DocString";
const SIGNAL: &str = "org.freedesktop.DBus.Property.EmitsChangedSignal";
/// Without two hyphens in a row, which no comment may have.
const HEAD: &str = "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n \
                    \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n\
                    <!-- Generated from what the service says of itself; dbus/README.md has the command. -->\n";

/// Fails the test where it is not well-formed.
#[track_caller]
pub fn parse(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|error| panic!("not well-formed: {error}"))
}

/// A property as the data has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub signature: String,
    /// `true` unless an annotation says otherwise.
    pub emits: String,
}

/// Those of the only interface.
pub fn properties(text: &str) -> Vec<Property> {
    let document = parse(text);
    let elements = document.descendants().filter(|node| node.has_tag_name("property"));
    let of = |node: Node<'_, '_>, name: &str| node.attribute(name).expect(name).to_owned();
    let emits = |node: Node<'_, '_>| annotation(node, SIGNAL).unwrap_or("true").to_owned();
    elements.map(|node| Property { name: of(node, "name"), signature: of(node, "type"), emits: emits(node) }).collect()
}

/// The value of an annotation of this element.
pub fn annotation<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let is_it = |child: &Node<'_, '_>| child.has_tag_name("annotation") && child.attribute("name") == Some(name);
    node.children().find(is_it)?.attribute("value")
}

/// One interface of live introspection data, as a document of its own: the comments of zbus become annotations, which is all that
/// differs. `about` is the documentation of the interface, which zbus leaves out.
pub fn document(live: &str, interface: &str, about: &str) -> String {
    let live = parse(live);
    let is_it = |node: &Node<'_, '_>| node.has_tag_name("interface") && node.attribute("name") == Some(interface);
    let interface = live.descendants().find(is_it).expect("the interface");
    let mut text = format!("{HEAD}<node>\n");
    write(&mut text, interface, about, 2);
    text + "</node>\n"
}

fn write(text: &mut String, element: Node<'_, '_>, about: &str, indent: usize) {
    let tag = element.tag_name().name();
    write!(text, "{:indent$}<{tag}", "").expect("to memory");
    for attribute in element.attributes() {
        write!(text, " {}=\"{}\"", attribute.name(), escaped(attribute.value())).expect("to memory");
    }
    let (about, arguments) = documentation(about);
    let mut inner = String::new();
    if !about.is_empty() {
        let value = escaped(&about);
        writeln!(inner, "{:1$}<annotation name=\"{DOCUMENTATION}\" value=\"{value}\"/>", "", indent + 2)
            .expect("to memory");
    }
    // A comment is about the element behind it.
    let mut comment = "";
    for child in element.children() {
        if child.is_comment() {
            comment = child.text().unwrap_or_default();
        } else if child.is_element() {
            let name = child.attribute("name").unwrap_or_default();
            let own = arguments.get(name).filter(|_| child.has_tag_name("arg")).map_or(comment, String::as_str);
            write(&mut inner, child, own, indent + 2);
            comment = "";
        }
    }
    match &*inner {
        "" => text.push_str("/>\n"),
        _ => writeln!(text, ">\n{inner}{:indent$}</{tag}>", "").expect("to memory"),
    }
}

/// The text, and that of each argument: it is in a list at the end, as "* `name`: text".
fn documentation(comment: &str) -> (String, BTreeMap<String, String>) {
    let text = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = text.split("* `");
    let about = parts.next().unwrap_or_default().trim().to_owned();
    let argument = |part: &str| {
        let (name, text) = part.split_once("`: ").unwrap_or_else(|| panic!("expected \"* `name`: text\": {part}"));
        (name.to_owned(), text.trim().to_owned())
    };
    (about, parts.map(argument).collect())
}

/// A text between quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn introspection_comments_become_annotations() {
    let live = "<node><interface name=\"other\"/><interface name=\"a.B\"><!--\n Does\n it & \"so\".\n\n * `x`: The <x>.\n -->\
                <method name=\"Do\"><arg name=\"x\" type=\"s\" direction=\"in\"/><arg type=\"b\" direction=\"out\"/></method>\
                <property name=\"P\" type=\"t\" access=\"read\">\n<annotation name=\"n\" value=\"v\"/></property></interface></node>";
    let written = document(live, "a.B", "All of it.");
    let read = parse(&written);
    let of = |tag, name| {
        let is_it = |node: &Node<'_, '_>| node.has_tag_name(tag) && node.attribute("name") == name;
        read.descendants().find(is_it).expect("the element")
    };
    let about = |tag, name| annotation(of(tag, name), DOCUMENTATION);
    assert_eq!(about("interface", Some("a.B")), Some("All of it."));
    assert_eq!(about("method", Some("Do")), Some("Does it & \"so\"."));
    assert_eq!(about("arg", Some("x")), Some("The <x>."));
    assert_eq!((about("arg", None), about("property", Some("P"))), (None, None));
    assert_eq!(annotation(of("property", Some("P")), "n"), Some("v"));
    assert!(!written.contains("other"), "{written}");
}
