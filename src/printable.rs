//! Text of strangers for people: no terminal and no page obeys it.

/// Whether no terminal and no page takes the character for more than itself. Not those are control characters (C0, DEL, C1), the
/// separators of lines and paragraphs, and what turns the direction of writing (Unicode Standard Annex 9, section 2: marks,
/// embeddings, overrides, isolates).
#[must_use]
pub fn is_printable(c: char) -> bool {
    let turns = matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    !(c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// The text with U+FFFD in place of all other characters.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The same of a text of several lines, which end as lines do here; a tab is a space.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| printable(&line.strip_suffix('\r').unwrap_or(line).replace('\t', " ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// JSON with escapes in place of them: they stand in its strings only.
#[must_use]
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_printable(c) {
            escaped.push(c);
        } else {
            // None of them is beyond 16 bits.
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    escaped
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
        assert_eq!(printable("\u{2028}a\u{2029}\u{61c}\u{200f}\u{2066}"), "\u{fffd}a\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(printable("Zo\u{eb} \u{1f3e0}"), "Zo\u{eb} \u{1f3e0}");
    }

    #[test]
    fn printable_lines_stay_lines() {
        assert_eq!(printable_lines("a\tb\r\nc\rd\n\u{1b}[2J\n"), "a b\nc\u{fffd}d\n\u{fffd}[2J\n");
    }

    #[test]
    fn printable_json_is_the_same_json() {
        let value = serde_json::json!({"a\u{1b}\u{7f}": ["\u{9b}\u{202e}\u{2028}\n\u{61c}", "Zo\u{eb} \u{1f3e0}"]});
        let escaped = escaped(&value.to_string());
        assert!(escaped.chars().all(is_printable), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).expect("JSON"), value);
    }
}
