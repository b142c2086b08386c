//! Markdown as a reader sees it.

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};
use std::collections::BTreeMap;

/// What a document has.
#[derive(Debug, Default)]
pub struct Document {
    /// Where links and pictures lead, as they are written.
    pub links: Vec<String>,
    /// What a link can name behind `#`.
    pub anchors: Vec<String>,
    /// Pieces of code in the text.
    pub code: Vec<String>,
    /// Commands that are shown, with their comments.
    pub commands: Vec<Shown>,
}

/// A command as a `console` block shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Behind `#`; else behind `$`.
    pub root: bool,
    /// One line, without its continuations.
    pub line: String,
}

pub fn read(text: &str) -> Document {
    let mut document = Document::default();
    let mut seen = BTreeMap::new();
    let (mut heading, mut block): (Option<String>, Option<String>) = (None, None);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { link_type: LinkType::Email, .. }) => {}
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                document.links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                document.anchors.push(anchor(&heading.take().unwrap_or_default(), &mut seen));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) if &*kind == "console" => {
                block = Some(String::new())
            }
            Event::End(TagEnd::CodeBlock) => {
                document.commands.extend(commands(&block.take().unwrap_or_default()));
            }
            Event::Text(text) => {
                for open in [&mut heading, &mut block].into_iter().flatten() {
                    open.push_str(&text);
                }
            }
            Event::Code(code) => {
                heading.iter_mut().for_each(|heading| heading.push_str(&code));
                document.code.push(code.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                let values = html.split(['"', '\'']).collect::<Vec<_>>();
                let value = |pair: &[&str]| {
                    ["src=", "href=", "srcset="].iter().any(|name| pair[0].ends_with(name)).then(|| pair[1].to_owned())
                };
                document.links.extend(values.windows(2).filter_map(value));
            }
            _ => {}
        }
    }
    document
}

/// The anchor that GitHub and GitLab give a heading; one that is there again gets a number.
fn anchor(heading: &str, seen: &mut BTreeMap<String, u32>) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
    let count = seen.entry(anchor.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
}

fn commands(block: &str) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut lines = block.lines();
    while let Some(line) = lines.next() {
        let Some((root, command)) =
            line.strip_prefix("# ").map(|rest| (true, rest)).or(line.strip_prefix("$ ").map(|rest| (false, rest)))
        else {
            continue;
        };
        let mut line = command.to_owned();
        while line.ends_with('\\') {
            line.pop();
            line.push_str(lines.next().unwrap_or_default().trim_start());
        }
        shown.push(Shown { root, line });
    }
    shown
}

#[test]
fn markdown_is_read_as_it_is_shown() {
    let text = "# The `A` & b\n\n[x](y.md#z) ![p](q.png) `code`\n\n## The `A` & b\n\n```console\nout\n# one \\\n    two\n$ three\n```\n\
                ```toml\n# none\n```\n<img src=\"r.svg\" alt=\"s\">\n";
    let document = read(text);
    assert_eq!(document.anchors, ["the-a--b", "the-a--b-1"]);
    assert_eq!(document.links, ["y.md#z", "q.png", "r.svg"]);
    assert!(document.code.contains(&"code".to_owned()));
    let shown = |root, line: &str| Shown { root, line: line.to_owned() };
    assert_eq!(document.commands, [shown(true, "one two"), shown(false, "three")]);
}
