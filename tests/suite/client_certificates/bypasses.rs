//! Ways around that are none: plain HTTP, other names of the host, and hosts that take any.

use super::authority::{issued, named, root};
use super::world::{HOST, SECRET, ask_plain, authorities, connect, guarded, ingress, offer, path, send, start};
use anyhow::Result;
use serde_json::json;
use tests::objects::{self, certificate};
use tests::wire::header;

#[tokio::test]
async fn plain_http_is_redirected() -> Result<()> {
    let (adit, _) = guarded(&[("auth-tls-match-cn", "CN=authtls")]).await?;
    let answer = ask_plain(&adit, "/x", "").await?;
    assert_eq!((answer.status, header(&answer.response.headers, "location")), (308, Some(format!("https://{HOST}/x"))));
    Ok(())
}

/// ingress-nginx would let it through to the backend.
#[tokio::test]
async fn plain_http_that_is_not_redirected_is_refused() -> Result<()> {
    let off = ("ssl-redirect", "false");
    let cases: [(&[(&str, &str)], u16); 5] = [
        (&[off], 400),
        (&[off, ("auth-tls-verify-client", "optional")], 200),
        (&[off, ("auth-tls-verify-client", "optional"), ("auth-tls-match-cn", "CN=authtls")], 403),
        (&[off, ("auth-tls-verify-client", "off")], 200),
        (&[off, ("auth-tls-verify-client", "off"), ("auth-tls-match-cn", "CN=authtls")], 403),
    ];
    for (annotations, status) in cases {
        let (adit, _) = guarded(annotations).await?;
        // Nobody gets in by the word of a load balancer, either.
        for lines in ["", "X-Forwarded-Proto: https\r\n"] {
            let answer = ask_plain(&adit, "/", lines).await?;
            assert_eq!((answer.status, answer.about_certificate()), (status, Vec::new()), "{annotations:?}");
        }
    }
    Ok(())
}

/// The certificate of the host itself could not be renewed otherwise.
#[tokio::test]
async fn challenges_of_acme_are_served_over_plain_http() -> Result<()> {
    let authority = root("authority")?;
    let objects = [
        certificate(HOST)?,
        ingress(HOST, &[SECRET, ("ssl-redirect", "false")]),
        path("solver", HOST, "/.well-known/acme-challenge/token", &[]),
        authorities(&[&authority], None),
    ];
    let adit = start(objects).await?;
    assert_eq!(ask_plain(&adit, "/.well-known/acme-challenge/token", "").await?.status, 200);
    assert_eq!(ask_plain(&adit, "/.well-known/acme-challenge/other", "").await?.status, 400);
    assert_eq!(ask_plain(&adit, "/.well-known/acme-challenge/token/../../..", "").await?.status, 400);
    // Over TLS it is a path as any other.
    let mut connection = connect(&adit, &offer(HOST, None)).await?;
    assert_eq!(send(&mut connection, HOST, "/.well-known/acme-challenge/token", "").await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn other_names_of_the_host_ask_as_well() -> Result<()> {
    let authority = root("authority")?;
    let objects = [
        certificate(HOST)?,
        certificate("*.wild.example")?,
        ingress(HOST, &[SECRET, ("server-alias", "alias.example,~^alias[0-9]+\\.example$")]),
        ingress("*.wild.example", &[SECRET]),
        authorities(&[&authority], None),
    ];
    let objects = objects.map(|mut object| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().replace('*', "star");
        object["metadata"]["name"] = json!(name);
        if let Some(secret) = object.pointer_mut("/spec/tls/0/secretName") {
            *secret = json!(name);
        }
        object
    });
    let adit = start(objects).await?;
    let known = issued(&named("authtls")?, &authority, &[])?;
    for host in [HOST, "alias.example", "alias7.example", "x.wild.example", "y.wild.example"] {
        for (certificate, status) in [(None, 400), (Some(&known), 200)] {
            let mut connection = connect(&adit, &offer(host, certificate)).await?;
            assert_eq!(send(&mut connection, host, "/", "").await?.status, status, "{host}");
        }
    }
    // Two names of one host are two names.
    let mut connection = connect(&adit, &offer("x.wild.example", Some(&known))).await?;
    assert_eq!(send(&mut connection, "y.wild.example", "/", "").await?.status, 421);
    Ok(())
}

/// A rule without a host, and a default backend: who asks for no name of ours, or for none, is asked for a certificate.
#[tokio::test]
async fn the_host_that_takes_any_asks_as_well() -> Result<()> {
    let authority = root("authority")?;
    let mut by_rule = objects::ingress("any", &[SECRET]);
    by_rule["spec"]["rules"][0].as_object_mut().expect("a rule").remove("host");
    let mut by_default = objects::ingress("any", &[SECRET]);
    by_default["spec"] = json!({"defaultBackend": {"service": {"name": "backend", "port": {"number": 80}}}});
    for any in [by_rule, by_default] {
        let adit = start([any, authorities(&[&authority], None)]).await?;
        let known = issued(&named("authtls")?, &authority, &[])?;
        for (certificate, status) in [(None, 400), (Some(&known), 200)] {
            let named = offer("unknown.example", certificate);
            let nameless = tests::tls::Offer { server_name: None, ..named.clone() };
            for offer in [named, nameless] {
                let mut connection = connect(&adit, &offer).await?;
                assert_eq!(send(&mut connection, "unknown.example", "/", "").await?.status, status, "{offer:?}");
            }
        }
        assert_eq!(send(&mut adit.connect().await?, "unknown.example", "/", "").await?.status, 400);
    }
    Ok(())
}
