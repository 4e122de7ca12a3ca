//! Certificates with their keys, as Secrets hold them: PEM under `tls.crt` and `tls.key`.
//!
//! The type of the Secret does not matter, as in ingress-nginx: it may be `kubernetes.io/tls` or `Opaque`. Nothing of a
//! key gets into an error.

use gateway::config::{Certificate, HostName, Origin, PrivateKey, Subject};
use k8s_openapi::api::core::v1::Secret;
use rustls::SignatureAlgorithm;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// A certificate that belongs to its key, and what hosts ask about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyPair {
    /// For the gateway.
    pub(crate) certificate: Arc<Certificate>,
    /// The names that it is for, in lower case: the DNS names of its extension, or, without that extension, its common
    /// name.
    names: Vec<String>,
    /// RSA and ECDSA may stand side by side.
    pub(crate) algorithm: SignatureAlgorithm,
    /// What a person should know of it, although it is served.
    pub(crate) warnings: Vec<String>,
}

/// Why a Secret has no certificate to serve; reads after its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("has no data[{0}]")]
    Missing(Field),
    #[error("has a data[tls.crt] that is not one or more certificates in PEM")]
    NoCertificate,
    #[error("has a data[tls.crt] whose certificate number {0} is not X.509")]
    NotX509(usize),
    #[error(
        "has a data[tls.key] that is not an unencrypted private key in PEM: expected RSA of 2048 bits or more, ECDSA \
         on P-256, P-384 or P-521, or Ed25519"
    )]
    NoKey,
    #[error("has a data[tls.key] that is not the key of a certificate in data[tls.crt]")]
    Mismatch,
}

/// A key of a Secret's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Certificate,
    Key,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Certificate => "tls.crt",
            Self::Key => "tls.key",
        }
    }

    fn of(self, secret: &Secret) -> Result<&[u8], CertificateError> {
        let value = secret.data.as_ref().and_then(|data| data.get(self.name())).filter(|value| !value.0.is_empty());
        value.map(|value| value.0.as_slice()).ok_or(CertificateError::Missing(self))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The certificates in PEM; `None` unless it is one or more.
pub(crate) fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.ok().filter(|certificates| !certificates.is_empty())
}

/// The lists of revoked certificates in PEM; `None` unless it is one or more.
pub(crate) fn revocation_lists(pem: &[u8]) -> Option<Vec<CertificateRevocationListDer<'static>>> {
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(pem).collect();
    lists.ok().filter(|lists| !lists.is_empty())
}

impl KeyPair {
    /// Reads a Secret. The chain is put in order where it is not: the key's certificate, its issuer, and so on.
    pub(crate) fn read(secret: &Secret, object: impl Into<Subject>) -> Result<Self, CertificateError> {
        let pem = Field::Certificate.of(secret)?;
        let key = Field::Key.of(secret)?;
        let given = certificates(pem).ok_or(CertificateError::NoCertificate)?;
        let parsed = given
            .iter()
            .enumerate()
            .map(|(index, der)| match X509Certificate::from_der(der) {
                Ok((_, parsed)) => Ok(parsed),
                Err(_) => Err(CertificateError::NotX509(index + 1)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
        let signing = aws_lc_rs::default_provider().key_provider.load_private_key(key.clone_key());
        let signing = signing.map_err(|_| CertificateError::NoKey)?;
        let public = signing.public_key().ok_or(CertificateError::NoKey)?;
        let leaf = parsed.iter().position(|certificate| certificate.tbs_certificate.subject_pki.raw == &*public);
        let order = chain(leaf.ok_or(CertificateError::Mismatch)?, &parsed);
        let mut warnings = Vec::new();
        if !order.is_sorted() {
            warnings.push(
                "has a data[tls.crt] in the wrong order: the certificate of the host is served first, then its issuers"
                    .to_owned(),
            );
        }
        let leaf = &parsed[order[0]];
        warnings.extend(outside_validity(leaf));
        let certificate = Certificate {
            chain: order.iter().map(|index| given[*index].to_vec()).collect(),
            key: PrivateKey::new(key.secret_der()),
            origin: Origin::new(object, "data[tls.crt]"),
        };
        Ok(Self { certificate: Arc::new(certificate), names: names(leaf), algorithm: signing.algorithm(), warnings })
    }

    /// Whether it is for a host. One for `*.example.com` is for each name one label below, and for that wildcard; of
    /// hosts that are no names it is never told.
    pub(crate) fn covers(&self, host: &HostName) -> bool {
        let wildcard_of = |parent: &str, name: &String| name.strip_prefix("*.") == Some(parent);
        self.names.iter().any(|name| match host {
            HostName::Exact(host) => {
                **name == **host || host.split_once('.').is_some_and(|(_, parent)| wildcard_of(parent, name))
            }
            HostName::Wildcard(parent) | HostName::Subdomains(parent) => wildcard_of(parent, name),
            HostName::Any | HostName::Pattern(_) => false,
        })
    }
}

/// The certificates in the order of issuing, from this one up; those that belong to nobody's chain come last.
fn chain(leaf: usize, certificates: &[X509Certificate<'_>]) -> Vec<usize> {
    let mut order = vec![leaf];
    let mut rest: Vec<_> = (0..certificates.len()).filter(|index| *index != leaf).collect();
    let mut current = leaf;
    let issued = |issuer: usize, subject: usize| {
        certificates[issuer].subject().as_raw() == certificates[subject].issuer().as_raw()
    };
    while let Some(next) = rest.iter().position(|index| issued(*index, current)) {
        current = rest.remove(next);
        order.push(current);
    }
    order.extend(rest);
    order
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                _ => None,
            })
            .collect(),
        _ => certificate
            .subject()
            .iter_common_name()
            .filter_map(|name| name.as_str().ok())
            .map(str::to_ascii_lowercase)
            .collect(),
    }
}

/// What is wrong with the time. ingress-nginx serves such certificates (rule 21), and so do we.
fn outside_validity(certificate: &X509Certificate<'_>) -> Option<String> {
    let validity = certificate.validity();
    let now = x509_parser::time::ASN1Time::now();
    if now < validity.not_before {
        Some(format!("has a certificate that is not valid before {}", validity.not_before))
    } else if now > validity.not_after {
        Some(format!("has a certificate that expired on {}", validity.not_after))
    } else {
        None
    }
}

#[cfg(test)]
pub(crate) mod tests;
