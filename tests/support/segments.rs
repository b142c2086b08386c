//! Segments of the spool, written by hand: the format is `src/spool/record.rs`.

use std::fs;
use std::path::Path;

const MAGIC: &[u8; 8] = b"CBSPOOL2";

/// A record with its two checksums.
fn record(body: &[u8]) -> Vec<u8> {
    let head = [(body.len() as u32).to_le_bytes(), crc32fast::hash(body).to_le_bytes()].concat();
    let sum = crc32fast::hash(&[&MAGIC[..], &head].concat());
    [&head, &sum.to_le_bytes()[..], body].concat()
}

/// A segment of at least so many bytes: messages of twenty adverts in 4 kB. How many adverts there are in it.
pub fn segment(bytes: usize) -> (Vec<u8>, u64) {
    let payload = format!("[{}]", ["{\"adData\":\"5A\"}"; 20].join(","));
    let padded = format!("{payload:<4000}");
    let message = [&[1, 0][..], &20u32.to_le_bytes(), &[0; 12], padded.as_bytes()].concat();
    let message = record(&message);
    let (mut segment, mut adverts) = (MAGIC.to_vec(), 0);
    while segment.len() < bytes {
        segment.extend(&message);
        adverts += 20;
    }
    (segment, adverts)
}

/// A spool of so many segments that take the room of one. How many adverts there are in it.
pub fn spool(directory: &Path, segments: u64, bytes: usize) -> u64 {
    let (text, adverts) = segment(bytes);
    fs::create_dir_all(directory).expect("a directory");
    let name = |number: u64| directory.join(format!("{number:016x}.seg"));
    fs::write(name(0), text).expect("written");
    (1..segments).for_each(|number| fs::hard_link(name(0), name(number)).expect("another name"));
    adverts * segments
}
