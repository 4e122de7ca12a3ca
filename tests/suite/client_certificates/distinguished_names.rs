//! Names of subjects and issuers, written as OpenSSL writes them.

use anyhow::{Context, Result};
use gateway::tls::client::rfc2253;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rcgen::string::{BmpString, PrintableString, TeletexString, UniversalString};
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};
use std::fs;
use std::process::Command;
use x509_parser::prelude::{FromDer as _, X509Certificate};

fn attribute() -> impl Strategy<Value = DnType> {
    prop_oneof![
        Just(DnType::CommonName),
        Just(DnType::CountryName),
        Just(DnType::LocalityName),
        Just(DnType::StateOrProvinceName),
        Just(DnType::OrganizationName),
        Just(DnType::OrganizationalUnitName),
        Just(DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1])),
        Just(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1])),
        Just(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 25])),
        Just(DnType::CustomDnType(vec![2, 5, 4, 5])),
        Just(DnType::CustomDnType(vec![2, 5, 4, 42])),
        Just(DnType::CustomDnType(vec![1, 2, 3, 4, 5])),
    ]
}

fn value() -> impl Strategy<Value = DnValue> {
    const SPECIAL: &str = "[ #,+\"\\\\<>;=a\\x00-\\x1f\\x7f]{1,6}";
    prop_oneof![
        "\\PC{1,8}".prop_map(DnValue::Utf8String),
        SPECIAL.prop_map(DnValue::Utf8String),
        "[A-Za-z0-9 '()+,./:=-]{1,8}".prop_filter_map("printable", |text| {
            Some(DnValue::PrintableString(PrintableString::try_from(text).ok()?))
        }),
        "[ -~]{1,8}".prop_filter_map("ASCII", |text| Some(DnValue::TeletexString(TeletexString::try_from(text).ok()?))),
        "[a-zé€Ω ,]{1,8}"
            .prop_filter_map("two bytes", |text| Some(DnValue::BmpString(BmpString::try_from(text.as_str()).ok()?))),
        "[a-zé€😀 #]{1,8}".prop_filter_map("four bytes", |text| {
            Some(DnValue::UniversalString(UniversalString::try_from(text.as_str()).ok()?))
        }),
    ]
}

/// As `openssl x509 -subject -nameopt RFC2253`.
fn openssl(pem: &str) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), pem)?;
    let command = ["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in"];
    let output = Command::new("openssl").args(command).arg(file.path()).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.strip_prefix("subject=").context("a subject")?.trim_end_matches('\n').to_owned())
}

fn both(attributes: impl IntoIterator<Item = (DnType, DnValue)>) -> Result<(String, String)> {
    let mut params = CertificateParams::new([])?;
    params.distinguished_name = DistinguishedName::new();
    attributes.into_iter().for_each(|(kind, value)| params.distinguished_name.push(kind, value));
    let certificate = params.self_signed(&KeyPair::generate()?)?;
    let (_, parsed) = X509Certificate::from_der(certificate.der())?;
    Ok((rfc2253(parsed.subject()), openssl(&certificate.pem())?))
}

#[test]
fn names_are_written_as_openssl_writes_them() {
    let names = prop::collection::vec((attribute(), value()), 0..4);
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let tested = runner.run(&names, |attributes| {
        let (ours, openssls) = both(attributes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(ours, openssls);
        Ok(())
    });
    tested.expect("the same text");
}

#[test]
fn what_has_to_be_escaped_is() -> Result<()> {
    for text in [" ", "#", "# ", " #", "a ", "##", "a#", "\\", "é", "\u{0}", "a,b+c\"d\\e<f>g;h=i", "CN=x"] {
        let (ours, openssls) = both([(DnType::CommonName, DnValue::Utf8String(text.to_owned()))])?;
        assert_eq!(ours, openssls, "{text:?}");
    }
    Ok(())
}
