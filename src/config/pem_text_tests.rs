use super::*;
use proptest::prelude::*;

const WHOLE: &str = "-----BEGIN X-----\nMIIB\n-----END X-----\n";

#[test]
fn pem_is_taken_as_it_is_pasted() {
    let pasted = [
        "  -----BEGIN X-----\n    MIIB\n  -----END X-----",
        "-----BEGIN X-----\\nMIIB\\n-----END X-----\\n",
        "-----BEGIN X-----\\r\\nMI\\r\\nIB\\r\\n-----END X-----",
        "-----BEGIN X-----\rMIIB\r-----END X-----\r",
        "-----BEGIN X-----\n\n\nMI\n\nIB\n\n-----END X-----",
        "-----BEGIN X----- MIIB -----END X-----",
        "\u{feff}subject=CN = a\r\n-----BEGIN X-----\r\n\tMIIB\r\n-----END X-----\r\nthe end",
    ];
    for text in pasted {
        assert_eq!(*canonical(text), WHOLE, "{text:?}");
    }
    let long = format!("-----BEGIN X-----{}-----END X-----", "A".repeat(65));
    assert_eq!(*canonical(&long), format!("-----BEGIN X-----\n{}\nA\n-----END X-----\n", "A".repeat(64)));
}

#[test]
fn pem_that_is_no_block_is_left_alone() {
    for text in
        ["", "x", "-----BEGIN X-----\nMIIB", "-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n-----END X-----", "MIIB\\q"]
    {
        assert_eq!(*canonical(text), text);
    }
}

#[test]
fn base64_without_a_block_is_told_apart() {
    let of = |der: &[u8]| bare(&openssl::base64::encode_block(der));
    assert_eq!(of(&[0x30, 0x82, 0x09, 0x10, 0x02, 0x01, 0x03, 0x30]), Some(Bare::Pkcs12));
    assert_eq!(of(&[0x30, 0x82, 0x03, 0x10, 0x30, 0x82, 0x01]), Some(Bare::Der));
    assert_eq!(of(&[0x30, 0x77, 0x02, 0x01, 0x01, 0x04]), Some(Bare::Der));
    assert!(binary(&[0x30, 0x82, 0x03, 0x10, 0x30]).is_some_and(|hint| hint.contains("x509 -inform der")));
    assert!(binary(&[0x30, 0x82, 9, 9, 2, 1, 3]).is_some_and(|hint| hint.contains("openssl pkcs12")));
    assert_eq!(binary(b"text"), None);
    assert_eq!([of(b"text, just text"), bare("-"), bare("")], [None; 3]);
}

proptest! {
    #[test]
    fn canonical_of_canonical_is_the_same(text in "(-----BEGIN [A-C]{1,2}-----|-----END [A-C]{1,2}-----|[A-Z=\\n \\\\r-]{0,9}){0,8}") {
        let once = canonical(&text);
        prop_assert_eq!(&*canonical(&once), &*once);
    }
}
