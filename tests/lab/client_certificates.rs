//! curl with and without a certificate (`auth-tls-*`), at every replica; and an authority that is replaced while it is used.

use crate::routes::ingress;
use anyhow::{Context as _, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tests::echo::said::Said;
use tests::lab::{Echo, Entry, Installed, Namespace, certificate, eventually};
use tokio::process::Command;

const HOST: &str = "client-certificates.example.com";
const NAMESPACE: &str = "client-certificates";
/// What a client without a certificate says of itself.
const FORGED: [&str; 4] = ["--header", "ssl-client-verify: SUCCESS", "--header", "SSL_Client_Subject_DN: CN=mallory"];

#[tokio::test]
async fn curl_comes_in_with_a_certificate_of_the_authority_of_now() -> Result<()> {
    let adit = Installed::shared().await?;
    let namespace = Namespace::create(NAMESPACE).await?;
    Echo::new("guarded").start(&namespace).await?;
    let [first, second] = [Authority::new("first")?, Authority::new("second")?];
    let (own, _) = certificate("served", HOST)?;
    namespace.apply(&[own, guarded(&adit), first.secret()].map(|object| format!("---\n{object}\n")).concat()).await?;
    only(&adit, &first, &second).await?;
    namespace.apply(&second.secret().to_string()).await?;
    only(&adit, &second, &first).await
}

/// Waits until every replica lets the clients of one authority in, and nobody else.
async fn only(adit: &Installed, trusted: &Authority, other: &Authority) -> Result<()> {
    for pod in adit.pods().await? {
        eventually("a client with a certificate comes in", async || {
            let (status, page) = curl(&pod, &trusted.options()).await?;
            ensure!(status == 200, "{status} {page}");
            let said = Said::read(page.as_bytes())?;
            let told = ["ssl-client-verify", "ssl-client-subject-dn"].map(|name| said.header(name));
            ensure!(told == [Some("SUCCESS".into()), Some(format!("CN=client of {}", trusted.name))], "{said:?}");
            Ok(())
        })
        .await?;
        let foreign = other.options();
        let foreign: Vec<&str> = foreign.iter().map(String::as_str).collect();
        for (options, why) in [
            (&[][..], "No required SSL certificate was sent"),
            (&FORGED[..], "No required SSL certificate was sent"),
            (&foreign[..], "The SSL certificate error"),
        ] {
            let (status, page) = curl(&pod, options).await?;
            ensure!(status == 400 && page.contains(why), "{options:?}: {status} {page}");
        }
    }
    Ok(())
}

fn guarded(adit: &Installed) -> Value {
    let mut guarded = ingress(&adit.name, "guarded", HOST, "guarded", 80);
    guarded["metadata"]["annotations"] = json!({
        "nginx.ingress.kubernetes.io/auth-tls-secret": format!("{NAMESPACE}/authority"),
        "nginx.ingress.kubernetes.io/auth-tls-verify-client": "on",
    });
    guarded["spec"]["tls"] = json!([{"hosts": [HOST], "secretName": "served"}]);
    guarded
}

/// The status that curl gets at a replica, and the page.
async fn curl(pod: &Entry, options: &[impl AsRef<str>]) -> Result<(u16, String)> {
    let there = format!("{HOST}:443:{}", pod.https);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--connect-to", &there, "--write-out", "\n%{http_code}"]);
    curl.args(options.iter().map(AsRef::as_ref)).arg(format!("https://{HOST}/"));
    let output = curl.kill_on_drop(true).output().await.context("cannot run curl")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout)?;
    let (page, status) = printed.rsplit_once('\n').context("no status")?;
    Ok((status.parse()?, page.to_owned()))
}

/// An authority, and a client with a certificate of its.
struct Authority {
    name: &'static str,
    certificate: String,
    client: TempDir,
}

impl Authority {
    fn new(name: &'static str) -> Result<Self> {
        let mut params = named(name)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let (key, client) = (KeyPair::generate()?, tempfile::tempdir()?);
        let issued = named(&format!("client of {name}"))?.signed_by(&key, &authority)?;
        fs::write(client.path().join("tls.crt"), issued.pem())?;
        fs::write(client.path().join("tls.key"), key.serialize_pem())?;
        Ok(Self { name, certificate: authority.pem(), client })
    }

    fn secret(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "authority"},
            "stringData": {"ca.crt": self.certificate},
        })
    }

    /// The options that have curl show the certificate of the client.
    fn options(&self) -> [String; 4] {
        let file = |name: &str| Path::display(&self.client.path().join(name)).to_string();
        ["--cert".into(), file("tls.crt"), "--key".into(), file("tls.key")]
    }
}

fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new([])?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
