//! gRPC from end to end: a real client, a real server, HTTP/2 on both sides.

use anyhow::Result;
use bytes::Bytes;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated, documents, slice};
use tests::backend::refusing;
use tests::grpc::{Backend, Client, method};
use tests::objects;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status};

const HOST: &str = "h";

async fn adit(backend: &Backend, annotations: &[(&str, &str)]) -> Result<Adit> {
    let annotations = [&[("backend-protocol", "GRPC")], annotations].concat();
    Adit::start(&annotated(&annotations, &[backend.address], &json!({}))).await
}

async fn client(adit: &Adit) -> Result<Client> {
    Client::open(adit.address()?, HOST).await
}

fn messages<const N: usize>(texts: [&'static str; N]) -> impl tokio_stream::Stream<Item = Bytes> + Send + 'static {
    tokio_stream::iter(texts.map(Bytes::from))
}

fn code<T>(outcome: Result<T, Status>) -> Code {
    outcome.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn all_kinds_of_calls_go_through_with_and_without_tls() -> Result<()> {
    for (protocol, tls) in [("GRPC", false), ("GRPCS", true)] {
        let backend = Backend::start(tls).await?;
        let adit = Adit::start(&annotated(&[("backend-protocol", protocol)], &[backend.address], &json!({}))).await?;
        every_kind(&Client::open(adit.address()?, HOST).await?).await?;
        every_kind(&Client::open_tls(adit.https_address()?, HOST).await?).await?;
    }
    Ok(())
}

/// A GRPCRoute with this rule for a backend whose port has this `appProtocol`.
async fn of_route(rule: Value, app_protocol: Option<&str>, backend: SocketAddr) -> Result<Adit> {
    with_others(rule, app_protocol, backend, Vec::new()).await
}

/// The same with other objects beside it.
async fn with_others(rule: Value, app_protocol: Option<&str>, backend: SocketAddr, more: Vec<Value>) -> Result<Adit> {
    let gateway = objects::gateway(&json!([
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": HOST}]}},
    ]));
    let mut service = objects::backend();
    service["spec"]["ports"][0]["appProtocol"] = json!(app_protocol);
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GRPCRoute", "metadata": {"name": "route"},
        "spec": {"parentRefs": [{"name": "edge"}], "hostnames": [HOST], "rules": [rule]},
    });
    let others = [service, route, objects::certificate(HOST)?, slice("backend", 0, backend)];
    Adit::start(&documents(gateway.into_iter().chain(others).chain(more))).await
}

#[tokio::test]
async fn a_mirror_gets_copies_of_calls() -> Result<()> {
    let mirrored = json!({"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "mirror", "port": 80}}});
    let rule = json!({"filters": [mirrored], "backendRefs": [{"name": "backend", "port": 80}]});
    for (app_protocol, tls) in [(None, false), (Some("https"), true)] {
        let (backend, mirror) = (Backend::start(false).await?, Backend::start(tls).await?);
        let port = json!({"port": 80, "appProtocol": app_protocol});
        let service =
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mirror"}, "spec": {"ports": [port]}});
        let more = vec![service, slice("mirror", 0, mirror.address)];
        let adit = with_others(rule.clone(), None, backend.address, more).await?;
        let client = client(&adit).await?;
        every_kind(&client).await?;
        for _ in 0..4 {
            mirror.begun().await?;
        }
        mirror.cancelled().await?; // the answers that repeat for ever
    }
    Ok(())
}

#[tokio::test]
async fn a_grpc_route_serves_all_kinds_of_calls() -> Result<()> {
    let rule =
        json!({"matches": [{"method": {"service": "test.Service"}}], "backendRefs": [{"name": "backend", "port": 80}]});
    for (app_protocol, tls) in [(None, false), (Some("kubernetes.io/h2c"), false), (Some("https"), true)] {
        let backend = Backend::start(tls).await?;
        let adit = of_route(rule.clone(), app_protocol, backend.address).await?;
        every_kind(&Client::open(adit.address()?, HOST).await?).await?;
        every_kind(&Client::open_tls(adit.https_address()?, HOST).await?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_a_grpc_route_does_not_serve_has_a_status() -> Result<()> {
    let (_socket, refused) = refusing()?;
    let to = |service: &str, name: &str| json!({"matches": [{"method": {"service": service}}], "backendRefs": [{"name": name, "port": 80}]});
    for (rule, expected) in [
        (to("test.Service", "missing"), Code::Unavailable),
        (to("test.Service", "backend"), Code::Unavailable),
        (to("other.Service", "backend"), Code::Unimplemented),
    ] {
        let adit = of_route(rule, None, refused).await?;
        let status = client(&adit).await?.unary(method::ECHO, Request::new("x".into())).await.expect_err("an error");
        assert_eq!(status.code(), expected, "{status:?}");
    }
    Ok(())
}

async fn every_kind(client: &Client) -> Result<()> {
    let answer = client.unary(method::ECHO, Request::new("one".into())).await?;
    assert_eq!(answer.get_ref(), "one");

    let mut answers = client.server_streaming(method::REPEAT, "again").await?;
    for _ in 0..100 {
        assert_eq!(Client::next(&mut answers).await?.as_deref(), Some(&b"again"[..]));
    }
    drop(answers);

    assert_eq!(client.client_streaming(method::JOIN, messages(["a", "b", "c"])).await?, "abc");
    both_ways(client).await
}

/// Each message is sent only after the one before was answered, so that nothing may wait for more.
async fn both_ways(client: &Client) -> Result<()> {
    let (sender, receiver) = mpsc::channel(1);
    sender.send("0".into()).await?;
    let mut answers = client.streaming(method::ECHO, ReceiverStream::new(receiver)).await?;
    for number in 1..=20 {
        assert_eq!(Client::next(&mut answers).await?, Some(Bytes::from((number - 1).to_string())));
        sender.send(number.to_string().into()).await?;
    }
    assert_eq!(Client::next(&mut answers).await?.as_deref(), Some(&b"20"[..]));
    drop(sender);
    assert_eq!(Client::next(&mut answers).await?, None);
    Ok(())
}

#[tokio::test]
async fn u06_metadata_goes_both_ways() -> Result<()> {
    let backend = Backend::start(false).await?;
    let adit = adit(&backend, &[]).await?;
    let mut request = Request::new(Bytes::from_static(b"x"));
    request.metadata_mut().insert("x-text", MetadataValue::from_static("text"));
    request.metadata_mut().insert_bin("x-bytes-bin", MetadataValue::from_bytes(&[0, 255]));
    let client = Client::open_tls(adit.https_address()?, HOST).await?;
    let answer = client.unary(method::ECHO, request).await?;
    let seen = |name: &str| answer.metadata().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(seen("x-seen-authority"), Some(HOST));
    assert_eq!(seen("x-seen-content-type"), Some("application/grpc"));
    assert_eq!(seen("x-seen-te"), Some("trailers"));
    assert_eq!(seen("x-seen-x-forwarded-proto"), Some("https"));
    assert_eq!(seen("x-seen-x-text"), Some("text"));
    let bytes = answer.metadata().get_bin("x-seen-x-bytes-bin").and_then(|value| value.to_bytes().ok());
    assert_eq!(bytes.as_deref(), Some(&[0, 255][..]));
    Ok(())
}

#[tokio::test]
async fn the_backends_own_errors_arrive_as_they_are() -> Result<()> {
    let backend = Backend::start(false).await?;
    let adit = adit(&backend, &[]).await?;
    let client = client(&adit).await?;
    let mut answers = client.server_streaming(method::FAIL, "x").await?;
    assert_eq!(Client::next(&mut answers).await?.as_deref(), Some(&b"x"[..]));
    let status = Client::next(&mut answers).await.expect_err("the call fails");
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "not now: 100 %"));
    assert_eq!(status.metadata().get("x-reason").map(|value| value.as_bytes()), Some(&b"because"[..]));
    assert_eq!(code(client.unary("/test.Service/None", Request::new(Bytes::new())).await), Code::Unimplemented);
    Ok(())
}

#[tokio::test]
async fn u08_deadlines_end_a_call_and_no_other() -> Result<()> {
    let backend = Backend::start(false).await?;
    let seconds = |key| (key, "1");
    let annotations = ["proxy-connect-timeout", "proxy-send-timeout", "proxy-read-timeout"].map(seconds);
    let adit = adit(&backend, &annotations).await?;
    let client = client(&adit).await?;
    let mut others = client.server_streaming(method::REPEAT, "x").await?;
    assert_eq!(client.unary(method::ECHO, Request::new("x".into())).await?.get_ref(), "x");

    let status = client.unary(method::IGNORE, Request::new("x".into())).await.expect_err("no answer ever comes");
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "504 Gateway Time-out: upstream-timeout"));
    backend.cancelled().await?;

    // After the first answer it is too late for a status: the stream is reset.
    let mut answers = client.server_streaming(method::HANG, "x").await?;
    assert_eq!(Client::next(&mut answers).await?.as_deref(), Some(&b"x"[..]));
    let status = Client::next(&mut answers).await.expect_err("no other answer ever comes");
    assert_eq!(status.code(), Code::Cancelled, "{status:?}");
    backend.cancelled().await?;

    for _ in 0..100 {
        assert_eq!(Client::next(&mut others).await?.as_deref(), Some(&b"x"[..]));
    }
    Ok(())
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_the_server() -> Result<()> {
    let backend = Backend::start(false).await?;
    let adit = adit(&backend, &[]).await?;
    let client = client(&adit).await?;
    let mut answers = client.server_streaming(method::HANG, "x").await?;
    assert_eq!(Client::next(&mut answers).await?.as_deref(), Some(&b"x"[..]));
    drop(answers);
    backend.cancelled().await?;

    // Also while the request is not at its end.
    let (sender, receiver) = mpsc::channel(1);
    sender.send("x".into()).await?;
    drop(client.streaming(method::REPEAT, ReceiverStream::new(receiver)).await?);
    drop(sender);
    backend.cancelled().await?;

    // Also before an answer.
    for _ in 0..2 {
        backend.begun().await?;
    }
    let call = client.clone();
    let call = tokio::spawn(async move { call.unary(method::IGNORE, Request::new("x".into())).await });
    backend.begun().await?;
    call.abort();
    backend.cancelled().await?;
    assert_eq!(client.unary(method::ECHO, Request::new("x".into())).await?.get_ref(), "x");
    Ok(())
}

#[tokio::test]
async fn our_own_errors_are_statuses() -> Result<()> {
    let (_socket, refused) = refusing()?;
    let annotations = [("backend-protocol", "GRPC"), ("proxy-body-size", "1k")];
    let unreachable = Adit::start(&annotated(&annotations, &[refused], &json!({}))).await?;
    let nobody = Adit::start(&annotated(&annotations, &[], &json!({}))).await?;
    let reached = Backend::start(false).await?;
    let reached = adit(&reached, &annotations[1..]).await?;
    for (adit, host, expected) in [
        (&unreachable, HOST, Code::Unavailable),
        (&nobody, HOST, Code::Unavailable),
        (&reached, "other", Code::Unimplemented),
        (&reached, HOST, Code::ResourceExhausted),
    ] {
        let client = Client::open(adit.address()?, host).await?;
        let request = || Request::new(Bytes::from(vec![0; 2 << 10]));
        let status = client.unary(method::ECHO, request()).await.expect_err("an error of ours");
        assert_eq!(status.code(), expected, "{status:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_backend_that_dies_in_the_middle_resets_the_stream() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let backend = runtime.spawn(Backend::start(false)).await??;
    let adit = adit(&backend, &[]).await?;
    let client = client(&adit).await?;
    let mut answers = client.server_streaming(method::HANG, "x").await?;
    assert_eq!(Client::next(&mut answers).await?.as_deref(), Some(&b"x"[..]));
    runtime.shutdown_background();
    let status = Client::next(&mut answers).await.expect_err("the rest never comes");
    assert_eq!(status.code(), Code::Cancelled, "{status:?}");
    Ok(())
}

#[tokio::test]
async fn large_messages_go_both_ways() -> Result<()> {
    // As large as a gRPC client takes unless it is told otherwise.
    let message = Bytes::from_iter((0..4 << 20).map(|at: u32| (at % 251) as u8));
    let backend = Backend::start(false).await?;
    let adit = adit(&backend, &[("proxy-body-size", "0")]).await?;
    let client = Client::open_tls(adit.https_address()?, HOST).await?;
    for _ in 0..3 {
        let answer = client.unary(method::ECHO, Request::new(message.clone())).await?;
        assert!(*answer.get_ref() == message, "the message is not the same");
    }
    Ok(())
}

/// Large messages fill windows, small ones what HTTP/2's implementations spend on each frame.
#[tokio::test]
async fn a_slow_client_holds_up_no_other() -> Result<()> {
    for size in [1, 1 << 20] {
        let message = Bytes::from(vec![7; size]);
        let backend = Backend::start(false).await?;
        let adit = adit(&backend, &[("proxy-body-size", "0")]).await?;
        let (slow, quick) = (client(&adit).await?, client(&adit).await?);
        let mut unread = slow.server_streaming(method::REPEAT, message.clone()).await?;
        let mut answers = quick.server_streaming(method::REPEAT, message.clone()).await?;
        let enough = (64 << 20) / size.max(1 << 10);
        for _ in 0..enough {
            assert_eq!(Client::next(&mut answers).await?.as_ref(), Some(&message));
        }
        for _ in 0..enough {
            assert_eq!(Client::next(&mut unread).await?.as_ref(), Some(&message));
        }
    }
    Ok(())
}

#[tokio::test]
async fn many_calls_at_once_share_connections_of_http2() -> Result<()> {
    let backend = Backend::start(false).await?;
    let adit = adit(&backend, &[]).await?;
    let client = client(&adit).await?;
    let calls = (0..200).map(|number: u32| {
        let client = client.clone();
        tokio::spawn(async move { client.unary(method::ECHO, Request::new(number.to_string().into())).await })
    });
    for (number, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(call.await??.get_ref(), &number.to_string());
    }
    Ok(())
}
