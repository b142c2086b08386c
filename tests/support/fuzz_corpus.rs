//! The corpus of a fuzz target, for the unit tests beside what it calls.

/// Feeds every file of the corpus, of which there are at least so many.
pub(crate) fn feed(target: &str, least: usize, feed: fn(&[u8])) {
    let corpus = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = std::fs::read_dir(corpus).expect("the corpus").collect();
    assert!(files.len() >= least);
    for file in files {
        feed(&std::fs::read(file.expect("an entry").path()).expect("a file"));
    }
}
