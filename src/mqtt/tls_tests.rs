use super::*;
use crate::model::LastError;
use crate::test_certificates::{Authority, Make, Subject};
use openssl::ssl::{SslAcceptor, SslMethod};
use std::net::TcpListener;
use std::thread;

const HERE: Subject<'_> = Subject { common_name: "broker", dns: &[], ip: &["127.0.0.1"], days: None };

/// What a client that trusts `ca` says of a broker with this chain, the leaf first.
async fn said(ca: &str, chain: &[String], key: &str) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("an acceptor");
    // The broker is not as particular.
    acceptor.set_security_level(0);
    let mut chain = chain.iter().map(|pem| X509::from_pem(pem.as_bytes()).expect("PEM"));
    acceptor.set_certificate(&chain.next().expect("a leaf")).expect("set");
    chain.for_each(|issuer| acceptor.add_extra_chain_cert(issuer).expect("added"));
    acceptor.set_private_key(&PKey::private_key_from_pem(key.as_bytes()).expect("PEM")).expect("set");
    let acceptor = acceptor.build();
    let broker = thread::spawn(move || drop(acceptor.accept(listener.accept().expect("a client").0)));
    let security = Security::Certificate { ca: Some(ca.to_owned()), client: None };
    let tls = Tls::new(&security).expect("a context").expect("encryption");
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    let done = tls.connect("127.0.0.1", tcp).await.map(drop);
    broker.join().expect("the broker ends");
    done
}

#[tokio::test]
async fn certificates_that_ended_are_named() {
    let ended = Make { days: Some((-30, -1)), ..Make::default() };
    let (ca, old_ca) = (Authority::new("Good CA"), Authority::make("Old CA", None, ended));
    let between = Authority::make("Old Intermediate", Some(&ca), ended);
    let leaf = |issuer: &Authority, days| issuer.issue(Subject { days, ..HERE });
    for (ca, chain, whose) in [
        (&ca, vec![leaf(&ca, Some((-10, -1)))], "The broker's certificate (CN=broker)"),
        (&old_ca, vec![leaf(&old_ca, None)], "The certificate of the broker's CA (CN=Old CA)"),
        (&ca, vec![leaf(&between, None)], "The intermediate certificate CN=Old Intermediate of the broker's chain"),
    ] {
        let mut pems = vec![chain[0].certificate.clone()];
        if whose.contains("intermediate") {
            pems.push(between.pem());
        }
        let failure = said(&ca.pem(), &pems, &chain[0].key).await.expect_err("refused");
        assert_eq!(failure.code, LastError::TlsCertificateExpired);
        assert!(failure.detail.starts_with(&format!("{whose} is out of date")), "{}", failure.detail);
    }
    // Of a bundle the one that the chain needs counts.
    let good = leaf(&ca, None);
    assert_eq!(said(&(old_ca.pem() + &ca.pem()), &[good.certificate], &good.key).await, Ok(()));
}

#[tokio::test]
async fn certificates_that_are_too_weak_are_named() {
    let (short, sha1) = (Make { rsa: Some(1024), ..Make::default() }, Make { sha1: true, ..Make::default() });
    let ca = Authority::new("Good CA");
    let short_ca = Authority::make("Short CA", None, short);
    for (ca, leaf, whose) in [
        (&ca, ca.issue_as(HERE, short), "The broker's certificate (CN=broker)"),
        (&ca, ca.issue_as(HERE, sha1), "The broker's certificate (CN=broker)"),
        (&short_ca, short_ca.issue(HERE), "The certificate of the broker's CA (CN=Short CA)"),
    ] {
        let failure = said(&ca.pem(), &[leaf.certificate], &leaf.key).await.expect_err("refused");
        assert_eq!(failure.code, LastError::TlsCertificate);
        assert!(failure.detail.starts_with(&format!("{whose} is too weak for this router")), "{}", failure.detail);
    }
}

#[tokio::test]
async fn certificates_of_strangers_move_no_cursor() {
    let ca = Authority::new("Good CA");
    let leaf = Authority::new("\u{1b}[2JCA").issue(Subject { common_name: "a\u{1b}[31mb\u{9b}c", ..HERE });
    let failure = said(&ca.pem(), &[leaf.certificate], &leaf.key).await.expect_err("refused");
    assert!(failure.detail.contains("is not trusted"), "{}", failure.detail);
    assert!(!failure.detail.contains(char::is_control), "{:?}", failure.detail);
}

#[test]
fn openssl_errors_are_told_without_source_lines() {
    let security = Security::Certificate {
        ca: Some("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".into()),
        client: None,
    };
    let failure = Tls::new(&security).err().expect("refused");
    assert!(failure.detail.starts_with("TLS cannot be set up: "), "{}", failure.detail);
    assert!(!failure.detail.contains(".c:") && !failure.detail.contains("error:"), "{}", failure.detail);
}

#[tokio::test]
async fn crls_beside_the_ca_are_checked() {
    const NOW: (i64, i64) = (-2, 5);
    let (ca, between) = {
        let ca = Authority::new("Good CA");
        let between = Authority::make("Intermediate", Some(&ca), Make::default());
        (ca, between)
    };
    let (leaf, other) = (ca.issue(HERE), ca.issue(HERE));
    let said_with = async |lists: &[String], chain: &[&str], key: &str| {
        let chain: Vec<String> = chain.iter().map(|pem| (*pem).to_owned()).collect();
        said(&(ca.pem() + &lists.concat()), &chain, key).await.map_err(|failure| (failure.code, failure.detail))
    };
    let own: &[&str] = &[&leaf.certificate];
    assert_eq!(said_with(&[ca.revoke(&[&other.certificate], NOW)], own, &leaf.key).await, Ok(()));
    let (code, detail) = said_with(&[ca.revoke(&[&other.certificate, &leaf.certificate], NOW)], own, &leaf.key)
        .await
        .expect_err("revoked");
    assert_eq!(code, LastError::TlsCertificateRevoked);
    assert!(detail.starts_with("The broker's certificate (CN=broker) was revoked by CN=Good CA"), "{detail}");
    for days in [(-10, -1), (1, 5)] {
        let (code, detail) = said_with(&[ca.revoke(&[], days)], own, &leaf.key).await.expect_err("out of date");
        assert_eq!(code, LastError::TlsCrl);
        assert!(detail.starts_with("The CRL of CN=Good CA in CaCertificate is out of date"), "{detail}");
    }
    // The issuer of the broker's certificate needs a CRL, the CAs above it may have one.
    let below = between.issue(HERE);
    let chain: &[&str] = &[&below.certificate, &between.pem()];
    assert_eq!(said_with(&[], chain, &below.key).await, Ok(()));
    let (code, detail) = said_with(&[ca.revoke(&[], NOW)], chain, &below.key).await.expect_err("not covered");
    assert_eq!(code, LastError::TlsCrl);
    assert!(detail.contains("none of CN=Intermediate"), "{detail}");
    assert_eq!(said_with(&[between.revoke(&[], NOW)], chain, &below.key).await, Ok(()));
    assert_eq!(said_with(&[between.revoke(&[], NOW), ca.revoke(&[], NOW)], chain, &below.key).await, Ok(()));
    let lists = [between.revoke(&[], NOW), ca.revoke(&[&between.pem()], NOW)];
    let (code, detail) = said_with(&lists, chain, &below.key).await.expect_err("revoked");
    assert_eq!(code, LastError::TlsCertificateRevoked);
    assert!(detail.starts_with("The intermediate certificate CN=Intermediate"), "{detail}");
}
