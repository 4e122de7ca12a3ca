//! Whether a proxy does what the others do: the same responses, forwarded headers, backends and policies.

use crate::ask::Request;
use crate::bed::Bed;
use crate::kinds::Kind;
use crate::load::{Closed, Kept, Load};
use crate::setup::{Policy, Setup};
use anyhow::{Context, Result, ensure};
use benches::HOST;
use benches::peers::Peer;

/// Checks a proxy over cleartext and TLS, HTTP/1.1 and HTTP/2, and with what the load asks. Returns the headers that all
/// load must have.
///
/// # Errors
/// Something is not as it should be, or curl cannot be run.
pub(crate) fn check(kind: &Kind, peer: &Peer, bed: &Bed, setup: Setup, load: Load) -> Result<Vec<String>> {
    let mut headers = setup.headers();
    for (scheme, version) in [("http", "--http1.1"), ("https", "--http1.1"), ("https", "--http2")] {
        let request = Request { scheme, version, target: "/echo", headers: &headers, ..Request::default() };
        check_echo(kind, peer, &request).with_context(|| format!("{scheme}, {version}"))?;
    }
    if let Some(host) = bed.other_host() {
        let echo = Request { host, target: "/echo", ..Request::default() }.body(peer)?;
        ensure!(echo.starts_with(b"backend: other\n"), "{host} leads to {}", String::from_utf8_lossy(&echo));
    }
    if let Load::Closed(Closed::Kept(kept)) = load {
        check_target(kept, peer, bed, &headers)?;
    }
    check_policy(setup.policy, peer, &headers)?;
    if setup.policy == Policy::Affinity {
        headers.push(session(peer)?);
    }
    Ok(headers)
}

/// Checks what the backend gets.
fn check_echo(kind: &Kind, peer: &Peer, request: &Request<'_>) -> Result<()> {
    let echo = String::from_utf8(request.body(peer)?)?;
    let scheme = request.scheme;
    let port = if scheme == "https" { "443" } else { "80" };
    let forwarded = [
        ("x-request-id", "some"),
        ("x-real-ip", "127.0.0.1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", HOST),
        ("x-forwarded-port", port),
        ("x-forwarded-proto", scheme),
        ("x-forwarded-scheme", scheme),
        ("x-scheme", scheme),
    ];
    let lines = forwarded.map(|(name, value)| {
        let value = if kind.lacks.contains(&name) { "" } else { value };
        format!("{name}: {value}\n")
    });
    let expected = format!("backend: last\nhost: {HOST}\n{}", lines.concat());
    ensure!(echo == expected, "the backend gets\n{echo}and should get\n{expected}");
    Ok(())
}

/// Checks the response to what the load asks, and that its body arrives.
fn check_target(kept: Kept, peer: &Peer, bed: &Bed, headers: &[String]) -> Result<()> {
    let Kept { scheme, target, .. } = kept;
    let version = if kept.protocol == "h2" { "--http2" } else { "--http1.1" };
    let path = kept.body.map(|name| bed.file(name));
    let body = path.as_deref();
    let request = Request { scheme, version, target, headers, body, options: &["--compressed"], ..Request::default() };
    ensure!(request.body(peer)? == bed.answer(target)?, "{target} has another body");
    if let Some(path) = body {
        let length = Request { target: "/length", ..request }.body(peer)?;
        let expected = path.metadata()?.len().to_string();
        ensure!(length == expected.as_bytes(), "of a body of {expected} bytes comes {}", length.escape_ascii());
    }
    Ok(())
}

fn check_policy(policy: Policy, peer: &Peer, headers: &[String]) -> Result<()> {
    let plain = Request::default();
    let with_headers = Request { headers, ..plain };
    match policy {
        // A limit that is not reached shows nothing, and a session is checked as it begins.
        Policy::None | Policy::Limit | Policy::Affinity => {}
        Policy::AddressList => {
            let status = Request { options: &["--interface", "127.0.0.2"], ..plain }.send(peer)?.status;
            ensure!(status == 403, "a client that is not in the list gets {status}");
        }
        Policy::Auth => {
            let status = plain.send(peer)?.status;
            ensure!(status == 401, "without credentials {status} is answered");
        }
        Policy::Cors => {
            let response = with_headers.send(peer)?;
            for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
                ensure!(response.header(name).is_some(), "there is no {name}");
            }
        }
        Policy::Gzip => {
            let response = Request { target: "/files/page", ..with_headers }.send(peer)?;
            ensure!(response.header("content-encoding") == Some("gzip"), "it is not compressed");
        }
    }
    Ok(())
}

/// The header of requests of a session, which all reach one endpoint.
fn session(peer: &Peer) -> Result<String> {
    let request = Request { target: "/endpoint", ..Request::default() };
    let first = request.send(peer)?;
    let cookie = first.header("set-cookie").and_then(|value| value.split(';').next()).context("there is no cookie")?;
    let headers = [format!("cookie: {cookie}")];
    for _ in 0..8 {
        let body = Request { headers: &headers, ..request }.body(peer)?;
        ensure!(body == first.body, "a session moves to another endpoint");
    }
    let [header] = headers;
    Ok(header)
}
