//! The certificate that Adit makes itself, in a cluster: one for all replicas, renewed in time, and believed by the API server
//! before anyone shows it.

use super::{connect, webhook};
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use controller::object::NamespacedName;
use controller::settings::{ClusterSettings, ServeSettings, StatusSettings, WebhookSettings};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::adit::{Adit, on_loopback};
use tests::apiserver::ApiServer;
use tests::connection::{Connection, PATIENCE};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const NAME: &str = "adit-admission";
const CONFIGURATIONS: &str = "validatingwebhookconfigurations";
/// By which the API server reaches the Service.
const HOST: &str = "adit-admission.adit.svc";

/// As the manifests have it, and with a webhook for somebody else's Service.
fn configuration() -> String {
    let webhook = |name: &str, namespace: &str| {
        json!({
            "name": name,
            "clientConfig": {"service": {"namespace": namespace, "name": NAME}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        })
    };
    let webhooks = [webhook("other.example.com", "other"), webhook("validate.adit.dev", "adit")];
    let kind = "ValidatingWebhookConfiguration";
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": NAME}, "webhooks": webhooks})
        .to_string()
}

/// A replica in the Pod of this name, which looks after its certificate often.
async fn replica(server: &ApiServer, name: &str) -> Result<Adit> {
    let pod = Some(NamespacedName { namespace: "adit".into(), name: name.into() });
    let (election_ttl, interval) = (Duration::from_secs(4), Duration::from_millis(100));
    let status = StatusSettings { pod, election_ttl, interval, ..StatusSettings::default() };
    let cluster = ClusterSettings { apiserver: Some(server.url().to_owned()), status, ..ClusterSettings::default() };
    let webhook = WebhookSettings { certificate: None, key: None, ..webhook(Path::new("")) };
    Adit::watch_on(ServeSettings { webhook, ..on_loopback(ServeSettings::default()) }, &cluster).await
}

/// A field of the Secret, as it would be in a file.
fn field(server: &ApiServer, field: &str) -> Option<String> {
    let secret = server.object("secrets", "adit", NAME)?;
    String::from_utf8(BASE64_STANDARD.decode(secret["data"][field].as_str()?).ok()?).ok()
}

/// What the API server believes of the webhooks.
fn believed(server: &ApiServer) -> Vec<Option<String>> {
    let configuration = server.object(CONFIGURATIONS, "", NAME).unwrap_or_default();
    let bundle = |webhook: &Value| {
        let bundle = BASE64_STANDARD.decode(webhook["clientConfig"]["caBundle"].as_str()?).ok()?;
        String::from_utf8(bundle).ok()
    };
    configuration["webhooks"].as_array().into_iter().flatten().map(bundle).collect()
}

/// Waits until the API server believes what the Secret says, and something else than before.
async fn comes_to_believe(server: &ApiServer, before: Option<&str>) -> Result<String> {
    let fits = |server: &ApiServer| {
        let trusted = field(server, "ca.crt");
        trusted.is_some() && trusted.as_deref() != before && believed(server) == [None, trusted]
    };
    let outcome = server.wait_for(fits).await;
    outcome.with_context(|| format!("{:?} believes {:?}", field(server, "ca.crt"), believed(server)))?;
    field(server, "ca.crt").context("no certificate")
}

/// A handshake as the API server makes it.
async fn verified(address: SocketAddr, trusted: &str) -> Result<CertificateDer<'static>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(HOST)?, stream).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).context("no certificate")?;
    Ok(shown.clone().into_owned())
}

/// Waits until a replica shows the certificate of the Secret. Nothing tells when it has read that.
async fn shows_what_is_kept(adit: &Adit, server: &ApiServer) -> Result<()> {
    let address = adit.webhook_address()?;
    let shows = async {
        loop {
            let kept = field(server, "tls.crt").context("no certificate")?;
            let kept = CertificateDer::from_pem_slice(kept.as_bytes())?;
            match verified(address, &field(server, "ca.crt").context("no certificate")?).await {
                Ok(shown) if shown == kept => return anyhow::Ok(()),
                _ => tokio::task::yield_now().await,
            }
        }
    };
    timeout(PATIENCE, shows).await.context("it shows something else")?
}

#[tokio::test]
async fn one_is_made_which_all_replicas_show_and_the_api_server_believes() -> Result<()> {
    let server = ApiServer::start(&configuration()).await?;
    let first = replica(&server, "a").await?;
    comes_to_believe(&server, None).await?;
    let second = replica(&server, "b").await?;
    for adit in [&first, &second] {
        shows_what_is_kept(adit, &server).await?;
    }
    assert_eq!(server.history("secrets", "adit", NAME).len(), 1, "made once");
    Ok(())
}

#[tokio::test]
async fn one_that_ends_soon_is_replaced_and_believed_as_long_as_it_is_good() -> Result<()> {
    let server = ApiServer::start(&configuration()).await?;
    let end = (Timestamp::now() + 240.hours()).to_zoned(TimeZone::UTC).date();
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([HOST.to_owned()])?;
    params.not_after = date_time_ymd(end.year().into(), end.month().unsigned_abs(), end.day().unsigned_abs());
    let old = params.self_signed(&key)?.pem();
    let data = json!({
        "tls.crt": BASE64_STANDARD.encode(&old),
        "tls.key": BASE64_STANDARD.encode(key.serialize_pem()),
        "ca.crt": BASE64_STANDARD.encode(&old),
    });
    let metadata = json!({"namespace": "adit", "name": NAME});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data});
    server.apply(&secret.to_string())?;

    let adit = replica(&server, "a").await?;
    let trusted = comes_to_believe(&server, Some(&old)).await?;
    let count = |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).count();
    assert_eq!(count(&trusted), 2, "{trusted}");
    ensure!(trusted.ends_with(&old), "the old one is believed no more");
    shows_what_is_kept(&adit, &server).await?;
    let writes = server.writes();
    let place = |method: &str, resource: &str| {
        let is_it = |write: &String| write.starts_with(method) && write.contains(&format!("/{resource}/{NAME}"));
        writes.iter().position(is_it).with_context(|| format!("no {method} of {resource}: {writes:?}"))
    };
    ensure!(place("PATCH", CONFIGURATIONS)? < place("PUT", "secrets")?, "shown before it was believed: {writes:?}");
    Ok(())
}

#[tokio::test]
async fn what_somebody_takes_away_comes_back() -> Result<()> {
    let server = ApiServer::start(&configuration()).await?;
    let adit = replica(&server, "a").await?;
    let first = comes_to_believe(&server, None).await?;
    server.apply(&configuration())?;
    ensure!(believed(&server) == [None, None]);
    assert_eq!(comes_to_believe(&server, None).await?, first);
    server.delete("secrets", "adit", NAME)?;
    comes_to_believe(&server, Some(&first)).await?;
    shows_what_is_kept(&adit, &server).await
}

/// Traffic is served meanwhile, and the webhook answers whoever believes it.
#[tokio::test]
async fn without_rights_the_rest_goes_on() -> Result<()> {
    let server = ApiServer::start(&configuration()).await?;
    server.refuse(CONFIGURATIONS, true);
    let adit = replica(&server, "a").await?;
    server.comes_to("secrets", |secrets| !secrets.is_empty()).await?;
    shows_what_is_kept(&adit, &server).await?;
    ensure!(believed(&server) == [None, None]);
    let mut client = Connection::open(adit.address()?).await?;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert_eq!(client.response("GET").await?.status, 404);
    server.refuse(CONFIGURATIONS, false);
    comes_to_believe(&server, None).await?;
    Ok(())
}

/// Where nobody uses the webhook, there is nothing to do for it, but to answer.
#[tokio::test]
async fn without_a_configuration_there_is_still_a_certificate() -> Result<()> {
    let server = ApiServer::start("").await?;
    let adit = replica(&server, "a").await?;
    server.comes_to("secrets", |secrets| !secrets.is_empty()).await?;
    shows_what_is_kept(&adit, &server).await?;
    drop(connect(adit.webhook_address()?).await?);
    Ok(())
}
