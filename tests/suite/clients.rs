//! Clients that people have: curl, openssl and h2load.

use anyhow::{Context, Result, ensure};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::{Output, Stdio};
use tempfile::NamedTempFile;
use tests::adit::{Adit, documents, slice};
use tests::backend::answering;
use tests::connection::PATIENCE;
use tests::objects;
use tokio::process::Command;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HOST: &str = "shop.test";

/// A host with TLS, and the authority that its certificate is signed by: itself.
struct Shop {
    adit: Adit,
    authority: NamedTempFile,
}

impl Shop {
    async fn open(config: Value) -> Result<Self> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([HOST.to_owned()])?;
        let authority = NamedTempFile::new()?;
        std::fs::write(authority.path(), cert.pem())?;
        let backend = json!({"service": {"name": "backend", "port": {"number": 80}}});
        let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
        let annotations = json!({"nginx.ingress.kubernetes.io/ssl-redirect": "false"});
        let manifests = documents([
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend"},
                "spec": {"ports": [{"port": 80}]},
            }),
            slice("backend", 0, answering(OK).await?),
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "shop"},
                "stringData": {"tls.crt": cert.pem(), "tls.key": signing_key.serialize_pem()},
            }),
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": "shop", "annotations": annotations},
                "spec": {
                    "tls": [{"hosts": [HOST], "secretName": "shop"}],
                    "rules": [{"host": HOST, "http": {"paths": paths}}],
                },
            }),
            objects::config_map("adit", &config),
        ]);
        Ok(Self { adit: Adit::start(&manifests).await?, authority })
    }

    fn authority(&self) -> Result<&str> {
        self.authority.path().to_str().context("a path that is no text")
    }

    /// What curl prints of an answer that it has verified: protocol version, status and body.
    async fn curl(&self, scheme: &str, options: &[&str]) -> Result<String> {
        self.curl_with(scheme, options, "").await
    }

    async fn curl_with(&self, scheme: &str, options: &[&str], input: &str) -> Result<String> {
        let address = self.address(scheme)?;
        let resolve = format!("{HOST}:{}:127.0.0.1", address.port());
        let url = format!("{scheme}://{HOST}:{}/", address.port());
        let fixed = ["-sS", "--cacert", self.authority()?, "--resolve", &resolve];
        let format = ["-w", " HTTP/%{http_version} %{http_code}", &url];
        let output = run("curl", fixed.into_iter().chain(options.iter().copied()).chain(format), input).await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// What `openssl s_client` prints, after it has sent this.
    async fn s_client(&self, options: &[&str], input: &str) -> Result<String> {
        let connect = self.address("https")?.to_string();
        let fixed = ["s_client", "-connect", &connect, "-CAfile", self.authority()?, "-verify_return_error"];
        let output = run("openssl", fixed.into_iter().chain(options.iter().copied()), input).await?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn address(&self, scheme: &str) -> Result<SocketAddr> {
        if scheme == "https" { self.adit.https_address() } else { self.adit.address() }
    }
}

/// Runs a command with this input, to its end.
pub(crate) async fn run(command: &str, arguments: impl IntoIterator<Item = &str>, input: &str) -> Result<Output> {
    use tokio::io::AsyncWriteExt;
    let mut child = Command::new(command)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {command}: `make test` installs it"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A client that has failed does not listen; its output says why.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    output.with_context(|| format!("{command} does not end"))?.context("no output")
}

#[tokio::test]
async fn curl_speaks_every_version() -> Result<()> {
    let shop = Shop::open(json!({})).await?;
    for (scheme, option, version) in [
        ("http", "--http1.0", "1.0"),
        ("http", "--http1.1", "1.1"),
        ("http", "--http2-prior-knowledge", "2"),
        ("https", "--http1.1", "1.1"),
        ("https", "--http2", "2"),
        ("https", "--tlsv1.3", "2"),
    ] {
        let answer = shop.curl(scheme, &[option]).await.with_context(|| format!("{scheme} {option}"))?;
        let answered = if version == "1.0" { "1.1" } else { version };
        assert_eq!(answer, format!("ok HTTP/{answered} 200"), "{scheme} {option}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_f18_curl_gets_the_answer_to_a_body_that_is_too_large() -> Result<()> {
    let shop = Shop::open(json!({"proxy-body-size": "1k"})).await?;
    let body = NamedTempFile::new()?;
    body.as_file().set_len(4 << 20)?;
    let file = body.path().to_str().context("a path that is no text")?;
    let announced = format!("@{file}");
    for (scheme, version) in [("https", "--http2"), ("http", "--http2-prior-knowledge")] {
        for upload in [["--data-binary", &announced], ["-T", "-"]] {
            let chunked = upload[0] == "-T";
            let input = if chunked { "x".repeat(1 << 20) } else { String::new() };
            let answer = shop.curl_with(scheme, &[version, upload[0], upload[1]], &input).await;
            let answer = answer.with_context(|| format!("{scheme} {upload:?}"))?;
            ensure!(answer.contains("Too Large") && answer.ends_with(" HTTP/2 413"), "{scheme} {upload:?}: {answer}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn curl_without_http2_gets_http1() -> Result<()> {
    let shop = Shop::open(json!({"use-http2": "false"})).await?;
    assert_eq!(shop.curl("https", &["--http2"]).await?, "ok HTTP/1.1 200");
    Ok(())
}

#[tokio::test]
async fn openssl_verifies_the_certificate_and_the_protocols() -> Result<()> {
    let shop = Shop::open(json!({})).await?;
    for (version, negotiated) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = shop.s_client(&["-servername", HOST, "-alpn", "h2,http/1.1", version], "").await?;
        for expected in ["Verify return code: 0 (ok)", "ALPN protocol: h2", &format!("New, {negotiated}")] {
            ensure!(said.contains(expected), "{version}: no {expected:?} in {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn openssl_resumes_sessions_with_and_without_tickets() -> Result<()> {
    for tickets in ["true", "false"] {
        let shop = Shop::open(json!({"ssl-session-tickets": tickets})).await?;
        let said = shop.s_client(&["-servername", HOST, "-tls1_2", "-reconnect"], "").await?;
        ensure!(said.contains("\nNew, TLSv1.2") && said.contains("\nReused, TLSv1.2"), "tickets {tickets}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn h2load_finds_no_failed_request() -> Result<()> {
    let shop = Shop::open(json!({})).await?;
    for (scheme, options) in [("https", &["-m", "20"][..]), ("http", &["-m", "20"]), ("https", &["--h1"])] {
        let address = shop.address(scheme)?;
        let url = format!("{scheme}://{HOST}:{}/", address.port());
        let connect = format!("--connect-to={address}");
        let fixed = ["-n", "2000", "-c", "10", &connect];
        let arguments = fixed.into_iter().chain(options.iter().copied()).chain([url.as_str()]);
        let output = run("h2load", arguments, "").await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(said.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "{scheme} {options:?}: {said}");
        ensure!(said.contains("status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx"), "{scheme} {options:?}: {said}");
    }
    Ok(())
}
