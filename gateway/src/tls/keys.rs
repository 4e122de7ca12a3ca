use super::PROVIDER;
use super::ocsp::{ServedKey, StapleQueue};
use crate::config::Certificate;
use crate::interner::Interner;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{SignatureAlgorithm, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Certificates with their keys, parsed. Equal ones are parsed once for as long as a table has them.
pub(crate) type KeyInterner = Interner<Certificate, ServedKey>;

/// The certificates of one name, of which a handshake takes the first that its client can verify.
#[derive(Default)]
pub(crate) struct Keys(Vec<Arc<ServedKey>>);

impl Keys {
    /// The certificates that are usable, and for each of the others why it is not.
    pub(crate) fn compile<'a>(
        certificates: impl IntoIterator<Item = &'a Arc<Certificate>>,
        known: &mut KeyInterner,
    ) -> (Self, Vec<(&'a Arc<Certificate>, String)>) {
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        for certificate in certificates {
            match known.intern(certificate, parse) {
                Ok(key) => keys.push(key),
                Err(fault) => faults.push((certificate, fault)),
            }
        }
        // RSA last: who has a faster key beside it has it for the clients that know it.
        keys.sort_by_key(|key: &Arc<ServedKey>| key.bare().key.algorithm() == SignatureAlgorithm::RSA);
        (Self(keys), faults)
    }

    /// Whether there is no certificate.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn choose(&self, schemes: &[SignatureScheme]) -> Option<&Arc<ServedKey>> {
        // If none fits, rustls sends the client an alert.
        self.0.iter().find(|key| key.bare().key.choose_scheme(schemes).is_some()).or(self.0.first())
    }
}

impl ResolvesServerCert for Keys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.signature_schemes()).map(|key| Arc::clone(key.bare()))
    }
}

/// Presents certificates with the OCSP responses that are there.
#[derive(Debug)]
pub(super) struct Stapling {
    pub(super) keys: Arc<Keys>,
    pub(super) queue: Arc<StapleQueue>,
}

impl ResolvesServerCert for Stapling {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.keys.choose(hello.signature_schemes())?.stapled(&self.queue))
    }
}

/// The certificates of which a handshake has presented one.
#[derive(Clone, Debug, Default)]
pub struct Presented(Arc<Keys>);

impl Presented {
    /// Whether the certificate holds for a host, given without a port. Which one of several was presented is not known:
    /// they all have to.
    pub(crate) fn covers(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(name) = ServerName::try_from(address) else { return false };
        let covers = |key: &Arc<ServedKey>| {
            let leaf = key.bare().end_entity_cert().and_then(ParsedCertificate::try_from);
            leaf.is_ok_and(|leaf| verify_server_name(&leaf, &name).is_ok())
        };
        !self.0.is_empty() && self.0.0.iter().all(covers)
    }
}

impl From<Arc<Keys>> for Presented {
    fn from(keys: Arc<Keys>) -> Self {
        Self(keys)
    }
}

impl PartialEq for Presented {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Presented {}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.bare().key.algorithm())).finish()
    }
}

/// Loads the key and checks that it is the certificate's. The error is the rest of a sentence about both.
///
/// rustls' own check, [`CertifiedKey::from_der`], reads certificates as a client would: it refuses those of version 1,
/// which private authorities still issue.
fn parse(certificate: &Certificate) -> Result<ServedKey, String> {
    let (chain, key) = parts(certificate)?;
    let leaf = chain.first().ok_or("there is no certificate")?;
    let (_, leaf) = X509Certificate::from_der(leaf).map_err(|_| "the certificate is not X.509")?;
    let key = PROVIDER.key_provider.load_private_key(key).map_err(|error| error.to_string())?;
    if key.public_key().is_none_or(|public| leaf.tbs_certificate.subject_pki.raw != &*public) {
        return Err("the key is not the certificate's".to_owned());
    }
    Ok(ServedKey::new(CertifiedKey::new(chain, key), certificate.origin.clone()))
}

/// The chain and the key, as rustls takes them.
pub(super) fn parts(
    certificate: &Certificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = certificate.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::try_from(certificate.key.der());
    Ok((chain, key.map_err(|_| "the key is not a private key: expected PKCS #8, PKCS #1 or SEC1")?.clone_key()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Origin, PrivateKey, Subject};
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, generate_simple_self_signed};
    use rustls::SignatureScheme as Scheme;

    fn certificate(chain: &[&[u8]], key: &[u8]) -> Arc<Certificate> {
        Arc::new(Certificate {
            chain: chain.iter().map(|der| der.to_vec()).collect(),
            key: PrivateKey::new(key),
            origin: Origin::new(Subject::other("Secret default/shop"), "data"),
        })
    }

    fn ecdsa() -> Arc<Certificate> {
        signed_by(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"))
    }

    fn signed_by(key: &KeyPair) -> Arc<Certificate> {
        let params = rcgen::CertificateParams::new(["shop.example.com".to_owned()]).expect("a name");
        let leaf = params.self_signed(key).expect("a certificate");
        certificate(&[leaf.der()], &key.serialize_der())
    }

    fn compile(certificates: &[Arc<Certificate>]) -> (Keys, Vec<String>) {
        let mut known = KeyInterner::default();
        let (keys, faults) = Keys::compile(certificates, &mut known);
        (keys, faults.into_iter().map(|(_, fault)| fault).collect())
    }

    #[test]
    fn the_clients_signature_schemes_choose() {
        let rsa = signed_by(&KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key"));
        let (keys, faults) = compile(&[rsa, ecdsa()]);
        assert_eq!(faults, [""; 0]);
        let algorithm = |schemes: &[Scheme]| keys.choose(schemes).map(|key| key.bare().key.algorithm());
        let both = [Scheme::RSA_PSS_SHA256, Scheme::ECDSA_NISTP256_SHA256];
        assert_eq!(algorithm(&both), Some(SignatureAlgorithm::ECDSA));
        assert_eq!(algorithm(&both[..1]), Some(SignatureAlgorithm::RSA));
        assert_eq!(algorithm(&[]), Some(SignatureAlgorithm::ECDSA), "one is named, so that the alert says more");
    }

    #[test]
    fn what_does_not_belong_together_is_refused_alone() {
        let (good, other) = (ecdsa(), ecdsa());
        let other_key = certificate(&[&other.chain[0]], good.key.der());
        let no_key = certificate(&[&other.chain[0]], b"rubbish");
        let no_certificate = certificate(&[], good.key.der());
        let rubbish = certificate(&[b"rubbish"], good.key.der());
        let (keys, faults) = compile(&[other_key, no_key, good, no_certificate, rubbish]);
        assert_eq!((keys.0.len(), faults.len()), (1, 4), "{faults:?}");
        assert_eq!(faults[1], "the key is not a private key: expected PKCS #8, PKCS #1 or SEC1");
    }

    #[test]
    fn a_presented_certificate_covers_its_names() {
        let names = ["a.example.com", "*.b.example.com", "10.0.0.1", "::1"].map(str::to_owned);
        let pair = generate_simple_self_signed(names).expect("a certificate");
        let (keys, _) = compile(&[certificate(&[pair.cert.der()], &pair.signing_key.serialize_der())]);
        let presented = Presented::from(Arc::new(keys));
        let covered = |host| presented.covers(host);
        assert!(["a.example.com", "x.b.example.com", "10.0.0.1", "[::1]"].into_iter().all(covered));
        assert!(!["example.com", "x.y.b.example.com", "10.0.0.2", "", "a b"].into_iter().any(covered));
        assert!(!Presented::default().covers("a.example.com"));
    }

    #[test]
    fn equal_certificates_are_parsed_once() {
        let certificate = ecdsa();
        let copy = Arc::new(Certificate::clone(&certificate));
        let mut known = KeyInterner::default();
        let (first, _) = Keys::compile([&certificate], &mut known);
        let (second, _) = Keys::compile([&copy], &mut known);
        assert!(Arc::ptr_eq(&first.0[0], &second.0[0]));
    }

    #[test]
    fn keys_never_print() {
        let pair = generate_simple_self_signed(["h".to_owned()]).expect("a certificate");
        let (keys, _) = compile(&[certificate(&[pair.cert.der()], &pair.signing_key.serialize_der())]);
        assert_eq!(format!("{keys:?}"), "[ECDSA]");
    }
}
