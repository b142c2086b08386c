//! The known names that someone may have meant.

/// Those of `known` that begin with `word`; if none does, the one that takes the fewest edits to reach from it, if they are few.
/// Case and underscores do not count.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let word = folded(word);
    let known: Vec<(String, &str)> = known.map(|name| (folded(name), name)).collect();
    if word.is_empty() {
        return Vec::new();
    }
    let begun: Vec<&str> = known.iter().filter(|(key, _)| key.starts_with(&word)).map(|(_, name)| *name).collect();
    if !begun.is_empty() {
        return begun;
    }
    let limit = word.chars().count() / 3 + 1;
    let edits = known.iter().map(|(key, name)| (strsim::osa_distance(&word, key), *name));
    edits.filter(|(edits, _)| *edits <= limit).min().map(|(_, name)| name).into_iter().collect()
}

/// The question after these names, if there are any: `did you mean Host?`
pub fn question(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("did you mean {name}?")),
        [others @ .., last] => Some(format!("did you mean {} or {last}?", others.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_a_slip_of_the_keyboard() {
        let near = |word| nearest(word, ["scan_mode", "scan_qos", "host", "port", "protocol"].into_iter());
        assert_eq!(near("scanmod"), ["scan_mode"]);
        assert_eq!(near("scanmdoe"), ["scan_mode"]);
        assert_eq!(near("hots"), ["host"]);
        assert_eq!(near("bogus"), [""; 0]);
        assert_eq!(near(""), [""; 0]);
    }

    #[test]
    fn nearest_counts_a_beginning_more_than_a_slip() {
        let near = |word| nearest(word, ["port", "protocol", "ScanMode", "ScanQos"].into_iter());
        // One edit away from "port".
        assert_eq!(near("Prot"), ["protocol"]);
        assert_eq!(near("scan"), ["ScanMode", "ScanQos"]);
        assert_eq!(question(&near("scan")).as_deref(), Some("did you mean ScanMode or ScanQos?"));
        assert_eq!(question(&near("prot")).as_deref(), Some("did you mean protocol?"));
        assert_eq!(question(&near("bogus")), None);
    }
}
