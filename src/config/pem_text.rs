//! PEM as people paste it: indented, with other line ends or none, with `\n` in their place, words around it.

use zeroize::Zeroizing;

const DASHES: &str = "-----";
/// As many characters as a line of PEM has (RFC 7468 section 2).
const LINE: usize = 64;

/// The blocks of a text, written as OpenSSL reads them. A text without a whole block is left as it is, and so is a block that
/// holds more than base64: what is wrong with it is for OpenSSL to say.
pub(super) fn canonical(text: &str) -> Zeroizing<String> {
    let mut rest = text;
    let mut canonical = Zeroizing::new(String::with_capacity(text.len() + text.len() / LINE));
    while let Some((label, body, behind)) = block(rest) {
        let Some(base64) = base64(body) else { return Zeroizing::new(text.to_owned()) };
        canonical.extend([DASHES, "BEGIN ", label, DASHES, "\n"]);
        for start in (0..base64.len()).step_by(LINE) {
            canonical.extend([&base64[start..base64.len().min(start + LINE)], "\n"]);
        }
        canonical.extend([DASHES, "END ", label, DASHES, "\n"]);
        rest = behind;
    }
    if canonical.is_empty() { Zeroizing::new(text.to_owned()) } else { canonical }
}

/// The next block: its label, what is in it, and what follows it.
fn block(text: &str) -> Option<(&str, &str, &str)> {
    let (_, begun) = text.split_once("-----BEGIN ")?;
    let (label, body) = begun.split_once(DASHES)?;
    let (body, behind) = body.split_once(&format!("-----END {label}-----"))?;
    Some((label, body, behind))
}

/// The base64 of a block, without what stands for line ends.
fn base64(body: &str) -> Option<Zeroizing<String>> {
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    let mut characters = body.chars();
    while let Some(character) = characters.next() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '+' | '/' | '=' => base64.push(character),
            '\\' if matches!(characters.next(), Some('n' | 'r' | 't')) => {}
            _ if character.is_whitespace() || character == '\u{feff}' => {}
            _ => return None,
        }
    }
    Some(base64)
}

/// What base64 without a block around it holds, by its first bytes (ASN.1 DER).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    /// A certificate or a key.
    Der,
    /// A PKCS#12 file.
    Pkcs12,
}

pub(super) fn bare(text: &str) -> Option<Bare> {
    let base64 = base64(text)?;
    let start = base64.get(..base64.len().min(LINE) / 4 * 4)?;
    let der = Zeroizing::new(openssl::base64::decode_block(start).ok()?);
    der_kind(&der)
}

/// What a file holds that is no text, and how it becomes one.
#[must_use]
pub fn binary(file: &[u8]) -> Option<&'static str> {
    Some(match der_kind(file)? {
        Bare::Pkcs12 => "it is PKCS#12; openssl pkcs12 -nodes -in FILE prints its certificates and its key",
        Bare::Der => {
            "it is DER; openssl x509 -inform der -in FILE prints a certificate as PEM, openssl pkey -inform der -in FILE a key"
        }
    })
}

fn der_kind(der: &[u8]) -> Option<Bare> {
    let [0x30, length, rest @ ..] = der else { return None };
    let long = if *length > 0x80 { usize::from(length - 0x80) } else { 0 };
    match rest.get(long..)? {
        // A version of 3 comes first in PKCS#12 (RFC 7292 section 4).
        [0x02, 0x01, 0x03, ..] => Some(Bare::Pkcs12),
        [0x02 | 0x30, ..] => Some(Bare::Der),
        _ => None,
    }
}

#[cfg(test)]
#[path = "pem_text_tests.rs"]
mod tests;
