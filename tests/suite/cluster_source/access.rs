//! What Adit may do there, and as whom.

use super::*;
use controller::source::cluster::ClusterSource;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tests::backend::accept;
use tests::tls_server::Identity;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

#[tokio::test]
async fn a_kind_that_is_forbidden_counts_as_empty_until_it_is_allowed() -> Result<()> {
    let server = ApiServer::start(&app("a")).await?;
    server.refuse("endpointslices", true);
    server.refuse("ingressclasses", true);
    let adit = Adit::watch(&cluster(&server)).await?;
    assert_eq!(hosts(&adit.table().await?), 1);
    let refused = |kind: &'static str| {
        move |state: &State| state.diagnostics.iter().any(|d| d.object.to_string().starts_with(kind))
    };
    adit.reaches(|state| refused("EndpointSlice")(state) && refused("IngressClass")(state)).await?;
    assert!(adit.metrics().await?.lines().any(|line| is_unhealthy(line, "EndpointSlice")));
    server.refuse("endpointslices", false);
    settles(&adit, &server).await?;
    adit.reaches(|state| !refused("EndpointSlice")(state)).await
}

fn is_unhealthy(line: &str, kind: &str) -> bool {
    line.starts_with("adit_watch_healthy") && line.contains(&format!("kind=\"{kind}\"")) && line.ends_with(" 0")
}

#[tokio::test]
async fn permission_that_is_taken_away_takes_nothing_else_away() -> Result<()> {
    let (server, adit) = start(&app("a")).await?;
    for resource in RESOURCES {
        server.refuse(resource, true);
        server.order(resource, Order::Error(410));
    }
    adit.reaches(|state| state.diagnostics.len() >= RESOURCES.len()).await?;
    assert_eq!(adit.table().await?, table_of(&server.objects()));
    server.apply(&app("b"))?;
    for resource in RESOURCES {
        server.refuse(resource, false);
    }
    settles(&adit, &server).await
}

/// A file that says of a cluster and of a user what is given.
fn kubeconfig(directory: &Path, cluster: &str, user: &str) -> Result<PathBuf> {
    let path = directory.join("kubeconfig");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{{cluster}}}}}], \
         users: [{{name: u, user: {{{user}}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}"
    );
    std::fs::write(&path, text)?;
    Ok(path)
}

#[tokio::test]
async fn a_token_that_has_been_replaced_is_read_again() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    std::fs::write(&token, "first")?;
    let server = ApiServer::start(&app("a")).await?;
    server.expect_token("first");
    let kubeconfig = kubeconfig(directory.path(), &format!("server: '{}'", server.url()), "tokenFile: token")?;
    let cluster = ClusterSettings { kubeconfig: Some(kubeconfig), ..ClusterSettings::default() };
    let adit = Adit::watch(&cluster).await?;
    settles(&adit, &server).await?;
    let before = revision(&adit)?;

    server.expect_token("second");
    server.asked("ingresses", true, 3).await?;
    assert_eq!(revision(&adit)?, before);
    server.apply(&app("b"))?;
    std::fs::write(&token, "second")?;
    settles(&adit, &server).await?;
    assert_eq!(server.requests("ingresses", false), 1);
    Ok(())
}

#[test]
fn flags_that_lead_nowhere_are_refused_at_once() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let broken = directory.path().join("kubeconfig");
    std::fs::write(&broken, "clusters: 7")?;
    let refused = |settings: ClusterSettings, part: &str| {
        let source = ClusterSource::new(&ControllerSettings::default(), &settings);
        let error = source.spawn().err().context("accepted")?.to_string();
        ensure!(error.contains(part), "{error}");
        Ok(())
    };
    let none = ClusterSettings::default;
    refused(ClusterSettings { kubeconfig: Some(directory.path().join("none")), ..none() }, "--kubeconfig: ")?;
    refused(ClusterSettings { kubeconfig: Some(broken), ..none() }, "--kubeconfig: ")?;
    refused(
        ClusterSettings { apiserver: Some("ftp://x".into()), ..none() },
        "--apiserver-host: \"ftp://x\" is not a URL",
    )?;
    let authority = ClusterSettings {
        apiserver: Some("https://127.0.0.1:1".into()),
        certificate_authority: Some(directory.path().join("none")),
        ..none()
    };
    refused(authority, "--certificate-authority: cannot read")?;
    refused(none(), "expected files or directories, --kubeconfig")
}

/// A way to the API server that ends TLS with a certificate of our own; another one ends all connections, too.
async fn over_tls(server: &ApiServer, identity: watch::Receiver<TlsAcceptor>) -> Result<SocketAddr> {
    let behind = server.url().strip_prefix("http://").context("no address")?.to_owned();
    accept(move |_, stream| {
        let (mut identity, behind) = (identity.clone(), behind.clone());
        async move {
            let acceptor = identity.borrow_and_update().clone();
            let mut client = acceptor.accept(stream).await?;
            let mut server = TcpStream::connect(behind).await?;
            tokio::select! {
                copied = copy_bidirectional(&mut client, &mut server) => copied.map(drop)?,
                _ = identity.changed() => {}
            }
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn an_authority_that_has_been_replaced_is_read_again() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let authority = directory.path().join("ca.crt");
    let server = ApiServer::start(&app("a")).await?;
    let (first, second) = (Identity::of("127.0.0.1")?, Identity::of("127.0.0.1")?);
    let (identity, identities) = watch::channel(first.acceptor(&["http/1.1"])?);
    let address = over_tls(&server, identities).await?;
    std::fs::write(&authority, first.pem())?;
    let apiserver = Some(format!("https://{address}"));
    let certificate_authority = Some(authority.clone());
    let adit = Adit::watch(&ClusterSettings { apiserver, certificate_authority, ..cluster(&server) }).await?;
    settles(&adit, &server).await?;

    identity.send_replace(second.acceptor(&["http/1.1"])?);
    while !adit.metrics().await?.lines().any(|line| is_unhealthy(line, "Ingress")) {
        tokio::task::yield_now().await;
    }
    server.apply(&app("b"))?;
    std::fs::write(&authority, second.pem())?;
    settles(&adit, &server).await
}

/// A proxy that knows the way to the API server by the name of `apiserver.invalid`.
async fn proxy(server: &ApiServer) -> Result<SocketAddr> {
    let behind = server.url().strip_prefix("http://").context("no address")?.to_owned();
    accept(move |_, mut client| {
        let behind = behind.clone();
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await?);
            }
            ensure!(head.starts_with(b"CONNECT apiserver.invalid:6443 "), "{}", head.escape_ascii());
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut client, &mut TcpStream::connect(behind).await?).await?;
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn the_proxy_of_a_kubeconfig_leads_to_the_server() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let server = ApiServer::start(&app("a")).await?;
    let proxy = format!("proxy-url: 'http://{}'", proxy(&server).await?);
    let kubeconfig = kubeconfig(directory.path(), &format!("server: 'http://apiserver.invalid:6443', {proxy}"), "")?;
    let adit = Adit::watch(&ClusterSettings { kubeconfig: Some(kubeconfig), ..ClusterSettings::default() }).await?;
    settles(&adit, &server).await
}
