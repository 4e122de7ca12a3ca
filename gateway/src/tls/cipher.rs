//! The names of versions and cipher suites: users and logs have OpenSSL's, rustls has its own.

use rustls::crypto::aws_lc_rs::cipher_suite as suites;
use rustls::{CipherSuite, ProtocolVersion, SupportedCipherSuite};

/// All TLS 1.2 suites of rustls, by OpenSSL's names.
static TLS12: [(&str, &SupportedCipherSuite); 6] = [
    ("ECDHE-ECDSA-AES128-GCM-SHA256", &suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-AES128-GCM-SHA256", &suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", &suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES256-GCM-SHA384", &suites::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", &suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", &suites::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// The TLS 1.2 suite that OpenSSL calls `name`; `None` where rustls has none, which is so for all without forward
/// secrecy or authenticated encryption.
pub fn cipher(name: &str) -> Option<SupportedCipherSuite> {
    TLS12.iter().find(|(known, _)| *known == name).map(|&(_, suite)| *suite)
}

/// The names that [`cipher`] knows.
pub fn supported_ciphers() -> impl Iterator<Item = &'static str> {
    TLS12.iter().map(|&(name, _)| name)
}

/// `$ssl_cipher`: the suite's name as OpenSSL has it.
pub(crate) fn openssl_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        suite => TLS12.iter().find(|(_, known)| known.suite() == suite).map_or("", |(name, _)| name),
    }
}

/// `$ssl_protocol`: the version as OpenSSL has it.
pub(crate) fn version_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_of_rustls_has_a_name() {
        for suite in suites_of_rustls() {
            let name = openssl_name(suite.suite());
            assert!(!name.is_empty(), "{suite:?}");
            assert_eq!(cipher(name).is_some(), suite.tls13().is_none(), "{name}");
        }
        assert_eq!(supported_ciphers().count() + 3, suites_of_rustls().len());
    }

    fn suites_of_rustls() -> &'static [SupportedCipherSuite] {
        rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES
    }

    #[test]
    fn what_rustls_lacks_has_no_suite() {
        for name in ["DHE-RSA-AES256-GCM-SHA384", "AES128-SHA", "TLS_AES_128_GCM_SHA256", "HIGH", "!aNULL", ""] {
            assert!(cipher(name).is_none(), "{name}");
        }
    }
}
