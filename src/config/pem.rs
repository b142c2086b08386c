//! What can be wrong with pasted certificates and keys.

use super::crl;
use super::pem_text::{Bare, bare, canonical};
use crate::model::Certificate;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContextBuilder, SslMethod};
use openssl::x509::{X509, X509Ref};
use std::borrow::Cow;

/// What is wrong: what to do about it, and never the text itself.
pub(super) type Detail = Cow<'static, str>;

/// The certificates of a PEM text, at least one.
pub(super) fn certificates(pem: &str) -> Result<Vec<X509>, Detail> {
    if pem.contains("PRIVATE KEY-----") {
        return Err("it holds a private key, which belongs into ClientKey".into());
    }
    // OpenSSL stops reading certificates at the first CRL.
    let text = canonical(pem);
    match X509::stack_from_pem(crl::without(&text).as_bytes()) {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err(no_certificate(pem).into()),
    }
}

fn no_certificate(pem: &str) -> &'static str {
    if crl::is_in(pem) && !pem.contains("BEGIN CERTIFICATE") {
        "it is a CRL alone; the certificate of its CA is wanted beside it"
    } else if pem.contains("BEGIN CERTIFICATE REQUEST") || pem.contains("BEGIN NEW CERTIFICATE REQUEST") {
        "it is a certificate request; what the CA made of it is wanted"
    } else if pem.contains("PUBLIC KEY-----") {
        "it is a public key, not a certificate"
    } else if pem.contains("BEGIN PKCS7") || pem.contains("BEGIN CMS") {
        "it is PKCS#7; openssl pkcs7 -print_certs -in FILE prints its certificates"
    } else if pem.contains("BEGIN CERTIFICATE") || pem.contains("BEGIN TRUSTED CERTIFICATE") {
        "its BEGIN CERTIFICATE block is damaged: paste the file as it is"
    } else {
        match bare(pem) {
            Some(Bare::Pkcs12) => "it is PKCS#12; openssl pkcs12 -nokeys -in FILE prints its certificates",
            Some(Bare::Der) => "the lines BEGIN CERTIFICATE and END CERTIFICATE are missing",
            None => "no BEGIN CERTIFICATE block was found; of a DER file openssl x509 -inform der makes one",
        }
    }
}

/// The private key of a PEM text.
pub(super) fn private_key(pem: &str) -> Result<PKey<Private>, Detail> {
    if pem.contains("ENCRYPTED") {
        return Err("the key is encrypted with a passphrase; openssl pkey removes it".into());
    }
    // The callback keeps OpenSSL from asking a terminal for a passphrase.
    PKey::private_key_from_pem_callback(canonical(pem).as_bytes(), |_| Ok(0)).map_err(|_| no_key(pem).into())
}

fn no_key(pem: &str) -> &'static str {
    if crl::is_in(pem) {
        "it is a CRL, which belongs into CaCertificate beside the certificate of its CA"
    } else if pem.contains("BEGIN CERTIFICATE") {
        "it is a certificate, which belongs into ClientCertificate"
    } else if pem.contains("PUBLIC KEY-----") {
        "it is the public key, the private one is wanted"
    } else if pem.contains("PRIVATE KEY-----") {
        "its BEGIN PRIVATE KEY block is damaged: paste the file as it is"
    } else {
        match bare(pem) {
            Some(Bare::Pkcs12) => "it is PKCS#12; openssl pkcs12 -nocerts -nodes -in FILE prints its key",
            Some(Bare::Der) => "the lines BEGIN PRIVATE KEY and END PRIVATE KEY are missing",
            None => "no BEGIN PRIVATE KEY block was found; of a DER file openssl pkey -inform der makes one",
        }
    }
}

// SSL_R_* of <openssl/sslerr.h>, which the crate does not name.
const EE_KEY_TOO_SMALL: i32 = 399;
const CA_MD_TOO_WEAK: i32 = 398;

/// Whether OpenSSL can trust one of several, or why it trusts none. How one that is trusted is signed does not matter.
pub(super) fn trustworthy(certificates: &[X509]) -> Result<(), Detail> {
    let short = |certificate: &X509| refusal(certificate) == Some(Some(EE_KEY_TOO_SMALL));
    match certificates {
        [first, rest @ ..] if short(first) && rest.iter().all(short) => Err(unusable(first).unwrap_or_default()),
        _ => Ok(()),
    }
}

/// OpenSSL's reason, should it not take a certificate as ours.
fn refusal(certificate: &X509Ref) -> Option<Option<i32>> {
    let mut context = SslContextBuilder::new(SslMethod::tls_client()).ok()?;
    let refusal = context.set_certificate(certificate).err()?;
    Some(refusal.errors().first().map(|error| error.reason_code()))
}

/// Why OpenSSL does not use a certificate of ours: it is too weak for the security level that this router is set to.
pub(super) fn unusable(certificate: &X509Ref) -> Option<Detail> {
    let why = match refusal(certificate)? {
        Some(EE_KEY_TOO_SMALL) => "has too short a key; RSA with 2048 bits or an elliptic curve with 256 is enough",
        Some(CA_MD_TOO_WEAK) => "is signed with too weak a digest; SHA-256 is enough",
        _ => "is none that OpenSSL can use",
    };
    Some(format!("the certificate of {} {why}", Certificate::of(certificate).subject).into())
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
