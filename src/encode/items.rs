//! Where the items of a finished message lie in its payload.

use super::age::ENVELOPE;
use std::ops::Range;

/// The items of a payload, in order, as far as it is well-formed. An object is one item.
pub(super) fn items(payload: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = match payload {
        payload if payload.starts_with(ENVELOPE) => ENVELOPE.len(),
        [b'[', ..] => 1,
        _ => 0,
    };
    std::iter::from_fn(move || {
        let (mut begin, mut depth, mut in_string, mut escaped) = (at, 0u32, false, false);
        for (index, &byte) in payload.iter().enumerate().skip(at) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => {
                    if depth == 0 {
                        begin = index;
                    }
                    depth += 1;
                }
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        at = index + 1;
                        return Some(begin..at);
                    }
                }
                _ => {}
            }
        }
        at = payload.len();
        None
    })
}
