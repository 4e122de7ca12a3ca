//! Adit, bare Pingora and nginx, with the same certificate and in front of the same backend. Each has one worker.

use crate::certificate::Certificate;
use crate::process::{self, Process, free_address};
use crate::{HOST, cluster};
use anyhow::{Result, ensure};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;

/// The body of each answer.
pub const ANSWER: [u8; 100] = [b'x'; 100];
/// The path whose answer has so many bytes.
pub const LARGE: &str = "/large";
const LARGE_SIZE: usize = 4 << 20;
/// The path whose answer is a text of so many bytes.
pub const PAGE: &str = "/page";
/// How long that is.
pub const PAGE_SIZE: usize = 64 << 10;
/// Hosts in Adit's table beside the one that is asked for: a look-up that finds the only route there is shows nothing.
const HOSTS: usize = 1000;

/// A proxy under test.
#[derive(Debug)]
pub struct Peer {
    /// How it is called in a report.
    pub name: &'static str,
    /// What runs it.
    pub process: Process,
    /// Where it speaks cleartext.
    pub http: SocketAddr,
    /// Where it speaks TLS, and HTTP/2 if ALPN says so.
    pub https: SocketAddr,
}

/// All proxies under test.
#[derive(Debug)]
pub struct Peers {
    /// Adit, bare Pingora, nginx.
    pub all: [Peer; 3],
    /// What all of them show.
    pub certificate: Certificate,
    _backend: Process,
    _scratch: TempDir,
}

impl Peers {
    /// The names, in order.
    pub const NAMES: [&str; 3] = ["Adit", "bare Pingora", "nginx"];

    /// Starts all; `binaries` is the folder with `adit` and `bare_pingora`.
    ///
    /// # Errors
    /// A peer cannot be started, or does not listen in time.
    pub fn start(binaries: &Path) -> Result<Self> {
        Self::with(binaries, None)
    }

    /// The same, but Adit and nginx compress texts with gzip at this level.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn compressing(binaries: &Path, level: u8) -> Result<Self> {
        Self::with(binaries, Some(level))
    }

    fn with(binaries: &Path, gzip: Option<u8>) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let certificate = Certificate::new(HOST)?;
        let place = Place { binaries, scratch: scratch.path(), backend: free_address()?, gzip };
        fs::write(scratch.path().join("tls.crt"), &certificate.chain)?;
        fs::write(scratch.path().join("tls.key"), &certificate.key)?;
        let manifest = cluster::manifest(HOSTS, &certificate, place.backend, gzip);
        let backend = place.answering_nginx()?;
        let all = [place.adit(&manifest)?, place.bare_pingora()?, place.proxying_nginx()?];
        Ok(Self { all, certificate, _backend: backend, _scratch: scratch })
    }
}

/// Adit without peers.
#[derive(Debug)]
pub struct Alone {
    /// It.
    pub adit: Peer,
    _backend: Process,
    _scratch: TempDir,
}

impl Alone {
    /// Starts it from the folder `binaries`, with the manifest for a backend at an address.
    ///
    /// # Errors
    /// As [`Peers::start`].
    pub fn start(binaries: &Path, manifest: impl FnOnce(SocketAddr) -> String) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let place = Place { binaries, scratch: scratch.path(), backend: free_address()?, gzip: None };
        let backend = place.answering_nginx()?;
        let adit = place.adit(&manifest(place.backend))?;
        Ok(Self { adit, _backend: backend, _scratch: scratch })
    }
}

/// Where proxies are started.
struct Place<'p> {
    binaries: &'p Path,
    scratch: &'p Path,
    backend: SocketAddr,
    /// The level at which responses are compressed, if they are.
    gzip: Option<u8>,
}

/// A text with words and numbers, as tables of data have them: always the same.
pub fn page() -> String {
    let lines = (0_u64..).map(|number| {
        let digits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        format!(
            "{{\"id\": {number}, \"name\": \"item {digits:x}\", \"price\": {}.95, \"in stock\": true}},\n",
            digits % 1000
        )
    });
    let mut text: String = lines.take(PAGE_SIZE / 60).collect();
    text.truncate(PAGE_SIZE);
    text
}

impl Place<'_> {
    /// Adit as a user runs it, with everything on: access log, metrics, forwarded headers, request ids.
    fn adit(&self, manifest: &str) -> Result<Peer> {
        let binary = self.binaries.join("adit");
        ensure!(binary.exists(), "{} is missing: cargo build --release first", binary.display());
        let manifests = self.scratch.join("manifests");
        fs::create_dir_all(&manifests)?;
        fs::write(manifests.join("bench.yaml"), manifest)?;
        let (http, https, admin) = (free_address()?, free_address()?, free_address()?);
        let mut command = process::command(binary);
        command
            .args(["serve", "--workers=1", "--bind-address=127.0.0.1", "--shutdown-grace-period=0", "--log-level=warn"])
            .arg(format!("--http-port={}", http.port()))
            .arg(format!("--https-port={}", https.port()))
            .arg(format!("--healthz-port={}", admin.port()))
            .arg(format!("--access-log-path={}", self.scratch.join("access.log").display()))
            .arg(&manifests);
        let process = Process::start(&mut command, &[http, https])?;
        Ok(Peer { name: Peers::NAMES[0], process, http, https })
    }

    /// The backend.
    fn answering_nginx(&self) -> Result<Process> {
        fs::write(self.scratch.join(PAGE.trim_start_matches('/')), page())?;
        fs::write(self.scratch.join(LARGE.trim_start_matches('/')), vec![b'x'; LARGE_SIZE])?;
        let (root, answer) = (self.scratch.display(), String::from_utf8_lossy(&ANSWER));
        let server = format!(
            "server {{ listen {}; access_log off; location = {LARGE} {{ root {root}; }} \
             location = {PAGE} {{ root {root}; default_type text/css; }} \
             location / {{ return 200 '{answer}'; }} }}",
            self.backend
        );
        nginx(&self.scratch.join("backend"), &server, &[self.backend])
    }

    fn bare_pingora(&self) -> Result<Peer> {
        let (http, https) = (free_address()?, free_address()?);
        let mut command = process::command(self.binaries.join("bare_pingora"));
        command
            .args([http, https, self.backend].map(|address| address.to_string()))
            .args(["tls.crt", "tls.key"].map(|file| self.scratch.join(file)));
        let process = Process::start(&mut command, &[http, https])?;
        Ok(Peer { name: Peers::NAMES[1], process, http, https })
    }

    /// nginx that does what ingress-nginx does for every request, as far as plain nginx can.
    fn proxying_nginx(&self) -> Result<Peer> {
        let (http, https) = (free_address()?, free_address()?);
        let scratch = self.scratch.display().to_string();
        let servers = PROXY
            .replace("$HTTP_ADDRESS", &http.to_string())
            .replace("$HTTPS_ADDRESS", &https.to_string())
            .replace("$BACKEND", &self.backend.to_string())
            .replace("$GZIP", &self.gzip.map(|level| GZIP.replace("$LEVEL", &level.to_string())).unwrap_or_default())
            .replace("$SCRATCH", &scratch);
        let process = nginx(&self.scratch.join("nginx"), &servers, &[http, https])?;
        Ok(Peer { name: Peers::NAMES[2], process, http, https })
    }
}

/// An nginx with these servers, which keeps its files in a folder.
///
/// # Errors
/// It cannot be started, or does not listen on the addresses in time.
pub fn nginx(folder: &Path, servers: &str, addresses: &[SocketAddr]) -> Result<Process> {
    fs::create_dir_all(folder)?;
    let config = NGINX.replace("$FOLDER", &folder.display().to_string()).replace("$SERVERS", servers);
    let path = folder.join("nginx.conf");
    fs::write(&path, config)?;
    Process::start(process::command("nginx").arg("-c").arg(path), addresses)
}

/// Limits that load would run into are lifted; the others are those of ingress-nginx.
const NGINX: &str = r"
daemon off;
worker_processes 1;
pid $FOLDER/pid;
error_log $FOLDER/error.log;
events { worker_connections 16384; }
http {
    client_body_temp_path $FOLDER/body;
    proxy_temp_path $FOLDER/proxy;
    fastcgi_temp_path $FOLDER/fastcgi;
    uwsgi_temp_path $FOLDER/uwsgi;
    scgi_temp_path $FOLDER/scgi;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    $SERVERS
}
";

/// As ingress-nginx turns it on.
const GZIP: &str = "gzip on; gzip_comp_level $LEVEL; gzip_http_version 1.1; gzip_min_length 256; gzip_types text/css; \
                    gzip_proxied any; gzip_vary on;";

const PROXY: &str = r"
    upstream backend { server $BACKEND; keepalive 320; }
    server {
        listen $HTTP_ADDRESS;
        listen $HTTPS_ADDRESS ssl http2;
        ssl_certificate $SCRATCH/tls.crt;
        ssl_certificate_key $SCRATCH/tls.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:SSL:10m;
        ssl_session_tickets off;
        ssl_buffer_size 4k;
        access_log $SCRATCH/nginx/access.log combined buffer=64k;
        $GZIP
        location / {
            proxy_http_version 1.1;
            proxy_set_header Connection '';
            proxy_set_header Host $http_host;
            proxy_set_header X-Request-ID $request_id;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Port $server_port;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Scheme $scheme;
            proxy_set_header X-Scheme $scheme;
            proxy_buffering off;
            proxy_pass http://backend;
        }
    }
";
