use super::*;
use gateway::config::Subject;
use k8s_openapi::ByteString;
use proptest::prelude::*;
use rcgen::{CertificateParams, CertifiedIssuer, DistinguishedName, DnType, KeyPair as Key, date_time_ymd};
use std::sync::LazyLock;

/// A certificate for these names and its key, in PEM.
pub(crate) fn pem(names: &[&str]) -> (String, String) {
    let key = Key::generate().expect("a key");
    (params(names).self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names")
}

fn read(certificate: &str, key: &str) -> Result<KeyPair, CertificateError> {
    let data = [("tls.crt", certificate), ("tls.key", key)];
    let data = data.map(|(name, value)| (name.to_owned(), ByteString(value.as_bytes().to_vec())));
    KeyPair::read(&Secret { data: Some(data.into()), ..Secret::default() }, Subject::other("Secret default/s"))
}

fn host(name: &str) -> HostName {
    HostName::parse(name).expect("a host")
}

#[test]
fn names_cover_hosts() {
    let (certificate, key) = pem(&["A.example.com", "*.b.example.com"]);
    let pair = read(&certificate, &key).expect("a pair");
    let covered = ["a.example.com", "x.b.example.com", "*.b.example.com"];
    assert!(covered.iter().all(|name| pair.covers(&host(name))));
    let others = ["b.example.com", "x.y.b.example.com", "*.example.com", "x.a.example.com", "", "~^a"];
    assert_eq!(others.iter().find(|name| pair.covers(&host(name))), None);
}

#[test]
fn the_common_name_counts_without_other_names() {
    let common = |names: &[&str]| {
        let mut params = params(names);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "cn.example.com");
        let key = Key::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        read(&certificate.pem(), &key.serialize_pem()).expect("a pair").covers(&host("cn.example.com"))
    };
    assert!(common(&[]));
    assert!(!common(&["other.example.com"]));
}

#[test]
fn a_chain_is_put_in_order() {
    let named = |name: &str| {
        let mut params = params(&[]);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let root = CertifiedIssuer::self_signed(named("root"), Key::generate().expect("a key")).expect("a root");
    let middle = CertifiedIssuer::signed_by(named("middle"), Key::generate().expect("a key"), &root).expect("a CA");
    let key = Key::generate().expect("a key");
    let leaf = params(&["h"]).signed_by(&key, &middle).expect("a leaf");
    let chain = |parts: &[String]| {
        let pair = read(&parts.concat(), &key.serialize_pem()).expect("a pair");
        (pair.certificate.chain.clone(), pair.warnings.len())
    };
    let right = [leaf.pem(), middle.pem(), root.pem()];
    let wrong = [root.pem(), leaf.pem(), middle.pem()];
    let expected: Arc<[Vec<u8>]> = [leaf.der(), middle.der(), root.der()].map(|der| der.to_vec()).into();
    assert_eq!(chain(&right), (expected.clone(), 0));
    assert_eq!(chain(&wrong), (expected, 1));
}

#[test]
fn what_is_wrong_is_said() {
    let (certificate, key) = pem(&["h"]);
    let (_, other) = pem(&["h"]);
    let error = |certificate: &str, key: &str| read(certificate, key).expect_err("an error");
    assert_eq!(error("", &key), CertificateError::Missing(Field::Certificate));
    assert_eq!(error(&certificate, ""), CertificateError::Missing(Field::Key));
    assert_eq!(error("rubbish", &key), CertificateError::NoCertificate);
    assert_eq!(error(&key, &key), CertificateError::NoCertificate);
    let not_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(error(&format!("{certificate}{not_x509}"), &key), CertificateError::NotX509(2));
    assert_eq!(error(&certificate, "rubbish"), CertificateError::NoKey);
    assert_eq!(error(&certificate, &other), CertificateError::Mismatch);
    // Rubbish around PEM is what openssl writes there, and no mistake.
    assert!(read(&format!("subject=h\n{certificate}"), &key).is_ok());
}

#[test]
fn an_expired_certificate_is_served_with_a_warning() {
    let mut params = params(&["h"]);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let key = Key::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let pair = read(&certificate.pem(), &key.serialize_pem()).expect("a pair");
    assert!(pair.warnings[0].contains("2021"), "{:?}", pair.warnings);
}

proptest! {
    #[test]
    fn damaged_pem_never_panics_and_never_shows_a_key(at in 0..2000_usize, byte in any::<u8>(), in_key in any::<bool>()) {
        static PEM: LazyLock<(String, String)> = LazyLock::new(|| pem(&["h"]));
        let (mut certificate, mut key) = PEM.clone();
        let damaged = if in_key { &mut key } else { &mut certificate };
        let mut bytes = std::mem::take(damaged).into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        *damaged = String::from_utf8_lossy(&bytes).into_owned();
        let result = read(&certificate, &key);
        let shown = format!("{result:?}");
        let secret = PEM.1.lines().nth(1).expect("a line of the key");
        prop_assert!(!shown.contains(secret));
        if let Err(error) = result {
            prop_assert!(!error.to_string().contains(secret));
        }
    }
}
