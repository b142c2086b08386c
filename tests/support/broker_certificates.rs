//! Certificates for tests, made on the spot.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{CrlNumber, X509, X509Builder, X509CrlBuilder, X509Name, X509NameRef, X509RevokedBuilder};
use std::time::{SystemTime, UNIX_EPOCH};

/// A certificate and its key, as PEM text.
#[derive(Debug, Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// A CA.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

/// Who a certificate is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    pub common_name: &'a str,
    pub dns: &'a [&'a str],
    pub ip: &'a [&'a str],
    /// Days from now on which it begins and ends; else ten days around now.
    pub days: Option<(i64, i64)>,
}

/// How a certificate is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Make {
    /// An RSA key of so many bits, and not one on P-256.
    pub rsa: Option<u32>,
    /// Signed with SHA-1.
    pub sha1: bool,
    /// Days from now on which it begins and ends; else thirty days around now.
    pub days: Option<(i64, i64)>,
}

impl Make {
    fn key(self) -> PKey<Private> {
        let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).expect("a key")).expect("a key");
        self.rsa.map_or_else(new_key, rsa)
    }

    fn digest(self) -> MessageDigest {
        if self.sha1 { MessageDigest::sha1() } else { MessageDigest::sha256() }
    }
}

const DAY: i64 = 86_400;

fn at(days: i64) -> Asn1Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    Asn1Time::from_unix(i64::try_from(now).expect("small") + days * DAY).expect("a time")
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
}

fn builder(common_name: &str, issuer: Option<&X509NameRef>, key: &PKey<Private>, days: (i64, i64)) -> X509Builder {
    let mut name = X509Name::builder().expect("a name");
    name.append_entry_by_text("CN", common_name).expect("a name");
    let name = name.build();
    let mut serial = BigNum::new().expect("a number");
    serial.rand(120, MsbOption::MAYBE_ZERO, false).expect("a number");
    let mut builder = X509::builder().expect("a builder");
    builder.set_version(2).expect("set");
    builder.set_serial_number(&Asn1Integer::from_bn(&serial).expect("a number")).expect("set");
    builder.set_subject_name(&name).expect("set");
    builder.set_issuer_name(issuer.unwrap_or(&name)).expect("set");
    builder.set_pubkey(key).expect("set");
    builder.set_not_before(&at(days.0)).expect("set");
    builder.set_not_after(&at(days.1)).expect("set");
    builder
}

fn pem(certificate: &X509, key: &PKey<Private>) -> Pair {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("PEM is text");
    Pair {
        certificate: text(certificate.to_pem().expect("PEM")),
        key: text(key.private_key_to_pem_pkcs8().expect("PEM")),
    }
}

impl Authority {
    pub fn new(common_name: &str) -> Self {
        Self::make(common_name, None, Make::default())
    }

    /// Signed by itself, or by another one.
    pub fn make(common_name: &str, issuer: Option<&Self>, make: Make) -> Self {
        let key = make.key();
        let name = issuer.map(|issuer| issuer.certificate.subject_name());
        let mut builder = builder(common_name, name, &key, make.days.unwrap_or((-30, 30)));
        builder.append_extension(BasicConstraints::new().critical().ca().build().expect("built")).expect("added");
        builder.append_extension(KeyUsage::new().key_cert_sign().crl_sign().build().expect("built")).expect("added");
        builder.sign(issuer.map_or(&key, |issuer| &issuer.key), make.digest()).expect("signed");
        Self { certificate: builder.build(), key }
    }

    pub fn pem(&self) -> String {
        pem(&self.certificate, &self.key).certificate
    }

    /// A CRL with these certificates, made and to be renewed at these days from now on.
    pub fn revoke(&self, certificates: &[&str], days: (i64, i64)) -> String {
        let mut crl = X509CrlBuilder::new().expect("a builder");
        crl.set_issuer_name(self.certificate.subject_name()).expect("set");
        crl.set_last_update(&at(days.0)).expect("set");
        crl.set_next_update(&at(days.1)).expect("set");
        for pem in certificates {
            let mut revoked = X509RevokedBuilder::new().expect("a builder");
            let certificate = X509::from_pem(pem.as_bytes()).expect("PEM");
            revoked.set_serial_number(certificate.serial_number()).expect("set");
            revoked.set_revocation_date(&at(-1)).expect("set");
            crl.add_revoked(revoked.build()).expect("added");
        }
        let context = X509::builder().expect("a builder");
        let context = context.x509v3_context(Some(&self.certificate), None);
        let authority = AuthorityKeyIdentifier::new().issuer(true).build(&context).expect("built");
        crl.append_extension(authority).expect("added");
        let number = CrlNumber::new(BigNum::from_u32(1).expect("a number")).expect("a number");
        crl.append_extension(number.build().expect("built")).expect("added");
        crl.sign(&self.key, MessageDigest::sha256()).expect("signed");
        String::from_utf8(crl.build().expect("built").to_pem().expect("PEM")).expect("text")
    }

    pub fn issue(&self, subject: Subject<'_>) -> Pair {
        self.issue_as(subject, Make::default())
    }

    pub fn issue_as(&self, subject: Subject<'_>, make: Make) -> Pair {
        let key = make.key();
        let days = subject.days.unwrap_or((-10, 10));
        let mut builder = builder(subject.common_name, Some(self.certificate.subject_name()), &key, days);
        if !subject.dns.is_empty() || !subject.ip.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for dns in subject.dns {
                names.dns(dns);
            }
            for ip in subject.ip {
                names.ip(ip);
            }
            let names = names.build(&builder.x509v3_context(Some(&self.certificate), None)).expect("built");
            builder.append_extension(names).expect("added");
        }
        builder.sign(&self.key, make.digest()).expect("signed");
        pem(&builder.build(), &key)
    }
}

/// Everything for brokers with right and wrong certificates.
pub struct Certificates {
    pub ca: Authority,
    pub other_ca: Authority,
    /// For localhost, 127.0.0.1 and ::1.
    pub server: Pair,
    pub expired: Pair,
    /// For another host.
    pub elsewhere: Pair,
    /// As in the guide: the address is the common name, there are no alternative names.
    pub common_name: Pair,
    pub client: Pair,
    /// From a CA that the broker does not know.
    pub other_client: Pair,
}

impl Certificates {
    pub fn new() -> Self {
        let (ca, other_ca) = (Authority::new("Test CA"), Authority::new("Other CA"));
        let here = Subject { common_name: "broker", dns: &["localhost"], ip: &["127.0.0.1", "::1"], days: None };
        let named = |common_name| Subject { common_name, ..Subject::default() };
        Self {
            server: ca.issue(here),
            expired: ca.issue(Subject { days: Some((-10, -1)), ..here }),
            elsewhere: ca.issue(Subject { dns: &["elsewhere.example"], ip: &["192.0.2.1"], ..here }),
            common_name: ca.issue(named("127.0.0.1")),
            client: ca.issue(named("router")),
            other_client: other_ca.issue(named("router")),
            ca,
            other_ca,
        }
    }
}
