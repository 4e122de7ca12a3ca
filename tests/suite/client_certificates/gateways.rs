//! Certificates of clients as a Gateway asks for them (`spec.tls.frontend`).

use super::authority::{Authority, expired, issued, named, root, self_signed};
use super::world::{Answer, HOST, ask, connect, manifests, offer, send, start, subject};
use anyhow::Result;
use serde_json::{Value, json};
use tests::adit::Adit;
use tests::objects::{self, certificate};

const API: &str = "gateway.networking.k8s.io/v1";

/// A Gateway with a listener of HTTPS and one of HTTP for the host, which validates certificates like this, and a route.
fn gateway(validation: &Value) -> Result<[Value; 4]> {
    let listeners = json!([
        {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": HOST, "tls": {"certificateRefs": [{"name": HOST}]}},
        {"name": "http", "port": 80, "protocol": "HTTP", "hostname": HOST},
    ]);
    let [class, mut gateway] = objects::gateway(&listeners);
    gateway["spec"]["tls"] = json!({"frontend": {"default": {"validation": validation}}});
    Ok([
        class,
        gateway,
        json!({"apiVersion": API, "kind": "HTTPRoute", "metadata": {"name": "route"},
            "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "backend", "port": 80}]}]}}),
        certificate(HOST)?,
    ])
}

/// Certificates of the ConfigMap `ca`, and what becomes of clients without a valid one.
fn validation(mode: Option<&str>) -> Value {
    json!({"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}], "mode": mode})
}

fn authorities(all: &[&Authority]) -> Value {
    let pem: String = all.iter().map(|authority| authority.pem()).collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": pem}})
}

/// The status of a request in the clear.
async fn ask_plain(adit: &Adit) -> Result<u16> {
    Ok(send(&mut adit.connect().await?, HOST, "/", "").await?.status)
}

fn verdict(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.header("ssl-client-verify"))
}

#[tokio::test]
async fn the_handshake_of_a_client_without_a_valid_certificate_fails() -> Result<()> {
    let (authority, other) = (root("authority")?, root("other")?);
    let objects = gateway(&validation(None))?.into_iter().chain([authorities(&[&authority])]);
    let adit = start(objects).await?;
    let right = issued(&named("client")?, &authority, &[])?;
    let answer = ask(&adit, Some(&right)).await?;
    assert_eq!((verdict(&answer), subject(&answer)?), ((200, Some("SUCCESS")), "CN=client"));
    let stranger = issued(&named("client")?, &other, &[])?;
    let late = issued(&expired(named("client")?), &authority, &[])?;
    let (own, _) = self_signed(&named("client")?)?;
    for (name, shown) in [("none", None), ("other", Some(&stranger)), ("expired", Some(&late)), ("own", Some(&own))] {
        for version in ["1.2", "1.3"] {
            let offer = tests::tls::Offer { version: Some(version.to_owned()), ..offer(HOST, shown) };
            // With TLS 1.3 a client learns it from what comes in place of a response.
            let outcome = match connect(&adit, &offer).await {
                Ok(mut connection) => send(&mut connection, HOST, "/", "").await.map(|answer| answer.status),
                Err(error) => Err(error),
            };
            assert!(outcome.is_err(), "{name} with TLS {version}: {outcome:?}");
        }
    }
    assert_eq!(ask(&adit, Some(&right)).await?.status, 200);
    assert_eq!(ask_plain(&adit).await?, 200, "in the clear there are no certificates");
    Ok(())
}

#[tokio::test]
async fn with_a_fallback_everybody_comes_in_and_the_backend_is_told() -> Result<()> {
    let (authority, other) = (root("authority")?, root("other")?);
    let validation = validation(Some("AllowInsecureFallback"));
    let adit = start(gateway(&validation)?.into_iter().chain([authorities(&[&authority])])).await?;
    let right = issued(&named("client")?, &authority, &[])?;
    let stranger = issued(&named("client")?, &other, &[])?;
    let late = issued(&expired(named("client")?), &authority, &[])?;
    for (shown, expected) in [
        (None, "NONE"),
        (Some(&right), "SUCCESS"),
        (Some(&stranger), "FAILED:unable to verify the first certificate"),
        (Some(&late), "FAILED:certificate has expired"),
    ] {
        assert_eq!(verdict(&ask(&adit, shown).await?), (200, Some(expected)));
    }
    Ok(())
}

#[tokio::test]
async fn authorities_that_change_hold_for_open_connections_and_without_any_nobody_is_served() -> Result<()> {
    let (authority, other) = (root("authority")?, root("other")?);
    let rest = manifests(gateway(&validation(None))?).await?;
    let with = |map: &Value| format!("{rest}---\n{map}\n");
    let mut adit = Adit::start(&with(&authorities(&[&authority]))).await?;
    let (first, second) = (issued(&named("a")?, &authority, &[])?, issued(&named("b")?, &other, &[])?);
    let mut open = connect(&adit, &offer(HOST, Some(&first))).await?;
    assert_eq!(send(&mut open, HOST, "/", "").await?.status, 200);
    adit.replace(&with(&authorities(&[&other]))).await?;
    assert_eq!(send(&mut open, HOST, "/", "").await?.status, 400);
    assert_eq!(ask(&adit, Some(&second)).await?.status, 200);
    adit.replace(&with(&authorities(&[]))).await?;
    assert_eq!(ask(&adit, Some(&second)).await?.status, 404, "its listener is not served");
    assert_eq!(ask_plain(&adit).await?, 200);
    Ok(())
}
