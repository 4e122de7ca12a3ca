//! How versions and cipher suites of TLS are read, for clients and for backends.

use super::value::Value;
use gateway::tls::{cipher, supported_ciphers};
use std::sync::Arc;

/// The versions that a value names, separated by spaces: whether TLS 1.2 and TLS 1.3 are among them, and all other words.
pub(crate) fn tls_versions(value: Value<'_>) -> ((bool, bool), Vec<&str>) {
    let (mut tls12, mut tls13) = (false, false);
    let mut others = Vec::new();
    for version in value.text().split_ascii_whitespace() {
        match version {
            "TLSv1.2" => tls12 = true,
            "TLSv1.3" => tls13 = true,
            other => others.push(other),
        }
    }
    ((tls12, tls13), others)
}

/// The suites of TLS 1.2 that are supported, of these names of OpenSSL; and what is to be said of the others.
pub(crate) fn cipher_suites<'a>(names: impl Iterator<Item = &'a str>) -> (Arc<[Arc<str>]>, Option<String>) {
    let (known, others): (Vec<&str>, Vec<&str>) = names.partition(|name| cipher(name).is_some());
    let complaint = (!others.is_empty()).then(|| match known.is_empty() {
        true => format!(
            "contains no supported suite: expected some of {}; all of them are offered",
            supported_ciphers().collect::<Vec<_>>().join(", ")
        ),
        false => format!("contains {}, which is not supported; the other suites stay in effect", others.join(", ")),
    });
    (known.into_iter().map(Into::into).collect(), complaint)
}
