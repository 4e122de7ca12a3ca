//! Traces, as far as a request and its answer do not show them: the spans that a collector gets, and what becomes of them
//! where it does not take them.

use crate::ADIT;
use anyhow::{Context, Result};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::{Adit, annotated, documents, manifests, slice};
use tests::backend::{answering, mirror, scripted};
use tests::checked::said;
use tests::client::Response;
use tests::collector::{Answer, Batch, Collector, attribute};
use tests::connection::{Connection, PATIENCE};
use tests::objects::auth_service;
use tests::ports::free_port;
use tests::process::Process;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Code;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const SENT: &str = "adit_trace_spans_sent_total";
const DROPPED: &str = "adit_trace_spans_dropped_total";

/// A ConfigMap's data for traces that go to this collector at once.
fn traced(collector: SocketAddr, more: &[(&str, &str)]) -> Value {
    let mut data = json!({
        "enable-opentelemetry": "true",
        "otlp-collector-host": collector.ip().to_string(),
        "otlp-collector-port": collector.port().to_string(),
        "otel-schedule-delay-millis": "1",
    });
    for (key, value) in more {
        data[key] = json!(value);
    }
    data
}

async fn ask(address: SocketAddr, target: &str, headers: &str) -> Result<Response> {
    let mut connection = Connection::open(address).await?;
    connection.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n{headers}\r\n")).await?;
    connection.response("GET").await
}

async fn get(adit: &Adit, target: &str) -> Result<Response> {
    ask(adit.address()?, target, "").await
}

fn hexadecimal(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The `traceparent` that says that this span is the parent.
fn traceparent(span: &Span) -> String {
    format!("00-{}-{}-01", hexadecimal(&span.trace_id), hexadecimal(&span.span_id))
}

/// Waits until a metric with this text in its labels has come to this value.
async fn counted(adit: &Adit, metric: &str, label: &str, value: u64) -> Result<()> {
    let is_there =
        |line: &str| line.starts_with(metric) && line.contains(label) && line.ends_with(&format!(" {value}"));
    let counts = async {
        while !adit.metrics().await?.lines().any(is_there) {}
        anyhow::Ok(())
    };
    timeout(PATIENCE, counts).await.with_context(|| format!("{metric} does not come to {value}"))?
}

#[tokio::test]
async fn a_span_tells_of_its_request() -> Result<()> {
    let mut collector = Collector::start().await?;
    let config = traced(collector.address, &[("otel-service-name", "front")]);
    let adit = Adit::start(&manifests(&[mirror().await?], &config)).await?;
    let sent = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: a=1\r\nUser-Agent: test/1\r\n");
    let seen = ask(adit.address()?, "/x?y=z", &sent).await?;
    let Batch { service, spans } = collector.batch().await?;
    let [span] = &*spans else { panic!("{spans:#?}") };
    assert_eq!(service, "front");
    assert_eq!((hexadecimal(&span.trace_id), hexadecimal(&span.parent_span_id)), (TRACE.into(), PARENT.into()));
    assert_eq!((&*span.trace_state, &*span.name, span.kind()), ("a=1", "/", SpanKind::Server));
    let seen = String::from_utf8(seen.body)?;
    assert!(seen.contains(&format!("traceparent: {}\n", traceparent(span))), "{seen}");
    for (key, value) in [
        ("http.method", "GET"),
        ("http.target", "/x?y=z"),
        ("http.flavor", "1.1"),
        ("http.host", "h"),
        ("http.server_name", "h"),
        ("http.scheme", "http"),
        ("http.route", "/"),
        ("http.user_agent", "test/1"),
        ("http.status_code", "200"),
        ("net.peer.ip", "127.0.0.1"),
        ("net.host.port", "80"),
    ] {
        assert_eq!(attribute(span, key), value, "{key}");
    }
    assert_eq!(span.status.as_ref().context("a status")?.code(), StatusCode::Ok);
    assert!(span.start_time_unix_nano < span.end_time_unix_nano);
    counted(&adit, SENT, "", 1).await
}

#[tokio::test]
async fn a_collector_may_speak_http() -> Result<()> {
    let mut collector = Collector::start_http().await?;
    let config = traced(
        collector.address,
        &[("otlp-collector-protocol", "http"), ("opentelemetry-operation-name", "$host $status")],
    );
    let adit = Adit::start(&manifests(&[answering(OK).await?], &config)).await?;
    for _ in 0..3 {
        get(&adit, "/").await?;
        assert_eq!(collector.span().await?.name, "h 200");
    }
    collector.answers(Answer::Fails(Code::Unavailable));
    get(&adit, "/").await?;
    let first = collector.span().await?;
    collector.answers(Answer::Taken);
    assert_eq!(collector.span().await?, first, "it comes again");
    Ok(())
}

/// What fails is an error, and each attempt has its own span where that is wanted: the backend's parent is that one.
#[tokio::test]
async fn attempts_have_spans_where_they_are_wanted() -> Result<()> {
    let mut collector = Collector::start().await?;
    let dead = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let config = traced(collector.address, &[("otel-client-spans", "true")]);
    let mut adit = Adit::start(&manifests(&[dead], &config)).await?;
    assert_eq!(get(&adit, "/").await?.status, 502);
    let spans = collector.batch().await?.spans;
    let (server, attempts) = spans.split_last().context("a span")?;
    assert_eq!((server.kind(), attribute(server, "http.status_code").as_str()), (SpanKind::Server, "502"));
    assert_eq!(server.status.as_ref().context("a status")?.code(), StatusCode::Error);
    for attempt in attempts {
        assert_eq!((attempt.kind(), &attempt.parent_span_id), (SpanKind::Client, &server.span_id));
        assert_eq!(attribute(attempt, "net.peer.port"), dead.port().to_string());
        assert!(attempt.start_time_unix_nano >= server.start_time_unix_nano);
    }
    assert!(!attempts.is_empty());
    adit.replace(&manifests(&[mirror().await?], &config)).await?;
    let seen = String::from_utf8(get(&adit, "/").await?.body)?;
    let spans = collector.batch().await?.spans;
    assert!(seen.contains(&traceparent(&spans[0])), "{seen} {spans:#?}");
    Ok(())
}

/// So has an auth request, and its server goes on with that.
#[tokio::test]
async fn an_auth_request_has_a_span_where_it_is_wanted() -> Result<()> {
    let mut collector = Collector::start().await?;
    let (told, mut headers) = mpsc::unbounded_channel();
    let auth = scripted(move |_, mut connection| {
        let told = told.clone();
        async move {
            while let Some(head) = connection.request().await? {
                told.send(head.headers)?;
                connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await?;
            }
            Ok(())
        }
    });
    let auth = documents([auth_service(), slice("auth", 0, auth.await?)]);
    let config = traced(collector.address, &[("otel-client-spans", "true")]);
    let annotations = [("auth-url", "http://auth.default.svc.cluster.local/")];
    let adit = Adit::start(&(annotated(&annotations, &[answering(OK).await?], &config) + &auth)).await?;
    assert_eq!(get(&adit, "/").await?.status, 401);
    let spans = collector.batch().await?.spans;
    let [auth, request] = &*spans else { panic!("{spans:#?}") };
    assert_eq!((auth.kind(), &*auth.name, &auth.parent_span_id), (SpanKind::Client, "auth-url", &request.span_id));
    assert_eq!(attribute(auth, "http.status_code"), "401");
    let headers = headers.recv().await.context("no auth request")?;
    let parent = ("traceparent".to_owned(), traceparent(auth));
    assert!(headers.contains(&parent), "{headers:?} {parent:?}");
    Ok(())
}

/// Only what the sampler takes comes to the collector.
#[tokio::test]
async fn what_is_not_sampled_is_not_sent() -> Result<()> {
    let mut collector = Collector::start().await?;
    let config = traced(collector.address, &[("otel-sampler", "AlwaysOff")]);
    let adit = Adit::start(&manifests(&[answering(OK).await?], &config)).await?;
    get(&adit, "/not").await?;
    ask(adit.address()?, "/yes", &format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n")).await?;
    assert_eq!(attribute(&collector.span().await?, "http.target"), "/yes");
    Ok(())
}

#[tokio::test]
async fn what_may_be_taken_later_is_sent_again() -> Result<()> {
    let mut collector = Collector::start().await?;
    let adit = Adit::start(&manifests(&[answering(OK).await?], &traced(collector.address, &[]))).await?;
    collector.answers(Answer::Fails(Code::Unavailable));
    get(&adit, "/").await?;
    let first = collector.span().await?;
    collector.answers(Answer::Taken);
    assert_eq!(collector.span().await?, first);
    counted(&adit, SENT, "", 1).await
}

/// What a collector does not take, or answers in words that nobody knows, is dropped and counted; what comes after it is sent.
#[tokio::test]
async fn what_is_refused_is_counted() -> Result<()> {
    let mut collector = Collector::start().await?;
    let adit = Adit::start(&manifests(&[answering(OK).await?], &traced(collector.address, &[]))).await?;
    for (answer, reason, count) in [
        (Answer::Refused(1), "refused", 1),
        (Answer::Fails(Code::InvalidArgument), "undelivered", 1),
        (Answer::Garbage, "undelivered", 2),
    ] {
        collector.answers(answer);
        get(&adit, &format!("/{reason}")).await?;
        assert_eq!(attribute(&collector.span().await?, "http.target"), format!("/{reason}"));
        counted(&adit, DROPPED, reason, count).await?;
    }
    collector.answers(Answer::Taken);
    get(&adit, "/taken").await?;
    assert_eq!(attribute(&collector.span().await?, "http.target"), "/taken");
    Ok(())
}

/// Requests never wait for a collector that does not answer, and what does not fit in the queue is dropped.
#[tokio::test]
async fn a_collector_that_hangs_holds_nobody_up() -> Result<()> {
    let mut collector = Collector::start().await?;
    let config = traced(collector.address, &[("otel-max-queuesize", "2")]);
    let adit = Adit::start(&manifests(&[answering(OK).await?], &config)).await?;
    collector.answers(Answer::Hangs);
    get(&adit, "/").await?;
    collector.batch().await?;
    for _ in 0..3 {
        assert_eq!(get(&adit, "/").await?.status, 200);
    }
    counted(&adit, DROPPED, "queue-full", 1).await
}

/// A collector that is no collector costs what is sent to it.
#[tokio::test]
async fn what_waits_goes_to_the_next_collector() -> Result<()> {
    let mut collector = Collector::start().await?;
    let backend = answering(OK).await?;
    let strange = scripted(|_, mut connection| async move {
        while connection.request().await.is_ok_and(|request| request.is_some()) {}
        connection.send("220 mail.example ESMTP\r\n").await
    })
    .await?;
    let mut adit = Adit::start(&manifests(&[backend], &traced(strange, &[]))).await?;
    get(&adit, "/waits").await?;
    adit.replace(&manifests(&[backend], &traced(collector.address, &[]))).await?;
    assert_eq!(attribute(&collector.span().await?, "http.target"), "/waits");
    Ok(())
}

/// The program sends what waits before it ends.
#[tokio::test]
async fn the_last_spans_are_sent() -> Result<()> {
    let mut collector = Collector::start().await?;
    let config = traced(collector.address, &[("otel-schedule-delay-millis", "3600000")]);
    let mut adit =
        Process::start(ADIT, &["--shutdown-grace-period=0"], &manifests(&[answering(OK).await?], &config)).await?;
    for target in ["/1", "/2"] {
        assert_eq!(ask(adit.http, target, "").await?.status, 200);
    }
    adit.terminate().await?;
    let spans = collector.batch().await?.spans;
    let mut targets: Vec<_> = spans.iter().map(|span| attribute(span, "http.target")).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["/1", "/2"]);
    assert!(adit.ended().await?.success());
    Ok(())
}

/// Where nothing listens, that is told once, and requests are served.
#[tokio::test]
async fn a_collector_that_is_gone_is_told_of() -> Result<()> {
    let dead = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut adit = Process::start(ADIT, &[], &manifests(&[answering(OK).await?], &traced(dead, &[]))).await?;
    assert_eq!(ask(adit.http, "/", "").await?.status, 200);
    let said = adit.says("cannot send spans to the collector").await?;
    assert!(said.contains(&dead.port().to_string()), "{said}");
    assert_eq!(ask(adit.http, "/", "").await?.status, 200);
    Ok(())
}

/// Who turns traces on is told where spans do not go anywhere; a value that is invalid has no effect.
#[test]
fn what_sends_no_spans_is_reported() -> Result<()> {
    let said =
        |annotations: &[(&str, &str)], config| said(&annotated(annotations, &[([192, 0, 2, 1], 80).into()], &config));
    let on = [("enable-opentelemetry", "true")];
    assert_eq!(said(&on, json!({"otlp-collector-host": "collector.example"}))?, [""; 0]);
    for (annotations, config, expected) in [
        (&on[..], json!({}), "sends no spans"),
        (&[], json!({"enable-opentelemetry": "true"}), "sends no spans"),
        (&[], json!({"otlp-collector-host": "http://collector:4317"}), "expected a DNS name or an IP address"),
        (&[], json!({"otel-sampler": "alwayson"}), "AlwaysOn"),
        (&[], json!({"otel-sampler-ratio": "2"}), "expected a number from 0 to 1"),
        (&[], json!({"otel-max-queuesize": "0"}), "expected a whole number from 1 to 65536"),
        (&[], json!({"opentelemetry-operation-name": "$nothing"}), "$nothing"),
        (&[("opentelemetry-operation-name", "$host")], json!({}), "expected letters, digits"),
    ] {
        let said = said(annotations, config.clone())?;
        assert!(matches!(&*said, [one] if one.contains(expected)), "{annotations:?} {config}: {said:#?}");
    }
    Ok(())
}
