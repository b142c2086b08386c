//! Text of strangers for people: no terminal and no page obeys it.

/// The text with U+FFFD in place of control characters (C0, C1) and of those that turn the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_bidirectional(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Unicode Standard Annex 9, section 2: marks, embeddings, overrides, isolates.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_moves_no_cursor() {
        assert_eq!(
            printable("CN=a\u{1b}[2J\u{9b}1A\r\n\u{202e}b\u{7f}"),
            "CN=a\u{fffd}[2J\u{fffd}1A\u{fffd}\u{fffd}\u{fffd}b\u{fffd}"
        );
        assert_eq!(printable("Zo\u{eb} \u{1f3e0}"), "Zo\u{eb} \u{1f3e0}");
    }
}
