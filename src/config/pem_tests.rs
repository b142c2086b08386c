use super::*;
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::{X509Builder, X509NameBuilder};

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
}

fn certificate(name: &str, key: &PKey<Private>) -> X509 {
    signed(name, key, MessageDigest::sha256())
}

/// By another than itself: what a certificate says of itself is not checked.
fn signed(name: &str, key: &PKey<Private>, digest: MessageDigest) -> X509 {
    let mut subject = X509NameBuilder::new().expect("a name");
    subject.append_entry_by_nid(Nid::COMMONNAME, name).expect("a name");
    let (subject, mut builder) = (subject.build(), X509Builder::new().expect("a certificate"));
    builder.set_subject_name(&subject).expect("a subject");
    let mut issuer = X509NameBuilder::new().expect("a name");
    issuer.append_entry_by_nid(Nid::COMMONNAME, "issuer").expect("a name");
    builder.set_issuer_name(&issuer.build()).expect("an issuer");
    builder.set_pubkey(key).expect("a key");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("a beginning");
    builder.set_not_after(&Asn1Time::days_from_now(1).expect("a time")).expect("an end");
    builder.sign(key, digest).expect("a signature");
    builder.build()
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).expect("a key")).expect("a key")
}

fn text(pem: Result<Vec<u8>, openssl::error::ErrorStack>) -> String {
    String::from_utf8(pem.expect("PEM")).expect("text")
}

#[test]
fn pem_passes_with_any_line_ends_and_words_around_it() {
    let key = key();
    let (pem, secret) = (text(certificate("a", &key).to_pem()), text(key.private_key_to_pem_pkcs8()));
    let pasted = |pem: &str| {
        let ends = ["\r\n", "\r", "\\n", "\n\n", "\n    ", " "].map(|end| pem.replace('\n', end));
        [ends.to_vec(), vec![pem.to_owned(), format!("subject=CN = a\n{pem}\n\n"), pem.repeat(2)]].concat()
    };
    for pem in pasted(&pem) {
        assert!(certificates(&pem).is_ok(), "{pem}");
    }
    for secret in pasted(&secret) {
        assert!(private_key(&secret).is_ok());
    }
}

#[test]
fn pem_has_an_answer_for_each_mistake() {
    let key = key();
    let pem = text(certificate("a", &key).to_pem());
    let secret = text(key.private_key_to_pem_pkcs8());
    let public = text(key.public_key_to_pem());
    let locked = text(key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"x"));
    let bare = |pem: &str| pem.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n");
    let wrong = |pem: &str| certificates(pem).expect_err("refused");
    assert!(wrong(&secret).contains("belongs into ClientKey"));
    assert!(wrong(&format!("{pem}{secret}")).contains("belongs into ClientKey"));
    assert!(wrong(&public).contains("public key"));
    assert!(wrong(&pem.replace("CERTIFICATE", "CERTIFICATE REQUEST")).contains("certificate request"));
    assert!(wrong(&pem[..pem.len() / 2]).contains("is damaged"));
    assert!(wrong(&pem.replacen("MI", "M!", 1)).contains("is damaged"));
    assert!(wrong(&bare(&pem)).contains("are missing"));
    assert!(wrong("0\u{82}\u{1}").contains("DER file"));
    let wrong = |pem: &str| private_key(pem).expect_err("refused");
    assert!(wrong(&locked).contains("encrypted with a passphrase"));
    assert!(wrong(&pem).contains("belongs into ClientCertificate"));
    assert!(wrong(&public).contains("the private one"));
    assert!(wrong(&secret[..secret.len() / 2]).contains("is damaged"));
    assert!(wrong(&bare(&secret)).contains("are missing"));
    assert!(wrong("x").contains("DER file"));
}

#[test]
fn pem_has_an_answer_for_containers() {
    let key = key();
    let bundle = Pkcs12::builder().pkey(&key).cert(&certificate("a", &key)).build2("x").expect("PKCS#12");
    let bundle = openssl::base64::encode_block(&bundle.to_der().expect("DER"));
    assert!(certificates(&bundle).expect_err("refused").contains("openssl pkcs12 -nokeys"));
    assert!(private_key(&bundle).expect_err("refused").contains("openssl pkcs12 -nocerts"));
    assert!(
        certificates("-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----")
            .expect_err("refused")
            .contains("openssl pkcs7")
    );
}

#[test]
fn certificates_that_are_weak_are_named() {
    let (short, long) = (rsa(1024), rsa(2048));
    let refusal = |certificate: &X509| unusable(certificate).map(|detail| detail.into_owned()).unwrap_or_default();
    let weak = [certificate("short", &short), signed("old", &long, MessageDigest::sha1())];
    assert!(refusal(&weak[0]).starts_with("the certificate of CN=short has too short a key"), "{}", refusal(&weak[0]));
    assert!(
        refusal(&weak[1]).starts_with("the certificate of CN=old is signed with too weak a digest"),
        "{}",
        refusal(&weak[1])
    );
    assert_eq!([refusal(&certificate("long", &long)), refusal(&certificate("curve", &key()))], [""; 2]);
    // Of those that are trusted one is enough, and its signature is of no account.
    assert!(trustworthy(&weak[..1]).is_err());
    assert_eq!(trustworthy(&weak), Ok(()));
}

#[test]
fn key_is_of_the_first_certificate() {
    let (ours, issuers) = (key(), key());
    let chain = [certificate("router", &ours), certificate("issuer", &issuers)];
    let turned = [chain[1].clone(), chain[0].clone()];
    assert_eq!(matches(&chain, &ours), Ok(()));
    assert_eq!(matches(&turned, &ours), Err(Mismatch::Order));
    assert_eq!(matches(&chain, &key()), Err(Mismatch::Key));
}
