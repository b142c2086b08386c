//! The known name that someone may have meant.

/// The one of `known` that takes the fewest edits to reach from `word`, if they are few.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = word.chars().count() / 3 + 1;
    known
        .map(|name| (distance(&word, &name.to_lowercase()), name))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's count of insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let replace = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_found() {
        let known = || ["scan_mode", "scan_qos", "host", "port"].into_iter();
        assert_eq!(nearest("scanmode", known()), Some("scan_mode"));
        assert_eq!(nearest("Prot", known()), Some("port"));
        assert_eq!(nearest("hots", known()), Some("host"));
        assert_eq!(nearest("bogus", known()), None);
        assert_eq!(nearest("", known()), None);
    }
}
