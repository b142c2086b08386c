//! The names of tests: each begins with what is tested.

use crate::tree;

/// Words that a name without its subject begins with.
const NO_SUBJECTS: [&str; 44] = [
    "a", "after", "all", "an", "and", "another", "any", "as", "at", "before", "between", "both", "each", "every",
    "for", "from", "how", "if", "in", "is", "it", "less", "many", "more", "most", "no", "none", "not", "nothing", "of",
    "one", "only", "other", "our", "several", "some", "that", "the", "there", "those", "to", "what", "when", "without",
];

/// Names of the tests of a file.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    let marked = text.split("#[test]").skip(1).chain(text.split("#[tokio::test").skip(1));
    marked.filter_map(|rest| rest.split_once("fn ")?.1.split_once('(').map(|(name, _)| name))
}

fn lacks_subject(name: &str) -> bool {
    name.split_once('_').is_some_and(|(first, _)| NO_SUBJECTS.contains(&first))
}

#[test]
fn test_names_begin_with_their_subject() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for path in tree::ending(".rs") {
        let text = tree::text(&path);
        let names: Vec<&str> = tests(&text).collect();
        count += names.len();
        wrong.extend(names.iter().filter(|name| lacks_subject(name)).map(|name| format!("{path}: {name}")));
    }
    assert!(count > 800, "{count}");
    assert_eq!(wrong, [""; 0]);
    assert!(lacks_subject("a_queue_drops_the_oldest") && !lacks_subject("queue_drops_the_oldest"));
    assert_eq!(tests("#[test]\nfn b() {}\n#[tokio::test]\nasync fn c() {}").collect::<Vec<_>>(), ["b", "c"]);
}
