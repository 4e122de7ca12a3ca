//! The TLS of a client that believes every certificate, and says what it saw.

use anyhow::{Context, Result, bail, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The name of the host; `None` offers none.
    pub server_name: Option<String>,
    /// `1.0` to `1.3`; `None` is 1.2 and 1.3.
    pub version: Option<String>,
    /// It takes RSA signatures only.
    pub rsa: bool,
    /// The protocols that it speaks, as ALPN names them: `h2`, `http/1.1`. Empty: it does not say.
    pub protocols: Vec<&'static str>,
    /// What it shows of itself, if it is asked for a certificate.
    pub certificate: Option<ClientCertificate>,
}

/// A certificate of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and what is sent along, DER.
    pub chain: Vec<Vec<u8>>,
    /// Its key, PKCS #8.
    pub key: Vec<u8>,
}

impl ClientCertificate {
    /// As rustls shows it. It need not be one that rustls takes for valid.
    fn shown(&self, provider: &CryptoProvider) -> Result<Arc<dyn ResolvesClientCert>> {
        let key = PrivateKeyDer::try_from(self.key.clone()).map_err(anyhow::Error::msg)?;
        let chain = self.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let certified = CertifiedKey::new(chain, provider.key_provider.load_private_key(key)?);
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }
}

/// What came of a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The server's own certificate, DER.
    pub certificate: Vec<u8>,
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: String,
    /// The suite as the registry of IANA names it.
    pub cipher: String,
    /// The protocol that was agreed upon.
    pub protocol: Option<String>,
}

/// The gateway ended the handshake with this alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub AlertDescription);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handshake was refused: {:?}", self.0)
    }
}

impl std::error::Error for Refused {}

/// Speaks TLS on a connection.
///
/// # Errors
/// [`Refused`] if the gateway refuses, another error if anything else goes wrong.
pub async fn handshake(stream: TcpStream, offer: &Offer) -> Result<(TlsStream<TcpStream>, Handshake)> {
    if let Some(version @ ("1.0" | "1.1")) = offer.version.as_deref() {
        return match refusal_of_old_version(stream, version, offer.server_name.as_deref()).await? {
            Some(alert) => Err(Refused(alert).into()),
            None => bail!("the gateway takes TLS {version}"),
        };
    }
    let mut config = config(offer)?;
    config.enable_sni = offer.server_name.is_some();
    let name = match &offer.server_name {
        Some(name) => ServerName::try_from(name.clone()).with_context(|| format!("{name:?} is no name for SNI"))?,
        None => ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST)),
    };
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(refusal)?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(<[_]>::first).context("no certificate")?.to_vec();
    let version = session.protocol_version().context("no version")?;
    let cipher = session.negotiated_cipher_suite().context("no cipher suite")?.suite();
    let protocol = session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
    let handshake = Handshake { certificate, version: format!("{version:?}"), cipher: format!("{cipher:?}"), protocol };
    Ok((stream, handshake))
}

fn config(offer: &Offer) -> Result<ClientConfig> {
    let versions = match offer.version.as_deref() {
        None => vec![&TLS12, &TLS13],
        Some("1.2") => vec![&TLS12],
        Some("1.3") => vec![&TLS13],
        Some(other) => bail!("{other:?} is not a version of TLS: expected 1.0 to 1.3"),
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut schemes = provider.signature_verification_algorithms.supported_schemes();
    schemes.retain(|scheme| !offer.rsa || format!("{scheme:?}").starts_with("RSA"));
    let verifier = Believing::those_of(&schemes);
    let certificate = offer.certificate.as_ref().map(|certificate| certificate.shown(&provider)).transpose()?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match certificate {
        Some(certificate) => builder.with_client_cert_resolver(certificate),
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = offer.protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Ok(config)
}

fn refusal(error: std::io::Error) -> anyhow::Error {
    let alert = error.get_ref().and_then(|inner| match inner.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    });
    alert.map_or_else(|| error.into(), |alert| Refused(alert).into())
}

/// Believes every certificate. That it has the key to it is still proved.
#[derive(Debug)]
pub struct Believing {
    provider: CryptoProvider,
    schemes: Vec<SignatureScheme>,
}

impl Believing {
    /// Believes those whose keys sign so, and asks for no others.
    pub fn those_of(schemes: &[SignatureScheme]) -> Self {
        Self { provider: aws_lc_rs::default_provider(), schemes: schemes.to_vec() }
    }
}

impl ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // By the key alone: rustls reads no certificates of version 1.
        let (_, certificate) =
            X509Certificate::from_der(certificate).map_err(|_| rustls::Error::NoCertificatesPresented)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.tbs_certificate.subject_pki.raw);
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// What the gateway says to a client that knows no version of TLS but an old one; `None` if it goes on. rustls speaks none
/// of these, so the ClientHello is put together here (RFC 4346, section 7.4.1.2).
async fn refusal_of_old_version(
    mut stream: TcpStream,
    version: &str,
    server_name: Option<&str>,
) -> Result<Option<AlertDescription>> {
    const ALERT: u8 = 21;
    let minor = if version == "1.0" { 1 } else { 2 };
    stream.write_all(&old_hello(minor, server_name.unwrap_or_default())?).await?;
    let mut header = [0; 5];
    stream.read_exact(&mut header).await?;
    if header[0] != ALERT {
        return Ok(None);
    }
    let mut alert = [0; 2];
    ensure!(header[3..] == [0, 2], "an alert of {header:?}");
    stream.read_exact(&mut alert).await?;
    Ok(Some(AlertDescription::from(alert[1])))
}

fn old_hello(minor: u8, server_name: &str) -> Result<Vec<u8>> {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    let sized = |bytes: &[u8]| -> Result<Vec<u8>> { Ok([&u16::try_from(bytes.len())?.to_be_bytes(), bytes].concat()) };
    let name = sized(&[&[0], sized(server_name.as_bytes())?.as_slice()].concat())?;
    let server_name = [&[0, 0], sized(&name)?.as_slice()].concat();
    // P-256, uncompressed; then suites with ECDHE and AES-CBC, RSA and ECDSA.
    let groups = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0];
    let suites = [0xc0, 0x13, 0xc0, 0x09, 0x00, 0x2f];
    let extensions = sized(&[server_name.as_slice(), &groups].concat())?;
    let hello = [&[3, minor][..], &[7; 32], &[0], &sized(&suites)?, &[1, 0], &extensions].concat();
    let message = [&[CLIENT_HELLO, 0][..], &sized(&hello)?].concat();
    Ok([&[HANDSHAKE, 3, 1][..], &sized(&message)?].concat())
}
