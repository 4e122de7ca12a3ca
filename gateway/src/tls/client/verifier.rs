use super::old_forms::{self, Authority, List};
use super::verdict::Fault;
use crate::config::{ClientVerification, VerifyClient};
use crate::tls::PROVIDER;
use crate::tls::signature;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::fmt;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder,
    anchor_from_trusted_cert,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Verifies the certificates of a host's clients. As the verifier of a handshake, it asks for one, and takes any unless the
/// handshake is to decide.
pub struct ClientVerifier {
    /// Those that are believed.
    authorities: Vec<Authority>,
    /// Those of them that may issue certificates.
    anchors: Vec<TrustAnchor<'static>>,
    /// Other certificates of the Secret, which complete the chains of clients.
    intermediates: Vec<CertificateDer<'static>>,
    lists: Vec<CertRevocationList<'static>>,
    /// The same, for [`old_forms`].
    parsed_lists: Vec<List>,
    depth: usize,
    /// The handshake of a client without a valid certificate fails.
    decides_at_handshake: bool,
    /// Whose certificates clients are asked for.
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    /// Compiles the settings.
    ///
    /// # Errors
    /// The certificate or list that cannot be used, in the rest of a sentence for a person.
    pub fn compile(settings: &ClientVerification) -> Result<Self, String> {
        let mut certificates = Vec::new();
        for (index, der) in settings.authorities.iter().enumerate() {
            let authority = Authority::read(der);
            certificates
                .push(authority.ok_or_else(|| format!("has a certificate number {} that is not X.509", index + 1))?);
        }
        let hints =
            certificates.iter().map(|certificate| DistinguishedName::from(certificate.subject.clone())).collect();
        let has_root = certificates.iter().any(Authority::issued_itself);
        let (authorities, others): (Vec<_>, Vec<_>) =
            certificates.into_iter().partition(|certificate| !has_root || certificate.issued_itself());
        let mut anchors = Vec::new();
        for authority in authorities.iter().filter(|authority| authority.may_issue) {
            let anchor = anchor_from_trusted_cert(&authority.der);
            anchors.push(anchor.map_err(|error| format!("has a certificate that cannot be used: {error}"))?.to_owned());
        }
        let (mut lists, mut parsed_lists) = (Vec::new(), Vec::new());
        for der in &*settings.revocation_lists {
            let unusable =
                |error: &dyn fmt::Display| format!("has a list of revoked certificates that cannot be used: {error}");
            lists.push(OwnedCertRevocationList::from_der(der).map_err(|error| unusable(&error))?.into());
            parsed_lists.push(List::read(der).ok_or_else(|| unusable(&"it is not X.509"))?);
        }
        let intermediates = others.into_iter().map(|certificate| certificate.der).collect();
        Ok(Self {
            authorities,
            anchors,
            intermediates,
            lists,
            parsed_lists,
            depth: settings.depth,
            decides_at_handshake: settings.verify == VerifyClient::AtHandshake,
            hints,
        })
    }

    /// Verifies the certificate of a client, to which it has the key, with what it has sent along.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Fault> {
        let (leaf, sent) = chain.split_first().ok_or(Fault::Unspecified)?;
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Fault::Unspecified)?;
        if let Some(itself) = self.authorities.iter().find(|authority| *authority.der == **leaf) {
            check_purpose(&parsed)?;
            return old_forms::verify(&parsed, itself, &self.parsed_lists, now);
        }
        let verified = match self.verify_path(leaf, sent, now) {
            Err(webpki::Error::UnsupportedCertVersion | webpki::Error::CaUsedAsEndEntity) => {
                let issuer = self.authorities.iter().find(|authority| authority.has_issued(&parsed));
                issuer.map_or(Err(Fault::UnknownIssuer), |issuer| {
                    old_forms::verify(&parsed, issuer, &self.parsed_lists, now)
                })
            }
            Err(error) => Err(fault(&error)),
            Ok(verified) => verified,
        };
        match verified {
            Ok(()) => check_purpose(&parsed),
            Err(Fault::UnknownIssuer) => Err(lack_of_trust(&parsed, sent)),
            Err(fault) => Err(fault),
        }
    }

    /// Finds a path from the certificate to an authority. The error of webpki may be one of [`old_forms`].
    fn verify_path(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Result<(), Fault>, webpki::Error> {
        let algorithms = PROVIDER.signature_verification_algorithms.all;
        let leaf = EndEntityCert::try_from(leaf)?;
        let others: Vec<_> = sent.iter().chain(&self.intermediates).map(|der| CertificateDer::from(&**der)).collect();
        let lists: Vec<_> = self.lists.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok();
        let revocation = revocation.map(|options| options.with_expiration_policy(ExpirationPolicy::Enforce).build());
        let usage = KeyUsage::client_auth();
        let path = leaf.verify_for_usage(algorithms, &self.anchors, &others, now, usage, revocation, None)?;
        if path.intermediate_certificates().count() > self.depth {
            return Ok(Err(Fault::ChainTooLong));
        }
        // webpki does not ask whether the authority itself has expired.
        let anchors = self.authorities.iter().filter(|authority| authority.may_issue).zip(&self.anchors);
        let validities =
            anchors.filter(|(_, anchor)| *anchor == path.anchor()).map(|(authority, _)| authority.check_validity(now));
        Ok(validities.fold(Err(Fault::Unspecified), Result::or))
    }
}

/// As OpenSSL's `check_purpose_ssl_client`: what a certificate says of its use must not exclude this one.
fn check_purpose(certificate: &X509Certificate<'_>) -> Result<(), Fault> {
    let usage = certificate.key_usage().map_err(|_| Fault::BadPurpose)?;
    let extended = certificate.extended_key_usage().map_err(|_| Fault::BadPurpose)?;
    let may_sign = usage.is_none_or(|usage| usage.value.digital_signature() || usage.value.key_agreement());
    match may_sign && extended.is_none_or(|extended| extended.value.client_auth) {
        true => Ok(()),
        false => Err(Fault::BadPurpose),
    }
}

/// Why there is no authority for a certificate.
fn lack_of_trust(leaf: &X509Certificate<'_>, sent: &[CertificateDer<'_>]) -> Fault {
    let issued_itself =
        |certificate: &X509Certificate<'_>| certificate.subject().as_raw() == certificate.issuer().as_raw();
    let is_root =
        |der: &CertificateDer<'_>| X509Certificate::from_der(der).is_ok_and(|(_, parsed)| issued_itself(&parsed));
    if issued_itself(leaf) {
        Fault::SelfSigned
    } else if sent.iter().any(is_root) {
        Fault::SelfSignedInChain
    } else {
        Fault::UnknownIssuer
    }
}

fn fault(error: &webpki::Error) -> Fault {
    use webpki::Error as E;
    match error {
        E::CertExpired { .. } => Fault::Expired,
        E::CertNotValidYet { .. } => Fault::NotYetValid,
        E::CertRevoked => Fault::Revoked,
        E::CrlExpired { .. } => Fault::RevocationListExpired,
        E::UnknownRevocationStatus | E::IssuerNotCrlSigner | E::InvalidCrlSignatureForPublicKey => {
            Fault::NoRevocationList
        }
        E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => Fault::BadPurpose,
        E::UnknownIssuer => Fault::UnknownIssuer,
        E::InvalidSignatureForPublicKey => Fault::BadSignature,
        E::EndEntityUsedAsCa => Fault::InvalidAuthority,
        E::MaximumPathDepthExceeded => Fault::ChainTooLong,
        E::PathLenConstraintViolated => Fault::PathTooLong,
        E::NameConstraintViolation => Fault::NameNotPermitted,
        E::UnsupportedCriticalExtension => Fault::CriticalExtension,
        _ => Fault::Unspecified,
    }
}

/// What the handshake of a client fails with: rustls sends the alert that fits.
fn refusal(fault: Fault) -> Error {
    Error::InvalidCertificate(match fault {
        Fault::Expired => CertificateError::Expired,
        Fault::NotYetValid => CertificateError::NotValidYet,
        Fault::Revoked => CertificateError::Revoked,
        Fault::BadPurpose => CertificateError::InvalidPurpose,
        Fault::UnknownIssuer | Fault::SelfSigned | Fault::SelfSignedInChain => CertificateError::UnknownIssuer,
        _ => CertificateError::ApplicationVerificationFailure,
    })
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.decides_at_handshake
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.decides_at_handshake {
            let chain: Vec<_> = std::iter::once(leaf).chain(sent).cloned().collect();
            self.verify(&chain, now).map_err(refusal)?;
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature::verify_tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature::verify_tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("depth", &self.depth).finish_non_exhaustive()
    }
}
