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
        _ => Err(no_certificate(pem)),
    }
}

fn no_certificate(pem: &str) -> &'static str {
    if pem.contains("BEGIN CERTIFICATE REQUEST") || pem.contains("BEGIN NEW CERTIFICATE REQUEST") {
        "it is a certificate request; what the CA made of it is wanted"
    } else if pem.contains("PUBLIC KEY-----") {
        "it is a public key, not a certificate"
    } else if pem.contains("BEGIN CERTIFICATE") || pem.contains("BEGIN TRUSTED CERTIFICATE") {
        "its BEGIN CERTIFICATE block is damaged: paste the file as it is"
    } else if is_base64(pem) {
        "the lines BEGIN CERTIFICATE and END CERTIFICATE are missing"
    } else {
        "no BEGIN CERTIFICATE block was found; of a DER file openssl x509 -inform der makes one"
    }
}

/// Whether it is what stands in a PEM block: DER of a certificate or key begins so.
fn is_base64(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("MI") && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=\r\n".contains(&b))
}

/// The private key of a PEM text.
pub(super) fn private_key(pem: &str) -> Result<PKey<Private>, &'static str> {
    if pem.contains("ENCRYPTED") {
        return Err("the key is encrypted with a passphrase; openssl pkey removes it");
    }
    // The callback keeps OpenSSL from asking a terminal for a passphrase.
    PKey::private_key_from_pem_callback(pem.as_bytes(), |_| Ok(0)).map_err(|_| no_key(pem))
}

fn no_key(pem: &str) -> &'static str {
    if pem.contains("BEGIN CERTIFICATE") {
        "it is a certificate, which belongs into ClientCertificate"
    } else if pem.contains("PUBLIC KEY-----") {
        "it is the public key, the private one is wanted"
    } else if pem.contains("PRIVATE KEY-----") {
        "its BEGIN PRIVATE KEY block is damaged: paste the file as it is"
    } else if is_base64(pem) {
        "the lines BEGIN PRIVATE KEY and END PRIVATE KEY are missing"
    } else {
        "no BEGIN PRIVATE KEY block was found; of a DER file openssl pkey -inform der makes one"
    }
}

/// Whether the first certificate is the one of this key, or else what is wrong.
pub(super) fn matches(chain: &[X509], key: &PKey<Private>) -> Result<(), Mismatch> {
    let is_ours = |certificate: &X509| certificate.public_key().is_ok_and(|public| public.public_eq(key));
    match chain.iter().position(is_ours) {
        Some(0) => Ok(()),
        Some(_) => Err(Mismatch::Order),
        None => Err(Mismatch::Key),
    }
}

/// What is wrong with a certificate and a key together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The chain begins with another certificate.
    Order,
    /// The key is of none of them.
    Key,
}

#[cfg(test)]
#[path = "pem_tests.rs"]
mod tests;
