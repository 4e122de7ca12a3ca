//! A whole request, through Adit as a process.

use crate::counted::Counted;
use anyhow::{Context, Result};
use benches::certificate::Certificate;
use benches::h2load::{Load, Until};
use benches::peers::{ANSWER, nginx};
use benches::process::{Process, free_address};
use benches::{HOST, TARGET, cluster};
use std::fs;
use std::path::Path;

/// How it is called in the table.
pub(crate) const NAME: &str = "a whole proxied request of HTTP/1.1, over kept connections";
/// How many are sent.
pub(crate) const TIMES: u64 = 5_000;

/// The instructions of a process of Adit that is started, has served so many requests, and has ended.
///
/// # Errors
/// Something cannot be started, or a request fails.
pub(crate) fn instructions(adit: &Path, requests: u64) -> Result<u64> {
    let scratch = tempfile::tempdir()?;
    let [backend, http, https, admin] = [free_address()?, free_address()?, free_address()?, free_address()?];
    let answer = String::from_utf8_lossy(&ANSWER);
    let server = format!("server {{ listen {backend}; access_log off; location / {{ return 200 '{answer}'; }} }}");
    let _backend = nginx(&scratch.path().join("backend"), &server, &[backend])?;
    let manifest = scratch.path().join("bench.yaml");
    fs::write(&manifest, cluster::manifest(1, &Certificate::new(HOST)?, backend, None))?;
    let mut counted = Counted::new(adit)?;
    counted
        .command
        .args(["serve", "--workers=1", "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1", "--log-level=warn"])
        .arg("--shutdown-grace-period=0")
        .arg(format!("--http-port={}", http.port()))
        .arg(format!("--https-port={}", https.port()))
        .arg(format!("--healthz-port={}", admin.port()))
        .arg(format!("--access-log-path={}", scratch.path().join("access.log").display()))
        .arg(&manifest);
    let process = Process::start(&mut counted.command, &[http])?;
    let url = format!("http://{HOST}{TARGET}");
    let until = Until::Requests(requests);
    let load = Load { url: &url, address: http, protocol: "http/1.1", options: &["--h1", "-c4"], until };
    load.run().context(NAME)?;
    drop(process); // asks it to end, and waits
    counted.instructions()
}
