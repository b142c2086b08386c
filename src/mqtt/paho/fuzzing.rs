//! A session file and the run that takes it over, for the fuzzers.

use super::session_file::{Found, find, resume, sealed};
use std::path::Path;

/// The first byte says whether the rest is a file as it is, or a line and packets that get a right checksum.
pub(crate) fn session(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let file = match (choice & 1, rest.iter().position(|byte| *byte == b'\n')) {
        (1, Some(end)) => [&sealed(&rest[..end], b'\n')[..], &rest[end + 1..]].concat(),
        _ => rest.to_vec(),
    };
    let Found::Session(header, packets) = find(&file) else { return };
    let all = header.messages.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.adverts));
    let (count, whole) = (header.messages.len(), packets.iter().flatten().count());
    assert_eq!(packets.len(), count);
    let (mut messages, mut adverts) = (0, 0u64);
    let taken = resume(Path::new("session"), header, &packets, |message| {
        messages += 1;
        adverts = adverts.saturating_add(message.adverts);
        assert!(message.payload.len() <= file.len());
        messages
    });
    // Each message is taken or counted, and a session is one only if it is whole.
    assert_eq!((messages, taken.session.is_some()), (whole as u64, whole == count));
    assert_eq!(adverts.saturating_add(taken.lost), all);
    assert!(!taken.foreign);
}

#[cfg(test)]
mod tests {
    use super::session;
    use proptest::prelude::*;

    #[test]
    fn fuzzing_corpus_holds_sessions_of_each_kind() {
        crate::fuzz_corpus::feed("session", 4, session);
    }

    proptest! {
        #[test]
        fn fuzzing_finds_nothing_in_arbitrary_sessions(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            session(&bytes);
        }
    }
}
