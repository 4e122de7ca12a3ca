//! The fixture format: what a case directory says.

mod expect;
mod filler;
mod proxy_header;
mod size;

pub use expect::{AuthRequest, Certificate, Copy, Expect, Logged, Spread, Status, Text};

use crate::tls::Offer;
use anyhow::{Context, Result, ensure};
use gateway::config::PathMatching;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// A case directory, read and checked.
#[derive(Debug)]
pub struct Case {
    /// `FEATURE/CASE`, as on disk.
    pub name: String,
    /// The documents of `objects.yaml`, in order. An Ingress without a `creationTimestamp` is older than those after it.
    pub objects: Vec<Value>,
    /// `requests.yaml`.
    pub spec: Spec,
}

/// `requests.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What the case shows, for a person.
    pub description: String,
    /// The ids of the reference cases that this is, such as `P21`. Those below `ingress-v1` are of a list of their own.
    pub source: Vec<String>,
    /// Flags of `adit`, such as `--disable-catch-all`.
    #[serde(default)]
    pub flags: Vec<String>,
    /// The path modes that the case runs in.
    #[serde(default = "nginx_only")]
    pub modes: Vec<Mode>,
    /// The drivers that play the case: over sockets only where more than routing decides.
    #[serde(default = "both_drivers")]
    pub drivers: Vec<Player>,
    /// Parts of all that Adit says of the objects in `objects.yaml`: checked of `charts`.
    #[serde(default)]
    pub diagnostics: Vec<String>,
    /// The names that the case's DNS server knows; it denies all others.
    #[serde(default)]
    pub dns: BTreeMap<String, Host>,
    /// Requests against the objects as they are in `objects.yaml`, in order.
    #[serde(default)]
    pub requests: Vec<Request>,
    /// What happens afterwards.
    #[serde(default)]
    pub then: Vec<Step>,
}

/// A value of `path-matching`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Mode {
    Nginx,
    Strict,
}

/// A driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Player {
    Memory,
    Sockets,
    Explained,
}

/// A host outside the cluster, for Services of type ExternalName.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The Service that its answers are known by.
    pub service: String,
    /// The ports that it listens on. Above 1024, so that tests need no privilege.
    pub ports: Vec<u16>,
}

/// A change of the objects, and requests against what it leaves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Objects to create, or to replace where one of the kind, namespace and name exists.
    #[serde(default)]
    pub apply: Vec<Value>,
    /// Objects to delete, as `Kind namespace/name`.
    #[serde(default)]
    pub delete: Vec<String>,
    /// Requests to make then.
    #[serde(default)]
    pub requests: Vec<Request>,
}

/// One request, and what must come of it.
///
/// In `url`, `raw` and the values of `headers`, `{{a*9000}}` stands for 9000 times `a`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// `http://AUTHORITY/PATH?QUERY`, or `https://`. The authority is the Host header and the rest the request target, both
    /// as written.
    #[serde(default)]
    pub url: String,
    /// The port that it comes to, where that is one of its own: above 1024, so that tests need no privilege. Without it, the
    /// port for HTTP or that for HTTPS, whatever the URL says.
    pub port: Option<u16>,
    /// The name of the host in the TLS handshake, where it is not the Host header's. Empty: none is sent.
    pub sni: Option<String>,
    /// The one version of TLS that the client knows, `1.0` to `1.3`. Without it, 1.2 and 1.3.
    pub tls: Option<String>,
    /// The client takes signatures with RSA only.
    #[serde(default)]
    pub rsa_only: bool,
    /// A PROXY header that begins the connection, without its line's end: `PROXY TCP4 192.0.2.1 192.0.2.2 1 443`. With
    /// `v2` instead of `PROXY`, in the binary form.
    pub proxy_protocol: Option<String>,
    /// The Host header, where it is not the URL's authority. Empty: none is sent.
    pub host: Option<String>,
    /// `1.1`, `1.0` or `2`, which is by prior knowledge in cleartext.
    #[serde(default = "http_1_1")]
    pub version: String,
    /// Headers besides Host and the body's.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<Body>,
    /// Bytes to send instead of all of the above.
    pub raw: Option<String>,
    /// Send every byte in a write of its own.
    #[serde(default)]
    pub byte_by_byte: bool,
    /// The backend sends its body in this many chunks, each only after the client has the one before.
    pub chunks: Option<usize>,
    /// How often to make the request, on one connection if it stays open.
    #[serde(default = "once")]
    pub repeat: usize,
    /// Make it again and again until what is expected comes of it.
    #[serde(default)]
    pub eventually: bool,
    /// What must come of it, in the modes without an expectation of their own.
    pub expect: Option<Expect>,
    /// What must come of it in nginx mode.
    pub expect_nginx: Option<Expect>,
    /// What must come of it in strict mode.
    pub expect_strict: Option<Expect>,
}

/// HTTP/2 as a version.
pub(crate) const HTTP_2: &str = "2";

/// A request's body, of as many `x`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Its size: `2MiB`, `900KiB`, `10`.
    #[serde(deserialize_with = "size::deserialize")]
    pub size: u64,
    /// With `Transfer-Encoding: chunked` instead of a `Content-Length`.
    #[serde(default)]
    pub chunked: bool,
}

impl Case {
    /// Reads every case below `directory`, in order of their names.
    ///
    /// # Errors
    /// If one cannot be read or contradicts itself: the error names its file and field.
    pub fn load_all(directory: &Path) -> Result<Vec<Self>> {
        let mut cases = Vec::new();
        for feature in subdirectories(directory)? {
            for case in subdirectories(&feature)? {
                let name = case.strip_prefix(directory)?.display().to_string();
                cases.push(Self::load(name, &case).with_context(|| case.display().to_string())?);
            }
        }
        Ok(cases)
    }

    fn load(name: String, directory: &Path) -> Result<Self> {
        let objects = fs::read_to_string(directory.join("objects.yaml")).context("objects.yaml")?;
        let objects = serde_saphyr::from_multiple(&objects).context("objects.yaml")?;
        let spec = fs::read_to_string(directory.join("requests.yaml")).context("requests.yaml")?;
        let mut spec: Spec = serde_saphyr::from_str(&spec).context("requests.yaml")?;
        let modes = spec.modes.clone();
        let requests = spec.requests.iter_mut().chain(spec.then.iter_mut().flat_map(|step| &mut step.requests));
        for (index, request) in requests.enumerate() {
            request.finish(&modes).with_context(|| format!("requests.yaml: request {index}"))?;
        }
        Ok(Self { name, objects, spec })
    }
}

impl Spec {
    /// Whether some request is expected to leave a line in the access log.
    pub fn expects_log(&self, mode: Mode) -> bool {
        self.all_requests().any(|request| request.expectation(mode).is_some_and(|expect| expect.log.is_some()))
    }

    /// Whether some request comes to a port of its own.
    pub fn has_own_ports(&self) -> bool {
        self.all_requests().any(|request| request.port.is_some())
    }

    fn all_requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().chain(self.then.iter().flat_map(|step| &step.requests))
    }
}

impl Request {
    /// Expands the fillers and refuses what could never be judged.
    fn finish(&mut self, modes: &[Mode]) -> Result<()> {
        let has_url = self.url.starts_with("http://") || self.is_https();
        ensure!(self.raw.is_some() != has_url, "needs either `raw`, or a `url` of http:// or https://");
        for text in self.headers.values_mut().chain([&mut self.url]).chain(&mut self.raw) {
            *text = filler::expand(text)?;
        }
        self.proxy_header().context("proxy_protocol")?;
        for mode in modes {
            let expect = self.expectation(*mode).with_context(|| format!("says nothing of mode {mode:?}"))?;
            let expects = expect.status.is_some() || expect.backend.is_some() || expect.alert.is_some();
            ensure!(expects, "expects neither a status nor a backend, nor that the handshake fails");
        }
        Ok(())
    }

    /// What must come of it in this mode.
    pub fn expectation(&self, mode: Mode) -> Option<&Expect> {
        let own = match mode {
            Mode::Nginx => &self.expect_nginx,
            Mode::Strict => &self.expect_strict,
        };
        own.as_ref().or(self.expect.as_ref())
    }

    /// Whether it goes over TLS.
    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// What its client offers in the handshake; `None` without TLS.
    pub fn offer(&self) -> Option<Offer> {
        let name = self.sni.as_deref().unwrap_or(without_port(self.host_header().unwrap_or_default()));
        let server_name = Some(name).filter(|name| !name.is_empty() && name.parse::<IpAddr>().is_err());
        let server_name = server_name.map(str::to_owned);
        let protocols = if self.version == HTTP_2 { vec!["h2"] } else { Vec::new() };
        let offer =
            || Offer { server_name, version: self.tls.clone(), rsa: self.rsa_only, protocols, certificate: None };
        self.is_https().then(offer)
    }

    /// The bytes of its PROXY header; none without one.
    ///
    /// # Errors
    /// If it is not understood.
    pub fn proxy_header(&self) -> Result<Vec<u8>> {
        self.proxy_protocol.as_deref().map_or(Ok(Vec::new()), proxy_header::encode)
    }

    /// The URL that its client connects to: with the name that it gives in the handshake, and with the port.
    pub fn connected_url(&self) -> String {
        let server_name = self.offer().and_then(|offer| offer.server_name);
        if self.port.is_none() && server_name.is_none() {
            return self.url.clone();
        }
        let host = server_name.unwrap_or_else(|| without_port(self.authority()).to_owned());
        let scheme = if self.is_https() { "https" } else { "http" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}{}", self.target())
    }

    /// The URL's authority.
    pub fn authority(&self) -> &str {
        self.split_url().0
    }

    /// The Host header to send; `None` is none.
    pub fn host_header(&self) -> Option<&str> {
        let host = self.host.as_deref().unwrap_or(self.authority());
        Some(host).filter(|host| !host.is_empty())
    }

    /// The request target.
    pub fn target(&self) -> &str {
        match self.split_url().1 {
            "" => "/",
            target => target,
        }
    }

    fn split_url(&self) -> (&str, &str) {
        let rest = self.url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    }
}

fn without_port(authority: &str) -> &str {
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

impl From<Mode> for PathMatching {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Nginx => Self::Nginx,
            Mode::Strict => Self::Strict,
        }
    }
}

fn subdirectories(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

fn nginx_only() -> Vec<Mode> {
    vec![Mode::Nginx]
}

fn both_drivers() -> Vec<Player> {
    vec![Player::Memory, Player::Sockets, Player::Explained]
}

fn get() -> String {
    "GET".to_owned()
}

fn http_1_1() -> String {
    "1.1".to_owned()
}

fn once() -> usize {
    1
}
