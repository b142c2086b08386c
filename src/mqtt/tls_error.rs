//! What a failed TLS connection means: OpenSSL's alert or verification code as a stable word and a sentence that says what
//! to check. Which alert each mistake causes was found out with Mosquitto 2.0 and OpenSSL 3, TLS 1.2 and 1.3
//! (`tests/broker` holds every case).

use crate::model::{Certificate, Failure, LastError};
use crate::mqtt::tls::Proof;
use openssl::error::ErrorStack;
use openssl::ssl::{self, SslRef};
use openssl::x509::X509StoreContextRef;

// X509_V_ERR_* of <openssl/x509_vfy.h>, which the crate does not name.
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
pub(super) const NO_CRL: i32 = 3;
const CRL_SIGNATURE: i32 = 8;
const CRL_NOT_YET_VALID: i32 = 11;
const CRL_EXPIRED: i32 = 12;
const REVOKED: i32 = 23;
const NO_CRL_ISSUER: i32 = 33;
const CRL_SCOPE: i32 = 44;
const HOST_NAME_MISMATCH: i32 = 62;
pub(crate) const IP_ADDRESS_MISMATCH: i32 = 64;

const EE_KEY_TOO_SMALL: i32 = 66;
const CA_KEY_TOO_SMALL: i32 = 67;
const CA_DIGEST_TOO_WEAK: i32 = 68;

/// What is wrong with which certificate of the broker's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    code: i32,
    /// OpenSSL's own words.
    text: &'static str,
    /// How it is called in a sentence.
    whose: String,
    /// Who issued it.
    issuer: String,
}

impl Verdict {
    pub(crate) fn of(context: &X509StoreContextRef) -> Self {
        let error = context.error();
        let certificate = context.current_cert().map(Certificate::of);
        let (subject, issuer) = certificate.map(|c| (c.subject, c.issuer)).unwrap_or_default();
        let own = subject == issuer;
        let whose = match context.error_depth() {
            0 => format!("The broker's certificate ({subject})"),
            _ if own => format!("The certificate of the broker's CA ({subject})"),
            _ => format!("The intermediate certificate {subject} of the broker's chain"),
        };
        Self { code: error.as_raw(), text: error.error_string(), whose, issuer }
    }
}

/// TLS does not even begin.
pub(crate) fn set_up(error: &ErrorStack) -> Failure {
    let reasons: Vec<_> = error.errors().iter().filter_map(openssl::error::Error::reason).collect();
    let reasons = if reasons.is_empty() { "OpenSSL does not say why".to_owned() } else { reasons.join(", ") };
    Failure::new(LastError::Tls, format!("TLS cannot be set up: {reasons}."))
}

/// SSL_R_CERTIFICATE_VERIFY_FAILED: our own verdict on the broker's certificate.
const VERIFY_FAILED: i32 = 134;
/// OpenSSL reports the broker's alert N as reason 1000 + N.
const ALERT: i32 = 1000;

/// A handshake that failed.
pub(crate) fn handshake(error: &ssl::Error, ssl: &SslRef, proof: Proof, verdict: Option<Verdict>) -> Failure {
    let reason = reason(error);
    if code(error) == Some(VERIFY_FAILED) {
        let result = ssl.verify_result();
        let unnamed = || Verdict {
            code: result.as_raw(),
            text: result.error_string(),
            whose: "The broker's certificate".into(),
            issuer: "its CA".into(),
        };
        return untrusted(&verdict.unwrap_or_else(unnamed), proof);
    }
    if let Some(alert) = alert(error) {
        return alerted(alert, &reason, proof, ssl.peer_certificate().is_some());
    }
    if error.ssl_error().is_some_and(|stack| !stack.errors().is_empty()) {
        return Failure::new(
            LastError::Tls,
            format!("The TLS handshake failed: {reason}. Check whether this Port expects TLS."),
        );
    }
    Failure::new(
        LastError::Tls,
        "The broker closed the connection during the TLS handshake. Check whether this Port expects TLS, and the broker's \
         log.",
    )
}

/// A connection that failed after the handshake.
pub(crate) fn later(error: &ssl::Error, proof: Proof) -> Failure {
    match alert(error) {
        Some(alert) => alerted(alert, &reason(error), proof, true),
        None => Failure::new(LastError::Closed, format!("The encrypted connection broke: {}.", reason(error))),
    }
}

fn untrusted(verdict: &Verdict, proof: Proof) -> Failure {
    if proof == Proof::Psk {
        return Failure::new(
            LastError::TlsPskIdentity,
            "The broker offered a certificate instead of the pre-shared key: pre-shared keys may be switched off on this Port \
             (try another Port, or EncryptionMode certificate), or it does not know PskIdentity.",
        );
    }
    let Verdict { code, text, whose, issuer } = verdict;
    match *code {
        REVOKED => Failure::new(
            LastError::TlsCertificateRevoked,
            format!(
                "{whose} was revoked by {issuer} ({text}). Whoever shows it may be somebody else: give the broker a new certificate."
            ),
        ),
        CRL_EXPIRED | CRL_NOT_YET_VALID => Failure::new(
            LastError::TlsCrl,
            format!(
                "The CRL of {issuer} in CaCertificate is out of date ({text}). Put a newer one in its place, or check the router's clock."
            ),
        ),
        NO_CRL => Failure::new(
            LastError::TlsCrl,
            format!(
                "CaCertificate has CRLs, but none of {issuer}, which issued the broker's certificate ({text}). Put it beside them."
            ),
        ),
        CRL_SIGNATURE | NO_CRL_ISSUER | CRL_SCOPE => Failure::new(
            LastError::TlsCrl,
            format!(
                "The CRL of {issuer} in CaCertificate cannot be used ({text}). Put the one of that CA in its place."
            ),
        ),
        EXPIRED | NOT_YET_VALID => Failure::new(
            LastError::TlsCertificateExpired,
            format!("{whose} is out of date ({text}). Renew it, or check the router's clock."),
        ),
        HOST_NAME_MISMATCH | IP_ADDRESS_MISMATCH => Failure::new(
            LastError::TlsHostname,
            format!("{whose} is not for this Host ({text}). Set Host to a name in the certificate."),
        ),
        EE_KEY_TOO_SMALL | CA_KEY_TOO_SMALL => Failure::new(
            LastError::TlsCertificate,
            format!(
                "{whose} is too weak for this router ({text}). The broker needs one with an RSA key of 2048 bits or more, or with \
                 an elliptic curve."
            ),
        ),
        CA_DIGEST_TOO_WEAK => Failure::new(
            LastError::TlsCertificate,
            format!(
                "{whose} is too weak for this router ({text}). The broker needs one that is signed with SHA-256 or better."
            ),
        ),
        _ => Failure::new(LastError::TlsCertificate, format!("{whose} is not trusted ({text}). Check CaCertificate.")),
    }
}

/// The broker's alert (RFC 8446 section 6.2, RFC 5246 section 7.2, RFC 4279 section 2).
fn alerted(alert: i32, reason: &str, proof: Proof, certificate_seen: bool) -> Failure {
    match (proof, alert) {
        // 40 handshake_failure is how TLS 1.3 says it; TLS 1.2 has 115 unknown_psk_identity.
        (Proof::Psk, 115 | 40) => Failure::new(
            LastError::TlsPskIdentity,
            format!(
                "The broker does not know this PskIdentity, or pre-shared keys are switched off on this Port ({reason}). Check \
                 PskIdentity, Port and the broker's TLS settings."
            ),
        ),
        // 20 bad_record_mac and 51 decrypt_error with TLS 1.2, 47 illegal_parameter with 1.3.
        (Proof::Psk, 20 | 47 | 51) => Failure::new(
            LastError::TlsPsk,
            format!("The broker knows PskIdentity, but its key is not the same as Psk ({reason})."),
        ),
        // Alerts about a certificate that come from the broker are about ours. 40 after the broker's certificate was seen is
        // how TLS 1.2 says that one is missing.
        (Proof::Certificate { ours }, 41..=46 | 48 | 49 | 51 | 116) => ours_refused(ours, reason),
        (Proof::Certificate { ours }, 40) if certificate_seen => ours_refused(ours, reason),
        _ => Failure::new(
            LastError::Tls,
            format!("The broker refused the TLS connection ({reason}). Check its TLS settings."),
        ),
    }
}

fn ours_refused(ours: bool, reason: &str) -> Failure {
    let detail = if ours {
        format!("The broker does not accept ClientCertificate ({reason}). Check its issuer and its dates.")
    } else {
        format!("The broker wants a client certificate ({reason}). Set RequireClientCertificate and the certificate.")
    };
    Failure::new(LastError::TlsClientCertificate, detail)
}

fn code(error: &ssl::Error) -> Option<i32> {
    error.ssl_error()?.errors().first().map(|first| first.reason_code())
}

fn alert(error: &ssl::Error) -> Option<i32> {
    let stack = error.ssl_error()?.errors();
    stack.iter().map(|e| e.reason_code() - ALERT).find(|alert| (0..256).contains(alert))
}

/// OpenSSL's own words.
fn reason(error: &ssl::Error) -> String {
    let first = error.ssl_error().and_then(|stack| stack.errors().first()).and_then(|e| e.reason());
    let io = || error.io_error().map_or_else(|| "no reason is known".to_owned(), ToString::to_string);
    first.map_or_else(io, str::to_owned)
}
