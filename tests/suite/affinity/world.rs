use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated, documents};
use tests::backend::scripted;
use tests::connection::Connection;
use tests::objects;
use tests::wire::header;

/// The name of the backend in ingress-nginx.
pub(super) const UPSTREAM: &str = "default-backend-80";

/// An Adit with one Ingress that asks for affinity, or for endpoints that are chosen by a key.
pub(super) struct World {
    adit: Adit,
    annotations: Vec<(&'static str, &'static str)>,
    connection: Connection,
}

/// What a client gets.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The number of the Pod.
    pub(super) pod: Option<usize>,
    /// The cookie that is set: its name and value.
    pub(super) cookie: Option<String>,
}

/// So many Pods, each of which answers with its number.
pub(super) async fn pods(count: usize) -> Result<Vec<SocketAddr>> {
    let mut pods = Vec::new();
    for number in 0..count {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{number}", number.to_string().len());
        let pod = scripted(move |_, mut connection| {
            let answer = answer.clone();
            async move {
                while connection.request().await?.is_some() {
                    connection.send(&answer).await?;
                }
                Ok(())
            }
        });
        pods.push(pod.await?);
    }
    Ok(pods)
}

impl World {
    /// Serves these Pods with affinity, and these annotations.
    pub(super) async fn start(annotations: &[(&'static str, &'static str)], pods: &[SocketAddr]) -> Result<Self> {
        Self::with([("affinity", "cookie")].into_iter().chain(annotations.iter().copied()).collect(), pods).await
    }

    /// Serves these Pods with these annotations.
    pub(super) async fn with(annotations: Vec<(&'static str, &'static str)>, pods: &[SocketAddr]) -> Result<Self> {
        let adit = Adit::start(&annotated(&annotations, pods, &json!({}))).await?;
        let connection = adit.connect().await?;
        Ok(Self { adit, annotations, connection })
    }

    /// Goes on with these Pods.
    pub(super) async fn set_pods(&mut self, pods: &[SocketAddr]) -> Result<()> {
        let ingress = objects::ingress("h", &self.annotations);
        self.adit.replace(&documents([objects::backend(), ingress, slice(pods)])).await
    }

    /// A request with this cookie.
    pub(super) async fn visit(&mut self, cookie: Option<&str>) -> Result<Answer> {
        let (answer, is_last) = ask(&mut self.connection, "/", cookie).await?;
        if is_last {
            self.connection = self.adit.connect().await?;
        }
        Ok(answer)
    }

    /// A new client: where it goes, and the cookie that it gets.
    pub(super) async fn begin(&mut self) -> Result<(usize, String)> {
        self.visit(None).await?.begun()
    }
}

/// A request for a path with this cookie. With the answer, whether the connection has ended with it.
pub(super) async fn ask(connection: &mut Connection, path: &str, cookie: Option<&str>) -> Result<(Answer, bool)> {
    let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n{cookie}\r\n")).await?;
    let response = connection.response("GET").await?;
    let pod = String::from_utf8_lossy(&response.body).parse().ok().filter(|_| response.status == 200);
    let set = header(&response.headers, "set-cookie");
    let cookie = set.map(|set| set.split(';').next().unwrap_or_default().to_owned());
    Ok((Answer { status: response.status, pod, cookie }, response.closed))
}

impl Answer {
    /// That of a Pod, without a new cookie.
    pub(super) fn of(pod: usize) -> Self {
        Self { status: 200, pod: Some(pod), cookie: None }
    }

    /// The Pod where a session begins with it, and the cookie.
    pub(super) fn begun(self) -> Result<(usize, String)> {
        Ok((self.pod.with_context(|| format!("{self:?}"))?, self.cookie.context("no cookie")?))
    }

    /// One of the gateway's own.
    pub(super) fn without_pod(status: u16) -> Self {
        Self { status, pod: None, cookie: None }
    }
}

/// One EndpointSlice for all.
fn slice(pods: &[SocketAddr]) -> Value {
    // Each has a port of its own, which a slice has for all its addresses.
    json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "backend"},
        "subsets": pods.iter().map(|pod| json!({
            "addresses": [{"ip": pod.ip()}],
            "ports": [{"port": pod.port(), "protocol": "TCP"}],
        })).collect::<Vec<_>>(),
    })
}
