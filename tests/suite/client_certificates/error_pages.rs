//! `auth-tls-error-page`: what clients get that do not come in.

use super::authority::{issued, named, root};
use super::world::{HOST, SECRET, ask_every_way, authorities, connect, guarded, ingress, offer, path, send, start};
use anyhow::Result;
use tests::objects::certificate;
use tests::wire::header;

#[tokio::test]
async fn a_url_is_a_redirect() -> Result<()> {
    let (adit, known) = guarded(&[("auth-tls-error-page", "https://help.example/certificates")]).await?;
    let foreign = issued(&named("authtls")?, &root("another")?, &[])?;
    for certificate in [None, Some(&foreign)] {
        let answer = ask_every_way(&adit, certificate).await?;
        let location = header(&answer.response.headers, "location");
        assert_eq!((answer.status, location.as_deref()), (302, Some("https://help.example/certificates")));
    }
    assert_eq!(ask_every_way(&adit, Some(&known)).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_path_is_served_by_the_host() -> Result<()> {
    let authority = root("authority")?;
    let annotations = [SECRET, ("auth-tls-error-page", "/denied")];
    let objects = [
        certificate(HOST)?,
        ingress(HOST, &annotations),
        path("page", HOST, "/denied", &[]),
        authorities(&[&authority], None),
    ];
    let adit = start(objects).await?;
    let foreign = issued(&named("authtls")?, &root("another")?, &[])?;
    let verdicts = [(None, "NONE"), (Some(&foreign), "FAILED:unable to verify the first certificate")];
    for (certificate, verdict) in verdicts {
        let mut connection = connect(&adit, &offer(HOST, certificate)).await?;
        let answer = send(&mut connection, HOST, "/secret?x=1", "").await?;
        assert_eq!((answer.status, answer.request.as_str()), (200, "GET /denied"));
        assert_eq!(answer.header("ssl-client-verify"), Some(verdict));
        connection.send(format!("POST /secret HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n")).await?;
        assert_eq!(connection.response("POST").await?.status, 400);
    }
    let known = issued(&named("authtls")?, &authority, &[])?;
    let mut connection = connect(&adit, &offer(HOST, Some(&known))).await?;
    assert_eq!(send(&mut connection, HOST, "/secret", "").await?.request, "GET /secret");
    Ok(())
}

/// The route of the page keeps its own policies, and no rewrite of it shows the path that was asked for.
#[tokio::test]
async fn the_page_is_guarded_as_its_path_is() -> Result<()> {
    let authority = root("authority")?;
    let annotations = [SECRET, ("auth-tls-error-page", "/denied/page")];
    for (policy, status, request) in [
        (("whitelist-source-range", "192.0.2.0/24"), 403, ""),
        (("rewrite-target", "/rewritten"), 200, "GET /rewritten"),
        (("auth-type", "basic"), 503, ""),
    ] {
        let objects = [
            certificate(HOST)?,
            ingress(HOST, &annotations),
            path("page", HOST, "/denied", &[policy]),
            authorities(&[&authority], None),
        ];
        let adit = start(objects).await?;
        let answer = send(&mut connect(&adit, &offer(HOST, None)).await?, HOST, "/secret", "").await?;
        assert_eq!(answer.status, status, "{policy:?}");
        assert!(request.is_empty() || answer.request == request, "{answer:?}");
    }
    Ok(())
}
