//! What is said of settings that cannot be used: object, field, value and what is expected.

use super::authority::{expired_root, root};
use super::world::{HOST, SECRET, authorities, ingress, path};
use anyhow::Result;
use serde_json::{Value, json};
use tests::adit::documents;
use tests::checked::said;
use tests::objects::{backend, certificate, secret};

fn complaints(objects: impl IntoIterator<Item = Value>) -> Result<Vec<String>> {
    let said = said(&documents([backend(), certificate(HOST)?].into_iter().chain(objects)))?;
    Ok(said.into_iter().filter(|said| said.contains("auth-tls")).collect())
}

/// V20, and its siblings.
#[test]
fn v20_each_invalid_value_is_named() -> Result<()> {
    let cases = [
        ("auth-tls-match-cn", "foo", "expected \"CN=\" and a regular expression"),
        ("auth-tls-match-cn", "CN=(", "is not a valid regular expression"),
        ("auth-tls-verify-client", "yes", "expected \"on\", \"off\", \"optional\" or \"optional_no_ca\""),
        ("auth-tls-verify-depth", "x", "expected a whole number from 0 to 10"),
        ("auth-tls-error-page", "@named", "expected a URL or a path"),
        ("auth-tls-pass-certificate-to-upstream", "yes", "expected \"true\" or \"false\""),
        ("auth-tls-secret", "default/none", "names a Secret that does not exist"),
        ("auth-tls-secret", "other/ca", "names an object of another namespace"),
    ];
    let authority = root("authority")?;
    for (annotation, value, expected) in cases {
        let said = complaints([ingress(HOST, &[SECRET, (annotation, value)]), authorities(&[&authority], None)])?;
        let [said] = said.as_slice() else { panic!("{annotation}: {said:?}") };
        let field = format!("Ingress default/{HOST}: metadata.annotations[nginx.ingress.kubernetes.io/{annotation}]");
        assert!(said.contains(&field) && said.contains(value) && said.contains(expected), "{said}");
        assert!(said.contains("every request for the host is answered with 403"), "{said}");
    }
    Ok(())
}

#[test]
fn what_is_wrong_with_a_secret_is_named() -> Result<()> {
    let authority = root("authority")?;
    let cases = [
        (secret("ca", &json!({"auth": "x"})), "without certificates of authorities in data[ca.crt]"),
        (secret("ca", &json!({"ca.crt": "x"})), "without certificates of authorities in data[ca.crt]"),
        (authorities(&[&authority], Some("x")), "without lists of revoked certificates in data[ca.crl]"),
        (
            authorities(&[&authority], Some("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")),
            "has a list of revoked certificates that cannot be used",
        ),
    ];
    for (secret, expected) in cases {
        let said = complaints([ingress(HOST, &[SECRET]), secret])?;
        let [said] = said.as_slice() else { panic!("{said:?}") };
        assert!(said.contains(expected), "{said}");
    }
    // An authority that has expired is one: its clients get 400.
    assert_eq!(complaints([ingress(HOST, &[SECRET]), authorities(&[&expired_root("old")?], None)])?, [""; 0]);
    Ok(())
}

/// Without a Secret nothing is verified. What asks for that all the same is not served.
#[test]
fn what_needs_the_secret_says_so() -> Result<()> {
    for (annotation, value, is_told) in [
        ("auth-tls-verify-client", "on", true),
        ("auth-tls-match-cn", "CN=x", true),
        ("auth-tls-verify-client", "off", false),
        ("auth-tls-verify-depth", "1", false),
    ] {
        let said = complaints([ingress(HOST, &[(annotation, value)])])?;
        assert_eq!(said.iter().any(|said| said.contains("needs auth-tls-secret")), is_told, "{annotation}: {said:?}");
    }
    Ok(())
}

#[test]
fn a_younger_ingress_that_asks_in_vain_is_told() -> Result<()> {
    let authority = root("authority")?;
    let objects = |younger: &[(&str, &str)]| {
        [path("a", HOST, "/", &[SECRET]), path("b", HOST, "/b", younger), authorities(&[&authority], None)]
    };
    assert_eq!(complaints(objects(&[]))?, [""; 0]);
    assert_eq!(complaints(objects(&[SECRET]))?, [""; 0], "the same is no conflict");
    let said = complaints(objects(&[SECRET, ("auth-tls-verify-client", "off")]))?;
    let [said] = said.as_slice() else { panic!("{said:?}") };
    assert!(said.contains("Ingress default/b") && said.contains("Ingress default/a has it"), "{said}");
    Ok(())
}
