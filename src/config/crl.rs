//! Certificate revocation lists (RFC 5280 section 5) beside the certificates of CaCertificate.

use super::pem::Detail;
use super::pem_text::canonical;
use openssl::asn1::Asn1Time;
use openssl::x509::{X509, X509Crl};

const BEGIN: &str = "-----BEGIN X509 CRL-----";
const END: &str = "-----END X509 CRL-----";

/// Whether a text has one, damaged or not.
pub(super) fn is_in(pem: &str) -> bool {
    pem.contains("BEGIN X509 CRL") || pem.contains("BEGIN CRL")
}

/// The lists of a text alone, as PEM text; empty without any.
pub(crate) fn lists(pem: &str) -> String {
    let text = canonical(pem);
    blocks(&text).concat()
}

fn blocks(text: &str) -> Vec<String> {
    let parts = text.split(BEGIN).skip(1);
    parts.filter_map(|part| part.split_once(END)).map(|(body, _)| format!("{BEGIN}{body}{END}\n")).collect()
}

/// A text without its lists.
pub(crate) fn without(text: &str) -> String {
    let mut parts = text.split(BEGIN);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |sum, part| sum + part.split_once(END).map_or("", |(_, behind)| behind))
}

fn parsed(pem: &str) -> Vec<X509Crl> {
    let text = canonical(pem);
    blocks(&text).iter().filter_map(|block| X509Crl::from_pem(block.as_bytes()).ok()).collect()
}

/// What is wrong with the lists beside these certificates.
pub(super) fn check(pem: &str, certificates: &[X509]) -> Result<(), Detail> {
    let crls = parsed(pem);
    if crls.len() != pem.matches("BEGIN X509 CRL").count() || pem.contains("BEGIN CRL") {
        return Err("its BEGIN X509 CRL block is damaged: paste the CRL file as it is".into());
    }
    for crl in &crls {
        let same = |ca: &&X509| ca.subject_name().try_cmp(crl.issuer_name()).is_ok_and(|order| order.is_eq());
        // The certificate of a CA in between comes from the broker: OpenSSL judges that one.
        let mut issuers = certificates.iter().filter(same).peekable();
        let signed = |ca: &X509| ca.public_key().is_ok_and(|key| crl.verify(&key).unwrap_or(false));
        if issuers.peek().is_some() && !issuers.any(signed) {
            return Err("its CRL is not signed by the CA of that name beside it".into());
        }
    }
    Ok(())
}

/// Whether a text has the certificates of another one, and each of its lists or a newer one of the same CA.
pub(super) fn renews(before: &str, now: &str) -> bool {
    let certificates = |pem: &str| {
        let list = X509::stack_from_pem(without(&canonical(pem)).as_bytes()).unwrap_or_default();
        list.iter().filter_map(|certificate| certificate.to_der().ok()).collect::<Vec<_>>()
    };
    let newer = parsed(now);
    let kept = |old: &X509Crl| {
        newer.iter().any(|new| {
            let same = new.issuer_name().try_cmp(old.issuer_name()).is_ok_and(|order| order.is_eq());
            same && new.last_update().compare(old.last_update()).is_ok_and(|order| order.is_ge())
        })
    };
    certificates(before) == certificates(now) && parsed(before).iter().all(kept)
}

/// Seconds since 1970 at which the first list of a text is out of date; none without lists that tell.
pub(crate) fn next_update(pem: &str) -> Option<i64> {
    let epoch = Asn1Time::from_unix(0).ok()?;
    let seconds = |crl: &X509Crl| {
        let passed = epoch.diff(crl.next_update()?).ok()?;
        Some(i64::from(passed.days) * 86_400 + i64::from(passed.secs))
    };
    parsed(pem).iter().filter_map(seconds).min()
}

#[cfg(test)]
#[path = "crl_tests.rs"]
mod tests;
