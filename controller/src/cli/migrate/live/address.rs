//! Where a gateway is.

use crate::address::{host_to_connect, server_of};
use anyhow::Context as _;
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::rt::TokioIo;
use kube::client::ConfigExt as _;
use rustls::pki_types::ServerName;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An address of a gateway, as `http://HOST:PORT` or `https://HOST:PORT`.
#[derive(Clone)]
pub(super) struct Address {
    authority: Authority,
    is_tls: bool,
    connector: Option<TlsConnector>,
}

/// Why a text is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the URL of a gateway: expected a form such as http://10.0.0.1:30080 or https://gateway.example.com, without a path"
)]
pub(super) struct InvalidAddress;

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (scheme, authority) = server_of(text).ok_or(InvalidAddress)?;
        let is_tls = scheme == Scheme::HTTPS;
        let is_known = is_tls || scheme == Scheme::HTTP;
        is_known.then_some(Self { authority, is_tls, connector: None }).ok_or(InvalidAddress)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.authority)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Address {
    /// Says whether its certificates have to be good: of an authority that this machine believes, and for the host of the
    /// request.
    ///
    /// # Errors
    /// This machine has no authorities.
    pub(super) fn verify(&mut self, is_strict: bool) -> anyhow::Result<()> {
        if !self.is_tls {
            return Ok(());
        }
        // kube's client has what this needs: the authorities of this machine, or none.
        let mut client = kube::Config::new(Uri::from_static("https://unused.invalid"));
        client.accept_invalid_certs = !is_strict;
        client.root_cert = (!is_strict).then(Vec::new);
        // rustls has several, and kube chooses one only where it connects itself.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut tls = client.rustls_client_config().context("cannot verify certificates: --insecure believes any")?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        self.connector = Some(Arc::new(tls).into());
        Ok(())
    }

    /// Connects to it, by TLS for this host; without a host, TLS waits.
    pub(super) async fn connect(&self, host: &str) -> anyhow::Result<TokioIo<Box<dyn Stream>>> {
        let port = self.authority.port_u16().unwrap_or(if self.is_tls { 443 } else { 80 });
        let stream = TcpStream::connect((host_to_connect(&self.authority), port)).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.connector {
            Some(connector) if !host.is_empty() => {
                let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
                let name = ServerName::try_from(name.to_owned()).context("the host is no name for TLS")?;
                Box::new(connector.connect(name, stream).await.context("no TLS")?)
            }
            _ => Box::new(stream),
        };
        Ok(TokioIo::new(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for url in ["http://10.0.0.1:30080", "https://[::1]/", "https://gateway.example.com"] {
            assert_eq!(
                url.parse::<Address>().map(|address| address.to_string()),
                Ok(url.trim_end_matches('/').to_owned())
            );
        }
        for url in ["", "10.0.0.1", "ftp://h", "http://h/path", "http://h?x", "http://user:password@h", "http://h:port"]
        {
            assert!(url.parse::<Address>().is_err(), "{url:?}");
        }
    }
}
