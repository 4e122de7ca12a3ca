//! What the annotations `proxy-ssl-*` come to, once all of them are known.

use crate::certificate::{KeyPair, certificates};
use crate::registry::ValueError;
use gateway::config::{
    Authorities, BackendPolicies, BackendProtocol, BackendTls, BackendVerification, Certificate, Subject, SubjectName,
};
use k8s_openapi::api::core::v1::Secret;
use std::sync::Arc;

/// Of the Secret: the authorities that verify backends.
const AUTHORITIES: &str = "ca.crt";

/// What the annotations say of TLS to backends.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxySslSettings {
    /// The Secret that `proxy-ssl-secret` names. Without it, the others ask for nothing.
    pub(super) secret: Option<Arc<Secret>>,
    /// `proxy-ssl-verify`.
    pub(super) verify: bool,
    /// `proxy-ssl-verify-depth`.
    pub(super) depth: Option<usize>,
    /// `proxy-ssl-name`.
    pub(super) name: Option<Arc<str>>,
    /// `proxy-ssl-server-name`.
    pub(super) send_name: bool,
    /// `proxy-ssl-protocols`: TLS 1.2, and 1.3.
    pub(super) versions: Option<(bool, bool)>,
    /// `proxy-ssl-ciphers`.
    pub(super) ciphers: Arc<[Arc<str>]>,
}

impl ProxySslSettings {
    /// Sets what the annotations come to, where TLS is spoken to the backend. `object` names the Secret.
    ///
    /// # Errors
    /// The annotation at fault, and what is wrong with it.
    pub(super) fn build(
        self,
        object: Subject,
        backend: &mut BackendPolicies,
    ) -> Result<(), (&'static str, ValueError)> {
        let secret = match (backend.protocol, &self.secret) {
            (BackendProtocol::Http | BackendProtocol::Grpc | BackendProtocol::FastCgi, _) => return Ok(()),
            (_, None) if !self.verify => return Ok(()),
            // ingress-nginx takes any certificate then.
            (_, None) => {
                let missing = "is on without proxy-ssl-secret: expected a Secret with ca.crt there";
                return Err(("proxy-ssl-verify", missing.into()));
            }
            (BackendProtocol::Https | BackendProtocol::Grpcs | BackendProtocol::Auto, Some(secret)) => secret,
        };
        let (tls12, tls13) = self.versions.unwrap_or((true, true));
        backend.tls = Some(Arc::new(BackendTls {
            policy: None,
            certificate: certificate(secret, object).map_err(|error| ("proxy-ssl-secret", error))?,
            verification: self.verification(secret)?,
            server_name: self.name.clone().filter(|_| self.send_name),
            tls12,
            tls13,
            ciphers: self.ciphers,
        }));
        Ok(())
    }

    fn verification(&self, secret: &Secret) -> Result<Option<BackendVerification>, (&'static str, ValueError)> {
        if !self.verify {
            return Ok(None);
        }
        let unnamed = "is on without proxy-ssl-name: expected the name in the backend's certificate there";
        let name = self.name.clone().ok_or(("proxy-ssl-verify", unnamed.into()))?;
        let authorities = authorities(secret).map_err(|error| ("proxy-ssl-secret", error))?;
        Ok(Some(BackendVerification {
            authorities: Authorities::Given(authorities),
            names: Arc::from([SubjectName::Dns(name)]),
            depth: self.depth.unwrap_or(1),
        }))
    }
}

/// The client certificate of a Secret, if it has one.
fn certificate(secret: &Secret, object: Subject) -> Result<Option<Arc<Certificate>>, ValueError> {
    let has = |key: &str| secret.data.as_ref().is_some_and(|data| data.contains_key(key));
    if !has("tls.crt") && !has("tls.key") {
        return Ok(None);
    }
    let pair = KeyPair::read(secret, object).map_err(|error| format!("names a Secret that {error}"))?;
    Ok(Some(pair.certificate))
}

/// The certificates of authorities of a Secret, DER.
pub(super) fn authorities(secret: &Secret) -> Result<Arc<[Vec<u8>]>, ValueError> {
    const EXPECTED: &str = "names a Secret without certificates of authorities in data[ca.crt]: expected PEM";
    let pem = secret.data.as_ref().and_then(|data| data.get(AUTHORITIES)).ok_or(EXPECTED)?;
    let certificates = certificates(&pem.0).ok_or(EXPECTED)?;
    Ok(certificates.iter().map(|der| der.to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn secret(data: &[(&str, &str)]) -> Option<Arc<Secret>> {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().into())));
        Some(Arc::new(Secret { data: Some(data.collect()), ..Secret::default() }))
    }

    fn built(protocol: BackendProtocol, settings: ProxySslSettings) -> Result<Option<Arc<BackendTls>>, &'static str> {
        let mut backend = BackendPolicies { protocol, ..BackendPolicies::default() };
        settings.build(Subject::other("Secret default/client"), &mut backend).map_err(|(annotation, _)| annotation)?;
        Ok(backend.tls)
    }

    #[test]
    fn what_is_missing_is_named() {
        let https = |settings| built(BackendProtocol::Https, settings);
        assert_eq!(https(ProxySslSettings { name: Some("a.example".into()), ..Default::default() }), Ok(None));
        let verifying = ProxySslSettings { verify: true, ..Default::default() };
        assert_eq!(https(verifying.clone()), Err("proxy-ssl-verify"), "no Secret");
        let verifying = ProxySslSettings { secret: secret(&[]), ..verifying };
        assert_eq!(https(verifying.clone()), Err("proxy-ssl-verify"), "no name");
        let verifying = ProxySslSettings { name: Some("a.example".into()), ..verifying };
        assert_eq!(https(verifying.clone()), Err("proxy-ssl-secret"), "no authorities");
        let verifying = ProxySslSettings { secret: secret(&[("ca.crt", "none")]), ..verifying };
        assert_eq!(https(verifying), Err("proxy-ssl-secret"), "no PEM");
        let halved = ProxySslSettings { secret: secret(&[("tls.crt", "none")]), ..Default::default() };
        assert_eq!(https(halved), Err("proxy-ssl-secret"), "no key");
    }

    #[test]
    fn only_backends_with_tls_have_it() {
        let with_secret = || ProxySslSettings { secret: secret(&[]), ..Default::default() };
        for protocol in [BackendProtocol::Http, BackendProtocol::Grpc, BackendProtocol::FastCgi] {
            assert_eq!(built(protocol, with_secret()), Ok(None));
        }
        for protocol in [BackendProtocol::Https, BackendProtocol::Grpcs, BackendProtocol::Auto] {
            let tls = built(protocol, with_secret()).expect("valid").expect("TLS");
            assert_eq!((&tls.certificate, &tls.verification, &tls.server_name), (&None, &None, &None));
        }
    }
}
