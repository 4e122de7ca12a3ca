use super::client::ClientVerifier;
use super::keys::Stapling;
use super::ocsp::StapleQueue;
use super::sessions::{Sessions, Store};
use super::{HTTP_2, KeyInterner, Keys, PROVIDER, Presented, Refused, cipher, self_signed};
use crate::config::{Origin, Rejection, Subject, TlsSettings};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ProducesTickets, StoresServerSessions};
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, ServerConfig, SupportedProtocolVersion, WantsVerifier};
use std::fmt;
use std::sync::Arc;

/// What rustls adds to the content of a record, in its count of a record's size.
const RECORD_HEAD: usize = 5;

/// Makes a [`Termination`] of settings, and keeps what outlives them: parsed keys, and sessions to resume.
#[derive(Default)]
pub(crate) struct Terminator {
    pub(crate) keys: KeyInterner,
    store: Arc<Store>,
    /// Of the last settings.
    sessions: Option<Arc<Sessions>>,
    /// Made when first wanted. Its keys rotate by themselves.
    ticketer: Option<Arc<dyn ProducesTickets>>,
    /// The certificates whose OCSP responses are to be fetched.
    pub(crate) staples: Arc<StapleQueue>,
}

impl fmt::Debug for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminator").finish_non_exhaustive()
    }
}

impl Terminator {
    /// Settings that are invalid leave nothing that a handshake could go by; a default certificate that is not usable
    /// leaves the self-signed one.
    pub(crate) fn termination(&mut self, settings: &TlsSettings) -> (Termination, Vec<Rejection>) {
        let mut rejected = Vec::new();
        let base = self.base(settings).map_err(|message| {
            let origin = Origin::new(Subject::other("TLS settings"), "ssl-protocols, ssl-ciphers");
            rejected.push(Rejection::new(origin, "HTTPS", message));
        });
        let (mut default, faults) = Keys::compile(&settings.default_certificate, &mut self.keys);
        rejected.extend(faults.into_iter().map(|(certificate, fault)| {
            let message = format!("cannot be used: {fault}; a self-signed certificate is served instead");
            Rejection::new(certificate.origin.clone(), "default certificate", message)
        }));
        if default.is_empty() {
            (default, _) = Keys::compile(self_signed::certificate(), &mut self.keys);
        }
        let default = Arc::new(default);
        let versions = versions(settings.tls12, settings.tls13);
        let staples = settings.ocsp.then(|| Arc::clone(&self.staples));
        (Termination { base: base.ok(), versions, default, reject_unknown: settings.reject_unknown, staples }, rejected)
    }

    fn base(&mut self, settings: &TlsSettings) -> Result<ServerConfig, String> {
        let invalid = |error: rustls::Error| {
            format!("is not served: {error}; expected TLS versions and cipher suites that fit together")
        };
        let mut config = builder(provider(&settings.ciphers), &versions(settings.tls12, settings.tls13))
            .map_err(invalid)?
            .with_no_client_auth()
            // Each handshake has its host's.
            .with_cert_resolver(Arc::new(Keys::default()));
        // As ingress-nginx's ssl-prefer-server-ciphers.
        config.ignore_client_order = true;
        config.alpn_protocols = [HTTP_2, b"http/1.1", b"http/1.0"].map(<[u8]>::to_vec).into();
        config.session_storage = self.sessions(settings);
        config.max_fragment_size = Some(settings.record_size + RECORD_HEAD);
        if settings.session_tickets {
            let ticketer = self.ticketer.take().map_or_else(Ticketer::new, Ok).map_err(invalid)?;
            config.ticketer = self.ticketer.insert(ticketer).clone();
        }
        Ok(config)
    }

    fn sessions(&mut self, settings: &TlsSettings) -> Arc<dyn StoresServerSessions> {
        if !settings.session_cache {
            return Arc::new(NoServerSessionStorage {});
        }
        let timeout = settings.session_timeout;
        let same = self.sessions.take().filter(|sessions| sessions.timeout() == timeout);
        let sessions = same.unwrap_or_else(|| Arc::new(Sessions::new(Arc::clone(&self.store), timeout)));
        self.sessions.insert(sessions).clone()
    }
}

fn builder(
    provider: Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_provider(provider).with_protocol_versions(versions)
}

/// The versions that are on.
pub(super) fn versions(tls12: bool, tls13: bool) -> Vec<&'static SupportedProtocolVersion> {
    let versions = [(tls13, &TLS13), (tls12, &TLS12)];
    versions.into_iter().filter(|(on, _)| *on).map(|(_, version)| version).collect()
}

/// Our provider, with these suites of TLS 1.2, or all if there are none.
pub(super) fn provider(ciphers: &[Arc<str>]) -> Arc<CryptoProvider> {
    if ciphers.is_empty() {
        return PROVIDER.clone();
    }
    let tls13 = PROVIDER.cipher_suites.iter().filter(|suite| suite.tls13().is_some()).copied();
    let tls12 = ciphers.iter().filter_map(|name| cipher(name));
    Arc::new(CryptoProvider { cipher_suites: tls13.chain(tls12).collect(), ..aws_lc_rs::default_provider() })
}

/// What one handshake goes by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// For rustls.
    pub config: Arc<ServerConfig>,
    /// The certificates that it may present.
    pub presented: Presented,
}

impl Terms {
    /// The same without a protocol that is agreed upon in the handshake.
    pub(crate) fn without_alpn(mut self) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols.clear();
        self
    }
}

/// How TLS is terminated, under one generation of settings.
pub(crate) struct Termination {
    /// All but the certificate.
    base: Option<ServerConfig>,
    versions: Vec<&'static SupportedProtocolVersion>,
    default: Arc<Keys>,
    pub(crate) reject_unknown: bool,
    /// `None` where no OCSP responses are sent.
    staples: Option<Arc<StapleQueue>>,
}

impl Termination {
    /// What a handshake goes by that presents one of `keys`, or else the default certificate, asks for a certificate of
    /// the client where there is a verifier, and offers HTTP/2 where that is spoken.
    pub(crate) fn terms(
        &self,
        keys: Option<&Arc<Keys>>,
        verifier: Option<&Arc<ClientVerifier>>,
        http2: bool,
    ) -> Result<Terms, Refused> {
        let base = self.base.as_ref().ok_or(Refused::InvalidSettings)?;
        let keys = keys.filter(|keys| !keys.is_empty()).unwrap_or(&self.default);
        let mut config = match verifier {
            // Reference counts and little else: what is costly in it is shared.
            None => base.clone(),
            Some(verifier) => self.asking(base, verifier).map_err(|_| Refused::InvalidSettings)?,
        };
        config.cert_resolver = match &self.staples {
            None => keys.clone(),
            Some(queue) => Arc::new(Stapling { keys: keys.clone(), queue: queue.clone() }),
        };
        if !http2 {
            config.alpn_protocols.retain(|protocol| protocol != HTTP_2);
        }
        Ok(Terms { config: Arc::new(config), presented: Presented::from(keys.clone()) })
    }

    /// The same as `base` for a host that asks for certificates. Nothing is resumed: a session from before the host asked
    /// has no certificate, and one with a certificate would outlive the client's next.
    fn asking(&self, base: &ServerConfig, verifier: &Arc<ClientVerifier>) -> Result<ServerConfig, rustls::Error> {
        let mut config = builder(base.crypto_provider().clone(), &self.versions)?
            .with_client_cert_verifier(verifier.clone())
            .with_cert_resolver(self.default.clone());
        config.ignore_client_order = base.ignore_client_order;
        config.alpn_protocols.clone_from(&base.alpn_protocols);
        config.max_fragment_size = base.max_fragment_size;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl fmt::Debug for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, default, reject_unknown, .. } = self;
        f.debug_struct("Termination")
            .field("valid", &base.is_some())
            .field("default", default)
            .field("reject_unknown", reject_unknown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Certificate, PrivateKey};

    #[test]
    fn settings_that_leave_nothing_serve_nobody() {
        let nothing = TlsSettings { tls12: false, tls13: false, ..TlsSettings::default() };
        let no_suite =
            TlsSettings { tls13: false, ciphers: Arc::from(["AES128-SHA".into()]), ..TlsSettings::default() };
        for settings in [nothing, no_suite] {
            let (termination, rejected) = Terminator::default().termination(&settings);
            assert_eq!(rejected.len(), 1, "{settings:?}");
            assert_eq!(termination.terms(None, None, true).err(), Some(Refused::InvalidSettings));
        }
    }

    #[test]
    fn ciphers_are_those_of_the_settings_in_their_order() {
        let names = ["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"];
        let settings = TlsSettings { ciphers: names.map(Arc::from).into(), ..TlsSettings::default() };
        let suites = provider(&settings.ciphers).cipher_suites.clone();
        let found: Vec<_> = suites.iter().map(|suite| super::super::openssl_name(suite.suite())).collect();
        assert_eq!(found[3..], names);
        assert!(found[..3].iter().all(|name| name.starts_with("TLS_")), "{found:?}");
    }

    #[test]
    fn a_default_certificate_that_is_not_usable_is_named_and_replaced() {
        let origin = Origin::new(Subject::other("Secret default/bad"), "data");
        let bad = Certificate { chain: Arc::from([]), key: PrivateKey::new(b""), origin: origin.clone() };
        let settings = TlsSettings { default_certificate: Some(Arc::new(bad)), ..TlsSettings::default() };
        let (termination, rejected) = Terminator::default().termination(&settings);
        assert_eq!(rejected.len(), 1);
        assert_eq!(rejected[0].origin, origin);
        assert!(!termination.default.is_empty());
    }

    #[test]
    fn http2_is_offered_where_it_is_spoken() {
        let (termination, _) = Terminator::default().termination(&TlsSettings::default());
        let offered = |http2| termination.terms(None, None, http2).expect("valid").config.alpn_protocols.clone();
        assert_eq!(offered(true), [&b"h2"[..], b"http/1.1", b"http/1.0"]);
        assert_eq!(offered(false), [b"http/1.1", b"http/1.0"]);
    }

    #[test]
    fn records_and_sessions_are_those_of_the_settings() {
        let settings = TlsSettings { record_size: 4096, session_cache: false, ..TlsSettings::default() };
        let config = |settings| Terminator::default().termination(settings).0.terms(None, None, true).expect("valid");
        assert_eq!(config(&settings).config.max_fragment_size, Some(4101));
        assert!(!config(&settings).config.session_storage.can_cache());
        assert!(config(&TlsSettings::default()).config.session_storage.can_cache());
    }

    #[test]
    fn sessions_and_ticket_keys_outlive_settings() {
        let mut terminator = Terminator::default();
        let on = TlsSettings { session_tickets: true, ..TlsSettings::default() };
        let mut config =
            |settings: &TlsSettings| terminator.termination(settings).0.terms(None, None, true).expect("valid").config;
        let (first, off) = (config(&on), config(&TlsSettings::default()));
        let second = config(&TlsSettings { tls12: false, ..on.clone() });
        assert!(Arc::ptr_eq(&first.ticketer, &second.ticketer) && first.ticketer.enabled());
        assert!(Arc::ptr_eq(&first.session_storage, &off.session_storage) && !off.ticketer.enabled());
    }
}
