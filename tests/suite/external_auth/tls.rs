//! Servers of gRPC and TLS: that of the client, which they are told of, and their own.

use super::server::{Call, as_asked, next, server, server_over_tls};
use super::{OK, ask, route};
use crate::client_certificates::authority::{Authority, issued, named, root};
use anyhow::{Context as _, Result};
use rcgen::{CertificateParams, SanType};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, documents};
use tests::connection::Connection;
use tests::objects::{self, certificate, secret};
use tests::recorder::recorded_answering;
use tests::tls::{ClientCertificate, Offer};
use tests::tls_server::Identity;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const URI: &str = "spiffe://example.com/client";

/// The route, at a Gateway with HTTP and HTTPS.
fn over_https(backend: SocketAddr, auth: SocketAddr) -> Result<Vec<Value>> {
    let mut objects = route("GRPC", &json!({}), backend, auth);
    let gateway = objects.iter_mut().find(|object| object["kind"] == "Gateway").context("a Gateway")?;
    gateway["spec"]["listeners"] = json!([
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "h"}]}},
    ]);
    objects.push(certificate("h")?);
    Ok(objects)
}

/// The same, where clients may show certificates, of this authority or of another one.
fn asking_for_certificates(mut objects: Vec<Value>, authority: &Authority) -> Result<Vec<Value>> {
    let gateway = objects.iter_mut().find(|object| object["kind"] == "Gateway").context("a Gateway")?;
    let references = json!([{"group": "", "kind": "ConfigMap", "name": "ca"}]);
    let validation = json!({"caCertificateRefs": references, "mode": "AllowInsecureFallback"});
    gateway["spec"]["tls"] = json!({"frontend": {"default": {"validation": validation}}});
    objects.push(config_map(&authority.pem()));
    Ok(objects)
}

fn config_map(pem: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": pem}})
}

fn client(names: &[SanType]) -> Result<CertificateParams> {
    let mut params = named("client")?;
    params.subject_alt_names = names.to_vec();
    Ok(params)
}

async fn connect(adit: &Adit, certificate: Option<ClientCertificate>) -> Result<Connection> {
    let offer = Offer { server_name: Some("h".to_owned()), certificate, ..Offer::default() };
    Connection::open_tls(adit.https_address()?, &offer).await
}

#[tokio::test]
async fn a_server_is_told_of_the_session_and_whom_a_valid_certificate_names() -> Result<()> {
    let (backend, _forwarded) = recorded_answering(OK).await?;
    let (auth, mut calls) = server(as_asked).await?;
    let (authority, other) = (root("authority")?, root("other")?);
    let objects = asking_for_certificates(over_https(backend, auth)?, &authority)?;
    let adit = Adit::start(&documents(objects)).await?;
    let (uri, dns) = (SanType::URI(URI.try_into()?), SanType::DnsName("client.example".try_into()?));
    for (shown, principal) in [
        (None, ""),
        (Some(issued(&client(&[dns.clone(), uri.clone()])?, &authority, &[])?), URI),
        (Some(issued(&client(&[dns])?, &authority, &[])?), "client.example"),
        (Some(issued(&client(&[])?, &authority, &[])?), "CN=client"),
        // Anybody may call themselves so.
        (Some(issued(&client(&[uri])?, &other, &[])?), ""),
    ] {
        assert_eq!(ask(&mut connect(&adit, shown).await?, REQUEST).await?.status, 200, "{principal}");
        let Call { source, tls_session, request, .. } = next(&mut calls).await?;
        assert_eq!((&*source.principal, &*source.certificate), (principal, ""));
        assert_eq!((tls_session.map(|session| session.sni), &*request.scheme), (Some("h".to_owned()), "https"));
    }
    assert_eq!(ask(&mut adit.connect().await?, REQUEST).await?.status, 200);
    let Call { source, tls_session, .. } = next(&mut calls).await?;
    assert_eq!((&*source.principal, tls_session), ("", None), "in the clear");
    Ok(())
}

#[tokio::test]
async fn a_server_gets_the_whole_certificate_where_the_host_passes_it_on() -> Result<()> {
    let authority = root("authority")?;
    for (passed, beginning) in [("true", "-----BEGIN%20CERTIFICATE-----%0A"), ("false", "")] {
        let (backend, _forwarded) = recorded_answering(OK).await?;
        let (auth, mut calls) = server(as_asked).await?;
        let annotations = [("auth-tls-secret", "default/ca"), ("auth-tls-pass-certificate-to-upstream", passed)];
        let mut ingress = objects::ingress("h", &annotations);
        ingress["spec"]["tls"] = json!([{"hosts": ["h"], "secretName": "h"}]);
        ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!("/of-the-ingress");
        let beside = [ingress, secret("ca", &json!({"ca.crt": authority.pem()}))];
        let objects = over_https(backend, auth)?.into_iter().chain(beside);
        let adit = Adit::start(&documents(objects)).await?;
        let shown = issued(&client(&[])?, &authority, &[])?;
        assert_eq!(ask(&mut connect(&adit, Some(shown)).await?, REQUEST).await?.status, 200);
        let source = next(&mut calls).await?.source;
        assert_eq!(source.principal, "CN=client");
        let is_as_expected =
            source.certificate.starts_with(beginning) && source.certificate.is_empty() == beginning.is_empty();
        assert!(is_as_expected, "{passed}: {}", source.certificate);
    }
    Ok(())
}

#[tokio::test]
async fn a_server_is_asked_over_tls_where_a_policy_says_so_and_believed_if_it_is_the_right_one() -> Result<()> {
    const NAME: &str = "auth.example";
    let (identity, other) = (Identity::of(NAME)?, Identity::of(NAME)?);
    let policy = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy", "metadata": {"name": "auth"},
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": "auth"}],
            "validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}], "hostname": NAME},
        },
    });
    for (believed, status) in [(identity.pem(), 200), (other.pem(), 500)] {
        let (backend, forwarded) = recorded_answering(OK).await?;
        let (auth, mut calls) = server_over_tls(identity.acceptor(&["h2"])?, as_asked).await?;
        let beside = [policy.clone(), config_map(&believed)];
        let objects = route("GRPC", &json!({}), backend, auth).into_iter().chain(beside);
        let adit = Adit::start(&documents(objects)).await?;
        assert_eq!(ask(&mut adit.connect().await?, REQUEST).await?.status, status);
        if status == 200 {
            let call = next(&mut calls).await?;
            assert_eq!((call.server_name.as_deref(), &*call.request.scheme), (Some(NAME), "http"));
            assert!(forwarded.all().contains("x-user: ann"), "{}", forwarded.all());
        } else {
            assert!(calls.try_recv().is_err() && forwarded.all().is_empty(), "nobody hears of the request");
        }
    }
    Ok(())
}
