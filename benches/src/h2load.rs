//! `h2load`: load over kept connections, and what it counts.

use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

/// Seconds that it may take: it cannot be told to give up when a proxy answers no more.
const PATIENCE: &str = "60";
/// What `timeout` ends with if there is no such program.
const NOT_FOUND: i32 = 127;

/// What is asked, of whom, and how.
#[derive(Clone, Copy, Debug)]
pub struct Load<'l> {
    /// What is asked. Its host need not be one that DNS knows.
    pub url: &'l str,
    /// Whom.
    pub address: SocketAddr,
    /// The protocol that must be agreed on, as ALPN names it. Cleartext HTTP/2 is `h2c`.
    pub protocol: &'l str,
    /// Connections, streams and headers, as `h2load --help` has them.
    pub options: &'l [&'l str],
    /// When it ends.
    pub until: Until,
}

/// When load ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Then, and requests that are not answered by then do not count.
    Time(Duration),
    /// When as many are answered: at least as many as there are connections.
    Requests(u64),
}

/// What was served.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// Requests, all with a status of 2xx.
    pub requests: u64,
    /// Requests per second.
    pub rate: f64,
    /// Bytes of all bodies.
    pub bytes: u64,
}

impl Load<'_> {
    /// Asks, with one thread. TLS is 1.3 with AES-128-GCM.
    ///
    /// # Errors
    /// h2load cannot be run, a request fails or has another status than 2xx, or another protocol is agreed on.
    pub fn run(&self) -> Result<Served> {
        let until = match self.until {
            Until::Time(time) => format!("--duration={}ms", time.as_millis()),
            Until::Requests(count) => format!("--requests={count}"),
        };
        let output = Command::new("timeout")
            .args([PATIENCE, "h2load", "-t1", "--tls13-ciphers=TLS_AES_128_GCM_SHA256"])
            .args(self.options)
            .arg(until)
            .arg(format!("--connect-to={}", self.address))
            .arg(self.url)
            .output()?;
        ensure!(output.status.code() != Some(NOT_FOUND), "h2load is needed: apt-get install nghttp2-client");
        let report = String::from_utf8_lossy(&output.stdout);
        // It tells its progress, too.
        self.served(&report).with_context(|| match report.find("finished in") {
            Some(end) => format!("h2load says:\n{}", &report[end..]),
            None => format!("h2load does not come to an end in {PATIENCE} s"),
        })
    }

    fn served(&self, report: &str) -> Result<Served> {
        let has = |line: &str| report.lines().any(|found| found == line);
        ensure!(has(&format!("Application protocol: {}", self.protocol)), "{} was not agreed on", self.protocol);
        if self.url.starts_with("https") {
            ensure!(has("TLS Protocol: TLSv1.3") && has("Cipher: TLS_AES_128_GCM_SHA256"), "another TLS was agreed on");
        }
        let requests: u64 = number(report, "requests: ", " done")?;
        let errored: u64 = number(report, "requests: ", " errored")?;
        let statuses = |class: &str| number::<u64>(report, "status codes: ", class);
        // At the end of a time it has begun to read responses that do not count.
        let good = statuses(" 2xx")? >= requests && statuses(" 3xx")? + statuses(" 4xx")? + statuses(" 5xx")? == 0;
        ensure!(requests > 0 && errored == 0 && good, "requests failed");
        let rate = number(report, "finished in ", " req/s")?;
        let traffic = report.lines().find(|line| line.starts_with("traffic: ")).and_then(|line| line.rsplit_once('('));
        let bytes = traffic.and_then(|(_, rest)| rest.strip_suffix(") data")).context("it counts bytes")?.parse()?;
        Ok(Served { requests, rate, bytes })
    }
}

/// The number with this unit in the line that begins so.
fn number<N: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    report: &str,
    line: &str,
    unit: &str,
) -> Result<N> {
    let line = report.lines().find_map(|found| found.strip_prefix(line)).with_context(|| format!("no line {line}"))?;
    let number = line.split(", ").find_map(|part| part.strip_suffix(unit)).with_context(|| format!("no {unit}"))?;
    Ok(number.parse()?)
}
