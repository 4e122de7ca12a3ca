//! A gateway whose hosts ask for certificates, and clients that show them.

use super::authority::{Authority, issued, named, root};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::adit::{Adit, documents, slice};
use tests::backend::mirror;
use tests::client::Response;
use tests::connection::Connection;
use tests::http2::Http2;
use tests::objects::{self, certificate, secret};
use tests::tls::{ClientCertificate, Offer};

/// The host that most tests ask.
pub(crate) const HOST: &str = "h.example";
/// What it has to name its Secret.
pub(crate) const SECRET: (&str, &str) = ("auth-tls-secret", "default/ca");

/// An answer: its status, and what the backend got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) response: Response,
    lines: BTreeMap<String, String>,
    /// `GET /path`.
    pub(crate) request: String,
}

impl Answer {
    fn of(response: Response) -> Self {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        let mut lines = text.lines();
        let request = lines.next().unwrap_or_default().to_owned();
        let split = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self { status: response.status, lines: lines.filter_map(split).collect(), request, response }
    }

    /// A header that the backend got.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.lines.get(name).map(String::as_str)
    }

    /// Everything that the backend got about a certificate.
    pub(crate) fn about_certificate(&self) -> Vec<(&str, &str)> {
        let is_about = |name: &str| name.replace(['-', '_', '.'], "").starts_with("sslclient");
        self.lines.iter().filter(|(name, _)| is_about(name)).map(|(name, value)| (&**name, &**value)).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.response.body).into_owned()
    }
}

/// An Ingress with a TLS section, for a host of the same name.
pub(crate) fn ingress(host: &str, annotations: &[(&str, &str)]) -> Value {
    let mut ingress = objects::ingress(host, annotations);
    ingress["spec"]["tls"] = json!([{"hosts": [host], "secretName": host}]);
    ingress
}

/// The same under another name, for a path.
pub(crate) fn path(name: &str, host: &str, path: &str, annotations: &[(&str, &str)]) -> Value {
    let mut ingress = ingress(host, annotations);
    ingress["metadata"]["name"] = json!(name);
    ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!(path);
    ingress
}

/// The Secret `ca` with these authorities, and this list if there is one.
pub(crate) fn authorities(authorities: &[&Authority], list: Option<&str>) -> Value {
    let pem: String = authorities.iter().map(|authority| authority.pem()).collect();
    match list {
        None => secret("ca", &json!({"ca.crt": pem})),
        Some(list) => secret("ca", &json!({"ca.crt": pem, "ca.crl": list})),
    }
}

/// Objects with a backend that answers with what it gets, as manifests.
pub(crate) async fn manifests(objects: impl IntoIterator<Item = Value>) -> Result<String> {
    let backend = [objects::backend(), slice("backend", 0, mirror().await?)];
    Ok(documents(backend.into_iter().chain(objects)))
}

pub(crate) async fn start(objects: impl IntoIterator<Item = Value>) -> Result<Adit> {
    Adit::start(&manifests(objects).await?).await
}

/// An Adit whose host has these annotations beside the Secret, and a certificate of the authority.
pub(crate) async fn guarded(annotations: &[(&str, &str)]) -> Result<(Adit, ClientCertificate)> {
    let authority = root("authority")?;
    let annotations = [&[SECRET], annotations].concat();
    let objects = [certificate(HOST)?, ingress(HOST, &annotations), authorities(&[&authority], None)];
    Ok((start(objects).await?, issued(&named("authtls")?, &authority, &[])?))
}

/// What a client offers that asks for a host and has a certificate, or none.
pub(crate) fn offer(host: &str, certificate: Option<&ClientCertificate>) -> Offer {
    Offer { server_name: Some(host.to_owned()), certificate: certificate.cloned(), ..Offer::default() }
}

pub(crate) async fn connect(adit: &Adit, offer: &Offer) -> Result<Connection> {
    Connection::open_tls(adit.https_address()?, offer).await
}

/// One request on a connection, with these lines of headers.
pub(crate) async fn send(connection: &mut Connection, host: &str, path: &str, lines: &str) -> Result<Answer> {
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")).await?;
    Ok(Answer::of(connection.response("GET").await?))
}

/// One request for [`HOST`] on a connection of its own.
pub(crate) async fn ask(adit: &Adit, certificate: Option<&ClientCertificate>) -> Result<Answer> {
    let mut connection = connect(adit, &offer(HOST, certificate)).await?;
    send(&mut connection, HOST, "/", "").await
}

/// The same in both versions of TLS and both of HTTP, all of which have the same status.
pub(crate) async fn ask_every_way(adit: &Adit, certificate: Option<&ClientCertificate>) -> Result<Answer> {
    let by_default = ask(adit, certificate).await?;
    for version in ["1.2", "1.3"] {
        let offer = Offer { version: Some(version.to_owned()), ..offer(HOST, certificate) };
        let answer = send(&mut connect(adit, &offer).await?, HOST, "/", "").await?;
        assert_eq!(answer.status, by_default.status, "TLS {version}");
        let client = Http2::open_tls(adit.https_address()?, offer).await?;
        let answer = Answer::of(client.get(&format!("https://{HOST}/")).await?);
        assert_eq!(answer.status, by_default.status, "HTTP/2 over TLS {version}");
        assert_eq!(answer.about_certificate(), by_default.about_certificate());
    }
    Ok(by_default)
}

/// One request over plain HTTP.
pub(crate) async fn ask_plain(adit: &Adit, path: &str, lines: &str) -> Result<Answer> {
    send(&mut adit.connect().await?, HOST, path, lines).await
}

/// The subject of an answer's client.
pub(crate) fn subject(answer: &Answer) -> Result<&str> {
    answer.header("ssl-client-subject-dn").context("no subject")
}
