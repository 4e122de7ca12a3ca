//! The test bed of a group: a backend, and the proxies in front of it.

use crate::programs::Program;
use crate::setup::{CREDENTIALS, NETWORKS, Policy, Setup};
use anyhow::{Context, Result};
use benches::HOST;
use benches::certificate::Certificate;
use benches::client::Client;
use benches::cores::Shares;
use benches::peers::{ANSWER, Peer, page};
use benches::process::{self, Process, free_address};
use benches::websocket::EchoServer;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What calls of gRPC ask.
pub(crate) const CALL: &str = "/bench.Bench/Call";

/// A backend, and where proxies are started in front of it. The backend ends when this is dropped.
pub(crate) struct Bed {
    /// Trusts what all proxies show.
    pub(crate) client: Client,
    site: Site,
    _backend: Process,
    _websocket: EchoServer,
    scratch: TempDir,
}

/// What templates are filled with, the same for all proxies.
#[derive(Debug, Serialize)]
struct Site {
    #[serde(flatten)]
    setup: Setup,
    /// The host of the last route, which all load asks for, and where it leads to.
    host: &'static str,
    last: Backend,
    /// The hosts of the routes before it, and where they lead to.
    other_hosts: Vec<String>,
    other: Backend,
    /// The certificate and its key, PEM, and the files with them.
    chain: String,
    key: String,
    certificate: PathBuf,
    certificate_key: PathBuf,
    /// Where the backend passes WebSockets on to.
    websocket: SocketAddr,
    /// The body of small responses.
    answer: &'static str,
    networks: [&'static str; 4],
    credentials: &'static str,
}

/// What else, for one process.
#[derive(Serialize)]
struct Place<'p> {
    #[serde(flatten)]
    site: &'p Site,
    /// Where its files are, and where it may write.
    folder: &'p Path,
    http: SocketAddr,
    http_port: u16,
    https: SocketAddr,
    https_port: u16,
    admin_port: u16,
}

/// What a route leads to.
#[derive(Debug, Serialize)]
struct Backend {
    name: &'static str,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Serialize)]
struct Endpoint {
    address: SocketAddr,
    port: u16,
}

impl Bed {
    /// Starts the backend.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn new(setup: Setup) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let certificate = Certificate::new(HOST)?;
        let websocket = EchoServer::start()?;
        let site = Site::new(setup, &certificate, scratch.path(), websocket.address)?;
        fs::write(&site.certificate, &site.chain)?;
        fs::write(&site.certificate_key, &site.key)?;
        let folder = scratch.path().join("backend");
        let place = Place::new(&site, &folder)?;
        place.write("nginx.conf", include_str!("backend.conf"))?;
        fs::create_dir(folder.join("files"))?;
        for (name, content) in files() {
            fs::write(folder.join("files").join(name), content)?;
        }
        let mut command = process::command("nginx");
        command.arg("-c").arg(folder.join("nginx.conf"));
        let endpoints = site.last.endpoints.iter().chain(&site.other.endpoints);
        let addresses: Vec<_> = endpoints.map(|endpoint| endpoint.address).collect();
        let backend = Process::start_with_output(&mut command, &addresses, &folder.join("output"))?;
        Ok(Self { client: Client::new(&certificate)?, site, _backend: backend, _websocket: websocket, scratch })
    }

    /// Starts a proxy on its share of the processors.
    ///
    /// # Errors
    /// It cannot be started, or does not listen in time.
    pub(crate) fn start(&self, program: &Program, shares: &Shares) -> Result<Peer> {
        let kind = program.kind;
        let folder = self.scratch.path().join(kind.program);
        let place = Place::new(&self.site, &folder)?;
        for (name, template) in kind.files {
            place.write(name, template)?;
        }
        let mut command = shares.command(&program.path);
        for argument in kind.arguments {
            command.arg(place.fill(argument)?);
        }
        for (name, value) in kind.environment {
            command.env(name, place.fill(value)?);
        }
        let (http, https) = (place.http, place.https);
        let process = Process::start_with_output(&mut command, &[http, https], &folder.join("output"))?;
        Ok(Peer { name: kind.name, process, http, https })
    }

    /// A file that the backend has at `/files/NAME`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join("backend/files").join(name)
    }

    /// What the backend answers a target with, as curl shows it: trailers come behind the body.
    ///
    /// # Errors
    /// It has no such file.
    pub(crate) fn answer(&self, target: &str) -> Result<Vec<u8>> {
        if target == CALL {
            return Ok([&fs::read(self.file("message"))?[..], b"grpc-status: 0\r\n"].concat());
        }
        let name = target.strip_prefix("/files/");
        name.map_or_else(|| Ok(ANSWER.to_vec()), |name| fs::read(self.file(name)).with_context(|| target.to_owned()))
    }

    /// The host of a route that does not lead to where that of [`HOST`] does, if there is one.
    pub(crate) fn other_host(&self) -> Option<&str> {
        self.site.other_hosts.first().map(String::as_str)
    }
}

/// What the backend has beside small responses.
fn files() -> [(&'static str, Vec<u8>); 5] {
    [
        ("10k", vec![b'x'; 10 << 10]),
        ("64k", vec![b'x'; 64 << 10]),
        ("1m", vec![b'x'; 1 << 20]),
        ("page", page().into_bytes()),
        ("message", [&[0, 0, 0, 0, ANSWER.len() as u8], &ANSWER[..]].concat()),
    ]
}

impl Site {
    fn new(setup: Setup, certificate: &Certificate, folder: &Path, websocket: SocketAddr) -> Result<Self> {
        Ok(Self {
            setup,
            host: HOST,
            last: Backend::new("last", if setup.policy == Policy::Affinity { 2 } else { 1 })?,
            other_hosts: (1..setup.routes).map(|number| format!("app-{number}.example.com")).collect(),
            other: Backend::new("other", 1)?,
            chain: certificate.chain.clone(),
            key: certificate.key.clone(),
            certificate: folder.join("tls.crt"),
            certificate_key: folder.join("tls.key"),
            websocket,
            answer: std::str::from_utf8(&ANSWER)?,
            networks: NETWORKS,
            credentials: CREDENTIALS,
        })
    }
}

impl Backend {
    fn new(name: &'static str, endpoints: usize) -> Result<Self> {
        let endpoints =
            (0..endpoints).map(|_| free_address().map(|address| Endpoint { address, port: address.port() }));
        Ok(Self { name, endpoints: endpoints.collect::<Result<_>>()? })
    }
}

impl<'p> Place<'p> {
    fn new(site: &'p Site, folder: &'p Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let [http, https, admin] = [free_address()?, free_address()?, free_address()?];
        let ports = [http, https, admin].map(|address| address.port());
        let [http_port, https_port, admin_port] = ports;
        Ok(Self { site, folder, http, http_port, https, https_port, admin_port })
    }

    fn write(&self, name: &str, template: &str) -> Result<()> {
        let text = self.fill(template).with_context(|| name.to_owned())?;
        Ok(fs::write(self.folder.join(name), text + "\n")?)
    }

    fn fill(&self, template: &str) -> Result<String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        Ok(environment.render_str(template, Serde(self))?)
    }
}
