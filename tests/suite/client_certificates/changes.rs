//! Secrets that change under open connections: none is dropped, and the next request goes by what holds.

use super::authority::{Authority, issued, named, numbered, revoking, root};
use super::world::{HOST, SECRET, ask, authorities, connect, ingress, manifests, offer, send, start};
use anyhow::Result;
use serde_json::{Value, json};
use tests::adit::{Adit, documents, slice};
use tests::backend::mirror;
use tests::http2::Http2;
use tests::objects::{self, certificate, secret};
use tests::wire::header;

/// A gateway whose Secret changes.
struct World {
    adit: Adit,
    rest: Vec<Value>,
}

impl World {
    async fn start(secret: Value) -> Result<Self> {
        let backend = slice("backend", 0, mirror().await?);
        let rest = vec![objects::backend(), backend, certificate(HOST)?, ingress(HOST, &[SECRET])];
        let adit = Adit::start(&documents(rest.iter().cloned().chain([secret]))).await?;
        Ok(Self { adit, rest })
    }

    async fn set(&mut self, secret: Value) -> Result<()> {
        self.adit.replace(&documents(self.rest.iter().cloned().chain([secret]))).await
    }
}

#[tokio::test]
async fn a_list_that_comes_holds_for_open_connections() -> Result<()> {
    let authority = root("authority")?;
    let mut world = World::start(authorities(&[&authority], None)).await?;
    let [revoked, other] = [7, 8].map(|number| issued(&numbered(named("client")?, number), &authority, &[]));
    let (revoked, other) = (revoked?, other?);
    let mut connection = connect(&world.adit, &offer(HOST, Some(&revoked))).await?;
    let mut others = connect(&world.adit, &offer(HOST, Some(&other))).await?;
    let http2 = Http2::open_tls(world.adit.https_address()?, offer(HOST, Some(&revoked))).await?;
    let url = format!("https://{HOST}/");
    assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 200);
    assert_eq!(send(&mut others, HOST, "/", "").await?.status, 200);
    assert_eq!(http2.get(&url).await?.status, 200);

    world.set(authorities(&[&authority], Some(&revoking(&[7], &authority, false)?))).await?;
    assert_eq!(send(&mut others, HOST, "/", "").await?.status, 200, "the connection is still there");
    // The client learns that another connection is what could help it.
    let refused = send(&mut connection, HOST, "/", "").await?;
    assert_eq!((refused.status, header(&refused.response.headers, "connection").as_deref()), (400, Some("close")));
    assert!(connection.is_closed().await);
    assert_eq!(http2.get(&url).await?.status, 400);
    assert_eq!(http2.ended_by_server().await?, None, "a GOAWAY without an error");

    world.set(authorities(&[&authority], None)).await?;
    assert_eq!(ask(&world.adit, Some(&revoked)).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn an_authority_is_replaced_without_dropping_a_connection() -> Result<()> {
    let (before, after) = (root("before")?, root("after")?);
    let (old, new) = (issued(&named("old")?, &before, &[])?, issued(&named("new")?, &after, &[])?);
    let mut world = World::start(authorities(&[&before], None)).await?;
    let mut connection = connect(&world.adit, &offer(HOST, Some(&old))).await?;
    let expect = async |connection: &mut _, status: u16| -> Result<()> {
        assert_eq!(send(connection, HOST, "/", "").await?.status, status);
        Ok(())
    };
    expect(&mut connection, 200).await?;
    world.set(authorities(&[&before, &after], None)).await?;
    expect(&mut connection, 200).await?;
    let mut newer = connect(&world.adit, &offer(HOST, Some(&new))).await?;
    expect(&mut newer, 200).await?;
    world.set(authorities(&[&after], None)).await?;
    expect(&mut newer, 200).await?;
    expect(&mut connection, 400).await
}

/// A Secret that breaks closes the host until it is mended; nobody is let in meanwhile, and nobody cut off.
#[tokio::test]
async fn a_secret_that_breaks_closes_the_host() -> Result<()> {
    let authority = root("authority")?;
    let known = issued(&named("client")?, &authority, &[])?;
    let good = || authorities(&[&authority], None);
    let list = |list: &str| authorities(&[&authority], Some(list));
    let broken = [
        secret("ca", &json!({"ca.crt": ""})),
        secret("ca", &json!({"ca.crt": "no PEM"})),
        secret("ca", &json!({"tls.crt": authority.pem()})),
        secret("ca", &json!({"ca.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"})),
        list("no PEM"),
        list(""),
        list("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"),
        secret("other", &json!({"ca.crt": authority.pem()})),
    ];
    let mut world = World::start(good()).await?;
    let mut connection = connect(&world.adit, &offer(HOST, Some(&known))).await?;
    for broken in broken {
        assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 200);
        world.set(broken.clone()).await?;
        assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 403, "{broken}");
        assert_eq!(ask(&world.adit, None).await?.status, 403, "{broken}");
        world.set(good()).await?;
    }
    Ok(())
}

/// Clients that are connected when a host begins to ask for certificates have none, and learn that they have to connect
/// anew.
#[tokio::test]
async fn a_host_that_begins_to_ask_asks_everybody() -> Result<()> {
    let authority: Authority = root("authority")?;
    let known = issued(&named("client")?, &authority, &[])?;
    let objects = |annotations| -> Result<_> {
        Ok([certificate(HOST)?, ingress(HOST, annotations), authorities(&[&authority], None)])
    };
    let mut adit = start(objects(&[])?).await?;
    let mut connection = connect(&adit, &offer(HOST, Some(&known))).await?;
    assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 200);
    adit.replace(&manifests(objects(&[SECRET])?).await?).await?;
    assert_eq!(send(&mut connection, HOST, "/", "").await?.status, 400);
    assert!(connection.is_closed().await);
    assert_eq!(ask(&adit, Some(&known)).await?.status, 200);
    Ok(())
}
