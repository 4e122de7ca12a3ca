//! OCSP responses that handshakes send along, from OpenSSL's responder, and what responders do that keep it from that.

use crate::clients::run;
use anyhow::{Context, Result, ensure};
use controller::settings::ServeSettings;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SerialNumber,
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Stdio;
use tempfile::TempDir;
use tests::adit::{Adit, documents, on_loopback};
use tests::backend::{answering, refusing, scripted};
use tests::connection::{Connection, PATIENCE};
use tests::objects;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const METRIC: &str = "adit_ocsp_fetches_total";
const HOST: &str = "shop.test";
const SERIAL: u64 = 0x1234_5678;
/// Lines of an authority's index, as `openssl ca` writes it: the certificate is valid, or revoked.
const VALID: &str = "V\t350101000000Z\t\t12345678\tunknown\t/CN=shop\n";
const REVOKED: &str = "R\t350101000000Z\t240101000000Z\t12345678\tunknown\t/CN=shop\n";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new([])?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn authority(name: &str) -> Result<Authority> {
    let mut params = named(name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// Who answers for an authority, by a certificate of its own, and its PEM with that of its key.
fn delegate(authority: &Authority, uses: &[ExtendedKeyUsagePurpose]) -> Result<(String, String)> {
    let mut params = named("responder")?;
    params.extended_key_usages = uses.to_vec();
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, authority)?.pem(), key.serialize_pem()))
}

/// `openssl ocsp`, for as long as this lives.
struct Responder {
    address: SocketAddr,
    _process: Child,
    _files: TempDir,
}

impl Responder {
    /// One that knows the certificate as the line of the index says, and signs as itself.
    async fn start(authority: &Authority, index: &str) -> Result<Self> {
        Self::signing(authority, index, (authority.pem(), authority.key().serialize_pem())).await
    }

    /// The same that signs with this certificate and key.
    async fn signing(authority: &Authority, index: &str, (signer, key): (String, String)) -> Result<Self> {
        let files = tempfile::tempdir()?;
        let file = |name: &str, content: &str| -> Result<String> {
            let path = files.path().join(name);
            std::fs::write(&path, content)?;
            Ok(path.to_str().context("a path that is no text")?.to_owned())
        };
        let index = file("index.txt", index)?;
        let (authority, signer, key) =
            (file("ca.pem", &authority.pem())?, file("signer.pem", &signer)?, file("signer.key", &key)?);
        let fixed = ["ocsp", "-port", "0", "-nmin", "60", "-ignore_err", "-index", &index, "-CA", &authority];
        let mut process = Command::new("openssl")
            .args(fixed.into_iter().chain(["-rsigner", &signer, "-rkey", &key]))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run openssl: `make test` installs it")?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let line = timeout(PATIENCE, lines.next_line()).await??.context("openssl does not answer")?;
        let port = line.split_whitespace().nth(1).and_then(|address| address.rsplit(':').next());
        let port: u16 = port.with_context(|| line.clone())?.parse().with_context(|| line.clone())?;
        Ok(Self { address: ([127, 0, 0, 1], port).into(), _process: process, _files: files })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// `AuthorityInfoAccess` with one responder.
fn access(url: &str) -> Result<CustomExtension> {
    let element = |tag: u8, content: &[u8]| -> Result<Vec<u8>> {
        Ok([&[tag, u8::try_from(content.len()).ok().filter(|length| *length < 128).context("too long")?], content]
            .concat())
    };
    let method = element(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1])?;
    let description = element(0x30, &[method, element(0x86, url.as_bytes())?].concat())?;
    Ok(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], element(0x30, &description)?))
}

/// A host whose certificate names a responder.
fn manifests(issuer: &Authority, responder: &str, config: &Value) -> Result<String> {
    let mut params = CertificateParams::new([HOST.to_owned()])?;
    params.serial_number = Some(SerialNumber::from(SERIAL));
    params.custom_extensions.push(access(responder)?);
    let key = KeyPair::generate()?;
    let chain = params.signed_by(&key, issuer)?.pem() + &issuer.pem();
    let mut ingress = objects::ingress(HOST, &[]);
    ingress["spec"]["tls"] = json!([{"hosts": [HOST], "secretName": "shop"}]);
    let config_map = objects::config_map("adit", config);
    let secret = objects::secret("shop", &json!({"tls.crt": chain, "tls.key": key.serialize_pem()}));
    Ok(documents([objects::backend(), ingress, secret, config_map]))
}

async fn serve(issuer: &Authority, responder: &str) -> Result<Adit> {
    Adit::start(&manifests(issuer, responder, &json!({"enable-ocsp": "true"}))?).await
}

/// What `openssl s_client` prints of a handshake that has succeeded.
async fn handshake(adit: &Adit, options: &[&str]) -> Result<String> {
    let address = adit.https_address()?.to_string();
    let fixed = ["s_client", "-connect", &address, "-servername", HOST, "-status"];
    let output = run("openssl", fixed.into_iter().chain(options.iter().copied()), "").await?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(printed.contains("Cipher is TLS_") || printed.contains("Cipher is ECDHE"), "{printed}");
    Ok(printed)
}

fn is_stapled(printed: &str) -> bool {
    printed.contains("OCSP Response Status: successful") && printed.contains("Cert Status: good")
}

/// Makes handshakes until one has a response.
async fn becomes_stapled(adit: &Adit) -> Result<()> {
    let stapled = async {
        while !is_stapled(&handshake(adit, &[]).await?) {}
        anyhow::Ok(())
    };
    timeout(PATIENCE, stapled).await.context("no response")?
}

/// Makes a handshake, waits until the responder was asked with this result, and returns what the next handshake prints.
async fn after(adit: &Adit, result: &str) -> Result<String> {
    handshake(adit, &[]).await?;
    let label = format!("result=\"{result}\"");
    let counted = async {
        let is_counted = |line: &str| line.starts_with(METRIC) && line.contains(&label) && line.ends_with(" 1");
        while !adit.metrics().await?.lines().any(is_counted) {}
        anyhow::Ok(())
    };
    timeout(PATIENCE, counted).await.with_context(|| format!("nothing is {result}"))??;
    handshake(adit, &[]).await
}

async fn is_not_stapled_after(adit: &Adit, result: &str) -> Result<()> {
    let printed = after(adit, result).await?;
    ensure!(printed.contains("OCSP response: no response sent"), "{result}: {printed}");
    Ok(())
}

#[tokio::test]
async fn a_response_is_sent_along_once_it_is_there() -> Result<()> {
    let issuer = authority("issuer")?;
    let responder = Responder::start(&issuer, VALID).await?;
    let adit = serve(&issuer, &responder.url()).await?;
    let first = handshake(&adit, &[]).await?;
    ensure!(!is_stapled(&first), "no handshake waits: {first}");
    becomes_stapled(&adit).await?;
    for version in ["-tls1_2", "-tls1_3"] {
        let printed = handshake(&adit, &[version]).await?;
        ensure!(is_stapled(&printed), "{version}: {printed}");
    }
    let metrics = adit.metrics().await?;
    let sample =
        metrics.lines().find(|line| line.starts_with(METRIC) && line.contains("\"good\"")).context("no metric")?;
    ensure!(sample.ends_with(" 1"), "it was fetched once: {sample}");
    Ok(())
}

#[tokio::test]
async fn the_issuer_may_name_who_answers() -> Result<()> {
    let issuer = authority("issuer")?;
    let named = delegate(&issuer, &[ExtendedKeyUsagePurpose::OcspSigning])?;
    let responder = Responder::signing(&issuer, VALID, named).await?;
    becomes_stapled(&serve(&issuer, &responder.url()).await?).await
}

#[tokio::test]
async fn who_is_not_named_is_not_believed() -> Result<()> {
    let (issuer, other) = (authority("issuer")?, authority("issuer")?);
    let for_another_use = delegate(&issuer, &[ExtendedKeyUsagePurpose::ServerAuth])?;
    let of_another = delegate(&other, &[ExtendedKeyUsagePurpose::OcspSigning])?;
    for signer in [for_another_use, of_another, (other.pem(), other.key().serialize_pem())] {
        let responder = Responder::signing(&issuer, VALID, signer).await?;
        is_not_stapled_after(&serve(&issuer, &responder.url()).await?, "invalid").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_is_not_good_gets_no_response() -> Result<()> {
    let issuer = authority("issuer")?;
    for index in [REVOKED, ""] {
        let responder = Responder::start(&issuer, index).await?;
        is_not_stapled_after(&serve(&issuer, &responder.url()).await?, "not-good").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_responder_that_fails_leaves_handshakes_as_they_are() -> Result<()> {
    let issuer = authority("issuer")?;
    let (_socket, dead) = refusing()?;
    let silent = scripted(|_, mut connection: Connection| async move {
        connection.request().await?;
        std::future::pending().await
    });
    let endless = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
    let responders = [
        ("unanswered", dead),
        ("unanswered", silent.await?),
        ("unanswered", answering(endless).await?),
        ("unanswered", answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await?),
        ("unanswered", answering("HTTP/1.1 302 Elsewhere\r\nLocation: /\r\nContent-Length: 0\r\n\r\n").await?),
        ("unanswered", answering("garbage\r\n\r\n").await?),
        ("invalid", answering("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ngarbage").await?),
        // The responder says `tryLater`.
        ("invalid", answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\x30\x03\x0a\x01\x03").await?),
    ];
    for (result, address) in responders {
        let adit = serve(&issuer, &format!("http://{address}/ocsp")).await?;
        is_not_stapled_after(&adit, result).await.with_context(|| address.to_string())?;
    }
    Ok(())
}

#[tokio::test]
async fn attack_38_a_certificate_leads_to_no_address_that_no_backend_may_have() -> Result<()> {
    let issuer = authority("issuer")?;
    let enabled = json!({"enable-ocsp": "true"});
    let responder = Responder::start(&issuer, VALID).await?;
    let outside = ServeSettings { dns_allow_loopback: false, ..on_loopback(ServeSettings::default()) };
    for url in
        [responder.url(), format!("http://localhost:{}", responder.address.port()), "http://169.254.169.254/".into()]
    {
        let adit = Adit::start_on(outside.clone(), &manifests(&issuer, &url, &enabled)?).await?;
        is_not_stapled_after(&adit, "unanswered").await.context(url)?;
    }
    let adit = serve(&issuer, "http://169.254.169.254/latest/meta-data").await?;
    is_not_stapled_after(&adit, "unanswered").await
}

#[tokio::test]
async fn nobody_is_asked_where_it_is_off() -> Result<()> {
    let issuer = authority("issuer")?;
    let responder = Responder::start(&issuer, VALID).await?;
    let adit = Adit::start(&manifests(&issuer, &responder.url(), &json!({}))?).await?;
    handshake(&adit, &[]).await?;
    let printed = handshake(&adit, &[]).await?;
    ensure!(printed.contains("OCSP response: no response sent"), "{printed}");
    let metrics = adit.metrics().await?;
    let samples = metrics.lines().filter(|line| line.starts_with(METRIC));
    ensure!(samples.clone().count() == 4 && samples.clone().all(|line| line.ends_with(" 0")), "{metrics}");
    Ok(())
}
