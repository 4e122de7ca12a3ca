//! Single requests, by curl.

use anyhow::{Context, Result, ensure};
use benches::HOST;
use benches::peers::Peer;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// How long it may take a proxy to have its routes.
const STARTUP: Duration = Duration::from_secs(20);

/// What is asked. The default is a GET over cleartext HTTP/1.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'r> {
    pub(crate) scheme: &'r str,
    /// The option of curl for the version of HTTP.
    pub(crate) version: &'r str,
    pub(crate) host: &'r str,
    pub(crate) target: &'r str,
    pub(crate) headers: &'r [String],
    /// The file with the body of a POST.
    pub(crate) body: Option<&'r Path>,
    /// More options of curl.
    pub(crate) options: &'r [&'r str],
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The status line and the header lines.
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self { scheme: "http", version: "--http1.1", host: HOST, target: "/", headers: &[], body: None, options: &[] }
    }
}

impl Request<'_> {
    /// Asks a proxy.
    ///
    /// # Errors
    /// curl cannot be run, or there is no response.
    pub(crate) fn send(&self, peer: &Peer) -> Result<Response> {
        let address = if self.scheme == "https" { peer.https } else { peer.http };
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--include", "--insecure", "--max-time", "10", self.version])
            .args(self.options)
            .arg("--connect-to")
            .arg(format!("::{address}"));
        for header in self.headers {
            command.arg("--header").arg(header);
        }
        if let Some(path) = self.body {
            command.arg("--data-binary").arg(format!("@{}", path.display()));
        }
        command.arg(format!("{}://{}{}", self.scheme, self.host, self.target));
        let output = command.output().context("curl is needed: apt-get install curl")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Response::parse(&output.stdout).with_context(|| format!("{command:?} prints no response"))
    }

    /// The body of a response with status 200.
    ///
    /// # Errors
    /// As [`Self::send`], and another status.
    pub(crate) fn body(&self, peer: &Peer) -> Result<Vec<u8>> {
        let response = self.send(peer)?;
        ensure!(response.status == 200, "{}{}: {}", self.host, self.target, response.head);
        Ok(response.body)
    }
}

/// Waits until a proxy has its routes: some listen before.
///
/// # Errors
/// It has none in time.
#[expect(clippy::disallowed_methods, reason = "another process gives no sign but its responses")]
pub(crate) fn wait_until_ready(peer: &Peer) -> Result<()> {
    let deadline = Instant::now() + STARTUP;
    loop {
        match Request::default().send(peer) {
            Ok(Response { status: 200 | 401, .. }) => return Ok(()),
            other => ensure!(Instant::now() < deadline, "it is not ready: {other:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

impl Response {
    fn parse(text: &[u8]) -> Option<Self> {
        let end = text.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&text[..end]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head, body: text[end + 4..].to_vec() })
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.into_iter().find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }
}
