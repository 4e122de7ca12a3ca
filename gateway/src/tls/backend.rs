//! TLS to backends: by default, without a certificate of ours and whatever the backend's is; otherwise as `proxy-ssl-secret`
//! and what goes with it say, or a BackendTLSPolicy.

use super::PROVIDER;
use super::keys::parts;
use super::termination::{provider, versions};
use super::verifier::Verifier;
use crate::config;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, Error};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

static UNVERIFIED: LazyLock<Result<Arc<ClientConfig>, Error>> = LazyLock::new(|| {
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier::default()));
    Ok(Arc::new(builder.with_no_client_auth()))
});

/// How TLS to the backends of a route is spoken, compiled. Routes with the same settings share it. Derefs to how it was configured.
pub struct BackendTls {
    configured: config::BackendTls,
    config: Arc<ClientConfig>,
    /// The name that is sent.
    name: Option<ServerName<'static>>,
    /// Tells it from all others: connections are shared only between equal ones.
    key: u64,
}

impl BackendTls {
    /// Compiles the settings.
    ///
    /// # Errors
    /// A certificate, key, name, version or suite that cannot be used, in a sentence for a person.
    pub(crate) fn compile(configured: &config::BackendTls) -> Result<Self, String> {
        let in_words = |error: Error| error.to_string();
        let verifier = Verifier::new(configured.verification.as_ref())?;
        let builder = ClientConfig::builder_with_provider(provider(&configured.ciphers))
            .with_protocol_versions(&versions(configured.tls12, configured.tls13))
            .map_err(in_words)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &configured.certificate {
            Some(certificate) => {
                let (chain, key) = parts(certificate)?;
                builder.with_client_auth_cert(chain, key).map_err(in_words)?
            }
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = configured.server_name.is_some();
        let name = configured.server_name.as_ref().map(|name| {
            ServerName::try_from(name.to_string()).map_err(|_| format!("{name:?} is not the name of a server"))
        });
        let name = name.transpose()?;
        Ok(Self { configured: configured.clone(), config: Arc::new(config), name, key: fastrand::u64(..) })
    }

    /// What connections of it alone have in common.
    pub(crate) fn key(&self) -> u64 {
        self.key
    }
}

impl Deref for BackendTls {
    type Target = config::BackendTls;

    fn deref(&self) -> &config::BackendTls {
        &self.configured
    }
}

impl fmt::Debug for BackendTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendTls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Speaks TLS to the endpoint at `address`: as `settings` say, or without any verification. `server_name` is sent if there
/// are none. `protocol` is what the endpoint has to agree on by ALPN.
///
/// # Errors
/// If the name is none of DNS, the handshake fails, the certificate is not what it has to be, or the endpoint does not agree
/// on the protocol.
pub(crate) async fn connect<T>(
    stream: T,
    address: IpAddr,
    settings: Option<&BackendTls>,
    server_name: Option<&str>,
    protocol: Option<&[u8]>,
) -> io::Result<TlsStream<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (config, name) = match settings {
        Some(settings) => (settings.config.clone(), settings.name.clone()),
        None => {
            let name = server_name.map(|name| ServerName::try_from(name.to_owned()).map_err(io::Error::other));
            (UNVERIFIED.clone().map_err(io::Error::other)?, name.transpose()?)
        }
    };
    let name = name.unwrap_or_else(|| ServerName::from(address));
    let offered = protocol.into_iter().map(<[u8]>::to_vec).collect();
    let stream = TlsConnector::from(config).with_alpn(offered).connect(name, stream).await?;
    if protocol.is_some() && stream.get_ref().1.alpn_protocol() != protocol {
        return Err(io::Error::other("the endpoint agrees on none of the protocols that were offered by ALPN"));
    }
    Ok(stream)
}
