//! Requests of HTTPRoutes that take longer than their rule lets them.

use anyhow::{Context as _, Result};
use h2::server;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, documents, slice};
use tests::backend::{Methods, accept, answering, scripted};
use tests::{client, objects};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// More than two endpoints need that take turns.
const ROUNDS: usize = 4;

/// A rule with these timeouts for all of host `h`. The timeouts of the ConfigMap are longer than any test waits.
async fn adit(timeouts: Value, service: Value, backends: &[SocketAddr]) -> Result<Adit> {
    adit_with(&[], timeouts, service, backends).await
}

/// The same with these keys in the ConfigMap.
async fn adit_with(keys: &[(&str, &str)], timeouts: Value, service: Value, backends: &[SocketAddr]) -> Result<Adit> {
    let api_version = "gateway.networking.k8s.io/v1";
    let mut config = json!({"proxy-read-timeout": "3600", "proxy-send-timeout": "3600", "client-body-timeout": "3600"});
    keys.iter().for_each(|(key, value)| config[key] = json!(value));
    let objects = [
        json!({"apiVersion": api_version, "kind": "HTTPRoute", "metadata": {"name": "route"},
            "spec": {"parentRefs": [{"name": "edge"}], "hostnames": ["h"],
                "rules": [{"timeouts": timeouts, "backendRefs": [{"name": "backend", "port": 80}]}]}}),
        objects::config_map("adit", &config),
        service,
    ];
    let slices = backends.iter().enumerate().map(|(number, address)| slice("backend", number, *address));
    let gateway = objects::gateway(&json!([{"name": "http", "port": 80, "protocol": "HTTP"}]));
    Adit::start(&documents(gateway.into_iter().chain(objects).chain(slices))).await
}

/// A backend that sends this for each request, and then nothing. The methods of the requests that it has got.
async fn stuck_after(answer: &'static str) -> Result<(SocketAddr, Methods)> {
    let methods = Methods::default();
    let arrived = methods.clone();
    let backend = scripted(move |_, mut connection| {
        let arrived = arrived.clone();
        async move {
            let Some(head) = connection.request().await? else { return Ok(()) };
            arrived.lock().push(head.method);
            connection.send(answer).await?;
            connection.request().await.map(|_| ())
        }
    });
    Ok((backend.await?, methods))
}

/// A backend of HTTP/2 that answers no request.
async fn silent_http2() -> Result<SocketAddr> {
    accept(|_, stream| async move {
        let mut streams = server::handshake(stream).await?;
        let mut held = Vec::new();
        while let Some(stream) = streams.accept().await {
            held.push(stream?);
        }
        Ok(())
    })
    .await
}

/// The Service, whose endpoints speak HTTP/2.
fn http2_backend() -> Value {
    let mut service = objects::backend();
    service["spec"]["ports"][0]["appProtocol"] = json!("kubernetes.io/h2c");
    service
}

async fn get(adit: &Adit) -> Result<client::Response> {
    let mut client = adit.connect().await?;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    client.final_response("GET").await
}

#[tokio::test]
async fn no_other_endpoint_is_tried_when_the_time_of_the_request_is_over() -> Result<()> {
    let ((one, of_one), (other, of_other)) = (stuck_after("").await?, stuck_after("").await?);
    let adit = adit(json!({"request": "200ms"}), objects::backend(), &[one, other]).await?;
    assert_eq!(get(&adit).await?.status, 504);
    assert_eq!(of_one.lock().len() + of_other.lock().len(), 1);
    Ok(())
}

#[tokio::test]
async fn another_endpoint_is_tried_when_the_time_of_an_attempt_is_over() -> Result<()> {
    let (silent, methods) = stuck_after("").await?;
    let adit = adit(json!({"backendRequest": "200ms"}), objects::backend(), &[silent, answering(OK).await?]).await?;
    for _ in 0..ROUNDS {
        assert_eq!(get(&adit).await?.status, 200);
    }
    assert_eq!(methods.lock().len(), ROUNDS / 2);
    Ok(())
}

#[tokio::test]
async fn a_response_that_has_begun_is_cut_off() -> Result<()> {
    let (stuck, methods) = stuck_after("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").await?;
    let adit = adit(json!({"backendRequest": "200ms"}), objects::backend(), &[stuck]).await?;
    assert!(get(&adit).await.is_err(), "it is not whole");
    assert_eq!(methods.lock().len(), 1);
    Ok(())
}

#[tokio::test]
async fn deadlines_hold_for_backends_of_http2() -> Result<()> {
    let adit = adit(json!({"request": "200ms"}), http2_backend(), &[silent_http2().await?]).await?;
    assert_eq!(get(&adit).await?.status, 504);
    Ok(())
}

/// It waits for the rest of the body as we do. Once it has all of that, the time is its own.
#[tokio::test]
async fn no_endpoint_is_ejected_for_a_client_that_is_late() -> Result<()> {
    let over_http1 = [stuck_after("").await?.0, stuck_after("").await?.0];
    let over_http2 = [silent_http2().await?, silent_http2().await?];
    let deadline = || json!({"request": "500ms"});
    for (silence, timeouts, service, endpoints) in [
        ("3600", deadline(), objects::backend(), over_http1),
        ("3600", deadline(), http2_backend(), over_http2),
        ("1", json!({}), http2_backend(), over_http2),
    ] {
        let unbuffered = ("proxy-request-buffering", "off");
        let keys = [unbuffered, ("eject-after-failures", "1"), ("proxy-read-timeout", silence)];
        let adit = adit_with(&keys, timeouts, service, &endpoints).await?;
        for (body, status, ejections) in [("par", 408, "0"), ("part", 504, "1")] {
            let mut client = adit.connect().await?;
            client.send(format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n{body}")).await?;
            assert_eq!(client.final_response("POST").await?.status, status, "{body}");
            let metrics = adit.metrics().await?;
            let sample = metrics.lines().find(|line| line.starts_with("adit_ejections_total{"));
            let sample = sample.context("the ejections are counted")?;
            assert_eq!(sample.rsplit(' ').next(), Some(ejections), "{body}");
        }
    }
    Ok(())
}
