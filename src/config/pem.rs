//! What can be wrong with pasted certificates and keys.

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

/// The certificates of a PEM text, at least one.
pub(super) fn certificates(pem: &str) -> Result<Vec<X509>, &'static str> {
    if pem.contains("PRIVATE KEY-----") {
        return Err("it holds a private key, which belongs into ClientKey");
    }
    match X509::stack_from_pem(pem.as_bytes()) {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err("no readable BEGIN CERTIFICATE block was found"),
    }
}

/// The private key of a PEM text.
pub(super) fn private_key(pem: &str) -> Result<PKey<Private>, &'static str> {
    if pem.contains("ENCRYPTED") {
        return Err("the key is encrypted with a passphrase");
    }
    // The callback keeps OpenSSL from asking a terminal for a passphrase.
    PKey::private_key_from_pem_callback(pem.as_bytes(), |_| Ok(0))
        .map_err(|_| "no readable BEGIN PRIVATE KEY block was found")
}

/// Whether the first certificate is the one of this key.
pub(super) fn matches(chain: &[X509], key: &PKey<Private>) -> bool {
    chain.first().and_then(|leaf| leaf.public_key().ok()).is_some_and(|public| public.public_eq(key))
}
