//! Whether the certificate of a backend is taken.

use super::{PROVIDER, authorities};
use crate::config::{BackendVerification, SubjectName};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// What the certificate of a backend has to be. With nothing it takes every one, as ingress-nginx without
/// `proxy-ssl-verify`. That the backend has the key to it is always proved.
#[derive(Debug, Default)]
pub(super) struct Verifier(Option<Required>);

/// It is issued by one of these authorities, for one of these names.
struct Required {
    authorities: Arc<RootCertStore>,
    names: Vec<Name>,
    depth: usize,
}

#[derive(Debug)]
enum Name {
    Dns(ServerName<'static>),
    Uri(Arc<str>),
}

impl Verifier {
    /// Compiles what is required.
    ///
    /// # Errors
    /// A certificate or a name that cannot be used, in a sentence for a person.
    pub(super) fn new(verification: Option<&BackendVerification>) -> Result<Self, String> {
        verification.map(Required::new).transpose().map(Self)
    }
}

impl Required {
    fn new(verification: &BackendVerification) -> Result<Self, String> {
        let authorities = authorities::roots(&verification.authorities)?;
        let names = verification.names.iter().map(Name::new).collect::<Result<_, _>>()?;
        Ok(Self { authorities, names, depth: verification.depth })
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        match self.depth_of(certificate, intermediates, now) {
            Ok(depth) if depth <= self.depth => {}
            Ok(_) => return Err(Error::General("the chain is longer than it may be".to_owned())),
            Err(error) => return Err(Error::General(format!("the certificate is not valid: {error}"))),
        }
        match self.names.iter().any(|name| name.is_in(certificate)) {
            true => Ok(()),
            false => Err(CertificateError::NotValidForName.into()),
        }
    }

    /// How many certificates stand between it and the authority that it leads to.
    fn depth_of(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<usize, webpki::Error> {
        let algorithms = PROVIDER.signature_verification_algorithms.all;
        let certificate = EndEntityCert::try_from(certificate)?;
        let (roots, usage) = (&self.authorities.roots, KeyUsage::server_auth());
        let path = certificate.verify_for_usage(algorithms, roots, intermediates, now, usage, None, None)?;
        Ok(path.intermediate_certificates().count())
    }
}

impl Name {
    fn new(name: &SubjectName) -> Result<Self, String> {
        Ok(match name {
            SubjectName::Dns(name) => {
                let parsed = ServerName::try_from(name.to_string());
                Self::Dns(parsed.map_err(|_| format!("{name:?} is not the name of a server"))?)
            }
            SubjectName::Uri(uri) => Self::Uri(Arc::clone(uri)),
        })
    }

    /// Whether it is among the names that a certificate is for.
    fn is_in(&self, certificate: &CertificateDer<'_>) -> bool {
        match self {
            Self::Dns(name) => ParsedCertificate::try_from(certificate)
                .is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok()),
            Self::Uri(uri) => has_uri(certificate, uri),
        }
    }
}

fn has_uri(certificate: &CertificateDer<'_>, uri: &str) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|name| matches!(name, GeneralName::URI(found) if *found == uri))
}

impl fmt::Debug for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Required").field("names", &self.names).field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Verifier {
    // The name is the setting's also where none is sent, and rustls has an address.
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(required) = &self.0 {
            required.verify(certificate, intermediates, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}
