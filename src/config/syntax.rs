//! What texts of settings look like: hosts, topics, addresses, keys.

use super::schema::MAX_TEXT_BYTES;
use crate::printable::is_printable;
use std::net::{Ipv4Addr, Ipv6Addr};
use zeroize::Zeroizing;

/// The bytes that Mosquitto's psk_file gives the same digits: leading pairs of zeros are bytes of their own, the rest is
/// one big number, so an odd count of digits reads as if a zero stood before it.
pub(super) fn psk(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    if digits.is_empty() || digits.len() > 512 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let zeros = digits.as_bytes().chunks_exact(2).take_while(|pair| pair == b"00").count();
    let number = digits[2 * zeros..].trim_start_matches('0');
    let even = Zeroizing::new(if number.len().is_multiple_of(2) { number.to_owned() } else { format!("0{number}") });
    let tail = (0..even.len()).step_by(2).map(|i| u8::from_str_radix(&even[i..i + 2], 16));
    std::iter::repeat_n(Ok(0), zeros).chain(tail).collect::<Result<Vec<u8>, _>>().ok().map(Zeroizing::new)
}

/// Text that can be shown to people as it is.
pub(super) fn text(value: &str, max: usize) -> bool {
    value.len() <= max && value.chars().all(is_printable)
}

/// A topic name to publish to (MQTT 3.1.1 section 4.7); empty passes.
pub(super) fn topic(value: &str, names: &[&str]) -> bool {
    text(value, MAX_TEXT_BYTES) && !value.contains(['+', '#']) && templates(value, names)
}

/// Whether braces are only used for the templates of these names.
pub(super) fn templates(value: &str, names: &[&str]) -> bool {
    let bare = names.iter().fold(value.to_owned(), |text, name| text.replace(&format!("{{{name}}}"), ""));
    !bare.contains(['{', '}'])
}

/// A DNS name (RFC 1123, underscores tolerated) or an IP address, IPv6 with or without brackets.
pub(super) fn host(value: &str) -> bool {
    let bare = value.strip_prefix('[').and_then(|v| v.strip_suffix(']'));
    if let Some(v6) = bare {
        return v6.parse::<Ipv6Addr>().is_ok();
    }
    if value.parse::<Ipv6Addr>().is_ok() || value.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let name = value.strip_suffix('.').unwrap_or(value);
    let digits = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    !digits
        && (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Name and port of `host` or `host:port`.
pub(super) fn host_port(value: &str) -> Option<(&str, Option<u16>)> {
    if value.parse::<Ipv6Addr>().is_ok() {
        return Some((value, None));
    }
    let (name, port) = match value.rsplit_once(':') {
        Some((name, port)) if !value.ends_with(']') => (name, Some(port.parse().ok().filter(|port| *port != 0)?)),
        _ => (value, None),
    };
    host(name).then(|| (bare(name), port))
}

/// An address without the brackets that IPv6 may have.
pub(super) fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}
