use super::*;
use crate::config::{Candidate, Config, Secret};
use crate::test_certificates::{Authority, Subject};

/// What is said of these settings.
fn refused(change: impl FnOnce(&mut Candidate)) -> String {
    let mut candidate = Candidate::default();
    change(&mut candidate);
    let problems = Config::check(&candidate).err().unwrap_or_default();
    problems
        .iter()
        .map(|p| format!("{}: {}", p.name, p.detail.as_deref().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join("; ")
}

fn of_ca(pem: &str) -> String {
    refused(|d| d.raw.ca_certificate = pem.to_owned())
}

#[test]
fn crls_beside_their_ca_are_right_as_people_paste_them() {
    let (ca, other) = (Authority::new("CA"), Authority::new("Other"));
    let (crl, own) = (ca.revoke(&[], (-1, 1)), ca.issue(Subject { common_name: "a", ..Subject::default() }));
    for pem in [ca.pem() + &crl, crl.clone() + &ca.pem(), ca.pem() + &other.pem() + &crl + &other.revoke(&[], (-1, 1))]
    {
        assert_eq!(of_ca(&pem), "");
        assert_eq!(of_ca(&pem.replace('\n', "\r\n  ")), "");
        assert_eq!(of_ca(&pem.replace('\n', "\\n")), "");
        assert_eq!(
            crate::config::pem::certificates(&pem).expect("read").len(),
            pem.matches("BEGIN CERTIFICATE").count()
        );
        assert_eq!(lists(&pem).matches(BEGIN).count(), pem.matches(BEGIN).count());
    }
    // Of a CA in between, which the broker shows.
    assert_eq!(of_ca(&(ca.pem() + &other.revoke(&[&own.certificate], (-1, 1)))), "");
}

#[test]
fn crls_that_are_wrong_are_told_apart() {
    let (ca, twin) = (Authority::new("CA"), Authority::new("CA"));
    let crl = ca.revoke(&[], (-1, 1));
    assert_eq!(of_ca(&crl), "CaCertificate: it is a CRL alone; the certificate of its CA is wanted beside it");
    let damaged = "CaCertificate: its BEGIN X509 CRL block is damaged: paste the CRL file as it is";
    let cut: String = crl.lines().enumerate().filter(|(n, _)| *n != 2).map(|(_, line)| format!("{line}\n")).collect();
    for bad in [&*cut, &crl.replace(END, ""), &crl.replace("X509 CRL", "CRL")] {
        assert_eq!(of_ca(&(ca.pem() + bad)), damaged, "{bad}");
    }
    assert_eq!(
        of_ca(&(ca.pem() + &twin.revoke(&[], (-1, 1)))),
        "CaCertificate: its CRL is not signed by the CA of that name beside it"
    );
    let own = ca.issue(Subject { common_name: "a", ..Subject::default() });
    let text = refused(|d| d.raw.client_certificate = own.certificate.clone() + &crl);
    assert_eq!(text, "ClientCertificate: it holds a CRL, which belongs into CaCertificate");
    let text = refused(|d| d.secrets.client_key = Secret::from(crl.clone()));
    assert_eq!(text, "ClientKey: it is a CRL, which belongs into CaCertificate beside the certificate of its CA");
}

#[test]
fn crls_are_renewed_by_later_ones_of_the_same_ca() {
    let (ca, other) = (Authority::new("CA"), Authority::new("Other"));
    let (old, new) = (ca.pem() + &ca.revoke(&[], (-3, 1)), ca.pem() + &ca.revoke(&[], (-1, 3)));
    assert!(renews(&old, &new) && renews(&old, &old) && renews(&ca.pem(), &old));
    for worse in [ca.pem(), ca.pem() + &other.revoke(&[], (-1, 3)), other.pem() + &new, other.pem()] {
        assert!(!renews(&old, &worse));
    }
    assert!(!renews(&new, &old), "an earlier one does not know of the last");
}
