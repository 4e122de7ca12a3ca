//! The same, asked of a running Adit by its admin port.

use super::Explanation;
use crate::address::{host_to_connect, server_of};
use anyhow::{Context as _, bail};
use form_urlencoded::Serializer;
use http::uri::{Authority, Scheme};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How long a whole answer may take.
const TIME: Duration = Duration::from_secs(30);
/// The largest answer in bytes. A host of ten thousand routes has a tenth of it.
const LIMIT: usize = 64 << 20;
/// The port that is meant where none is named.
const PORT: u16 = 10254;
/// How one gets there.
const HINT: &str =
    "expected the admin port of a running Adit, such as `kubectl -n adit port-forward deploy/adit 10254` opens";

/// The admin port of a running Adit, whichever way one gets there.
#[derive(Clone, Copy, Debug)]
pub struct AdminPort<'a> {
    /// Who it is, at the beginning of errors.
    pub name: &'a str,
    /// The `Host` of what it is asked.
    pub host: &'a str,
    /// How one gets there, at the end of errors.
    pub hint: &'a str,
}

impl AdminPort<'_> {
    /// The path and query that have a request explained, given as to [`super::Request::new`].
    pub fn explanation_of(method: &str, url: &str, headers: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("method", method).append_pair("url", url);
        query.extend_pairs(headers.iter().map(|(name, value)| ("header", format!("{name}: {value}"))));
        format!("/debug/explain?{}", query.finish())
    }

    /// Gets the value at a path, over a connection that is for nothing else. `sent` is posted there, if there is any.
    ///
    /// # Errors
    /// Says who does not answer as expected, how, and what to do about it.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        target: &str,
        sent: Option<Vec<u8>>,
    ) -> anyhow::Result<T> {
        let method = if sent.is_some() { Method::POST } else { Method::GET };
        let request = Request::builder().method(method).uri(target).header(header::HOST, self.host);
        let request = request.body(Full::from(sent.unwrap_or_default()))?;
        let answer = async {
            let response = send(connection, request).await;
            let Self { name, hint, .. } = self;
            self.read(response.with_context(|| format!("{name} does not answer as HTTP ({hint})"))?).await
        };
        let answer = tokio::time::timeout(TIME, answer).await;
        answer.with_context(|| format!("{} does not answer in time", self.name))?
    }

    async fn read<T: DeserializeOwned>(&self, response: Response<Incoming>) -> anyhow::Result<T> {
        let Self { name, hint, .. } = self;
        let server = response.headers().get(header::SERVER).and_then(|server| server.to_str().ok());
        let version = server.and_then(|server| server.strip_prefix("adit/")).map(str::to_owned);
        let (status, body) = (response.status(), Limited::new(response.into_body(), LIMIT));
        let Some(version) = version else { bail!("{name} is not Adit: {hint}") };
        let body = body.collect().await.map_err(anyhow::Error::from_boxed);
        let body = body.with_context(|| format!("{name} breaks off its answer"))?.to_bytes();
        let said = String::from_utf8_lossy(&body);
        match status {
            StatusCode::OK => serde_json::from_slice(&body).with_context(|| {
                let own = env!("CARGO_PKG_VERSION");
                format!("{name} is Adit {version}, and answers in a way that Adit {own} does not know: expected the same version")
            }),
            StatusCode::BAD_REQUEST => bail!("{}", said.trim()),
            StatusCode::FORBIDDEN => bail!("{name} refuses: {} ({hint})", said.trim()),
            _ => bail!("{name} (Adit {version}) answers with status {status}: {}", said.trim()),
        }
    }
}

async fn send<C>(connection: C, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>>
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
    // It fails together with the request.
    tokio::spawn(connection);
    sender.send_request(request).await
}

/// Where the admin port of a running Adit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminUrl(Authority);

/// Why a text is no [`AdminUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of an admin port: expected a form such as http://127.0.0.1:10254")]
pub struct InvalidAdminUrl;

impl FromStr for AdminUrl {
    type Err = InvalidAdminUrl;

    /// Reads `http://HOST:PORT`, where all but the host may be left out.
    fn from_str(text: &str) -> Result<Self, InvalidAdminUrl> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let server = server_of(&text).filter(|(scheme, _)| *scheme == Scheme::HTTP);
        server.map(|(_, authority)| Self(authority)).ok_or(InvalidAdminUrl)
    }
}

impl fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AdminUrl {
    /// Has a request explained there, given as to [`super::Request::new`].
    ///
    /// # Errors
    /// Says who does not answer as expected, how, and what to do about it.
    pub fn explain(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> anyhow::Result<Explanation> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.ask(&AdminPort::explanation_of(method, url, headers)))
    }

    async fn ask(&self, target: &str) -> anyhow::Result<Explanation> {
        let host = host_to_connect(&self.0);
        let connected = tokio::time::timeout(TIME, TcpStream::connect((host, self.0.port_u16().unwrap_or(PORT)))).await;
        let connected = connected.with_context(|| format!("--admin: {self} does not answer in time"))?;
        let stream = connected.with_context(|| format!("--admin: cannot connect to {self} ({HINT})"))?;
        AdminPort { name: &format!("--admin: {self}"), host: self.0.as_str(), hint: HINT }
            .ask(stream, target, None)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_needs_its_host_only() {
        for (url, host, port) in [
            ("http://127.0.0.1:10254", "127.0.0.1", Some(10254)),
            ("http://[::1]:1/", "[::1]", Some(1)),
            ("localhost", "localhost", None),
            ("pod:80", "pod", Some(80)),
        ] {
            let url: AdminUrl = url.parse().expect(url);
            assert_eq!((url.0.host(), url.0.port_u16()), (host, port));
        }
        for url in ["", "https://h", "http://h/debug", "http://h?x", "http://a@h", "http://", "h:port", "a b"] {
            assert!(url.parse::<AdminUrl>().is_err(), "{url:?}");
        }
    }
}
