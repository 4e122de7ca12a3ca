//! Clients of HTTP/2 that no library would be: each gets a defined answer, is counted, and harms nobody else.

use super::world::{Door, OK, World};
use anyhow::Result;
use h2::Reason;
use serde_json::json;
use std::sync::Arc;
use tests::connection::Connection;
use tests::frames::{END_HEADERS, END_STREAM, Kind, PREFACE, beginning, flood, frame, go_away, head, next};
use tests::http2::Http2;
use tests::recorder::recorded;
use tokio::sync::Notify;

const URL: &str = "http://h/";
const CONNECTIONS: &str = "adit_http2_connection_errors_total";
const CALM_DOWN: u32 = 11;
const PROTOCOL_ERROR: u32 = 1;
const COMPRESSION_ERROR: u32 = 9;

/// A gateway, and a client of it that behaves.
struct Bystander {
    world: World,
    other: Http2,
}

impl Bystander {
    async fn of(world: World) -> Result<Self> {
        let other = Http2::open(world.adit.address()?).await?;
        assert_eq!(other.get(URL).await?.status, 200);
        Ok(Self { world, other })
    }

    async fn new() -> Result<Self> {
        Self::of(World::new().await?).await
    }

    /// Beside a gateway that does not wait long for a client to begin.
    async fn impatient() -> Result<Self> {
        Self::of(World::with(&[], json!({"client-header-timeout": "2"})).await?).await
    }

    /// An attacker's connection that has begun as it should.
    async fn begun(&self) -> Result<Connection> {
        let mut connection = self.world.connect(Door::Http).await?;
        connection.send(beginning()).await?;
        Ok(connection)
    }

    /// The client that behaves is still served, on its connection and on a new one; and the abuse was counted so.
    async fn unharmed(self, metric: &str, reason: &str) -> Result<()> {
        assert_eq!(self.other.get(URL).await?.status, 200);
        let response = self.world.get(&mut self.world.connect(Door::Http).await?).await?;
        assert_eq!(response.status, 200);
        self.world.counts(metric, reason).await
    }
}

fn request(stream: u32, method: &str, host: &str) -> Vec<u8> {
    frame(Kind::Headers, END_HEADERS | END_STREAM, stream, &head(method, host))
}

#[tokio::test]
async fn attack_40_pings_settings_and_priorities_without_end() -> Result<()> {
    let bystander = Bystander::new().await?;
    let priority = frame(Kind::Priority, 0, 1, &[0, 0, 0, 0, 16]);
    for bytes in [frame(Kind::Ping, 0, 0, &[0; 8]), frame(Kind::Settings, 0, 0, &[]), priority] {
        let code = flood(&mut bystander.begun().await?, &bytes.repeat(4096)).await?;
        assert_eq!(code, CALM_DOWN);
    }
    bystander.unharmed(CONNECTIONS, "flood").await
}

#[tokio::test]
async fn attack_40_a_head_without_end() -> Result<()> {
    let bystander = Bystander::new().await?;
    let header = |name: u8| [&[0, 1, name, 126][..], &[b'x'; 126]].concat();
    for (payload, codes) in [(vec![], &[CALM_DOWN][..]), (header(b'a').repeat(100), &[CALM_DOWN, COMPRESSION_ERROR])] {
        let mut connection = bystander.begun().await?;
        connection.send(frame(Kind::Headers, END_STREAM, 1, &head("GET", "h"))).await?;
        let code = flood(&mut connection, &frame(Kind::Continuation, 0, 1, &payload)).await?;
        assert!(codes.contains(&code), "{code}");
    }
    bystander.unharmed(CONNECTIONS, "enhance-your-calm").await
}

#[tokio::test]
async fn attack_40_a_body_of_empty_frames() -> Result<()> {
    let bystander = Bystander::new().await?;
    let mut connection = bystander.begun().await?;
    connection.send(frame(Kind::Headers, END_HEADERS, 1, &head("POST", "h"))).await?;
    let code = flood(&mut connection, &frame(Kind::Data, 0, 1, &[]).repeat(4096)).await?;
    assert_eq!(code, CALM_DOWN);
    bystander.unharmed(CONNECTIONS, "enhance-your-calm").await
}

#[tokio::test]
async fn attack_40_requests_that_are_given_up_at_once() -> Result<()> {
    const CANCEL: [u8; 4] = [0, 0, 0, 8];
    let bystander = Bystander::new().await?;
    let mut connection = bystander.begun().await?;
    let stream = |stream| [request(stream, "GET", "h"), frame(Kind::RstStream, 0, stream, &CANCEL)].concat();
    let streams: Vec<u8> = (0..1000).flat_map(|number| stream(2 * number + 1)).collect();
    // It may be told before it has sent all.
    let _ = connection.send(streams).await;
    assert_eq!(go_away(&mut connection).await?, CALM_DOWN);
    bystander.unharmed(CONNECTIONS, "enhance-your-calm").await
}

#[tokio::test]
async fn attack_40_requests_that_we_are_made_to_reset() -> Result<()> {
    let bystander = Bystander::new().await?;
    let too_much = |stream| frame(Kind::WindowUpdate, 0, stream, &0x7fff_ffff_u32.to_be_bytes());
    let depends_on_itself =
        |stream: u32| frame(Kind::Priority, 0, stream, &[&stream.to_be_bytes()[..], &[16]].concat());
    for fault in [&too_much as &dyn Fn(u32) -> Vec<u8>, &depends_on_itself] {
        let mut connection = bystander.begun().await?;
        let stream = |stream| [request(stream, "GET", "h"), fault(stream)].concat();
        let streams: Vec<u8> = (0..4000).flat_map(|number| stream(2 * number + 1)).collect();
        let code = flood(&mut connection, &streams).await?;
        assert_eq!(code, CALM_DOWN);
    }
    bystander.unharmed(CONNECTIONS, "enhance-your-calm").await
}

#[tokio::test]
async fn attack_40_requests_that_are_given_up_once_a_backend_has_them() -> Result<()> {
    let arrived = Arc::new(Notify::new());
    let tell = arrived.clone();
    let backend = recorded(move |_, mut connection| {
        let tell = tell.clone();
        async move {
            while let Some(head) = connection.request().await? {
                match &*head.target {
                    "/" => connection.send(OK).await?,
                    _ => tell.notify_one(),
                }
            }
            Ok(())
        }
    });
    let world = World::before(backend.await?, &[], json!({})).await?;
    let bystander = Bystander::of(world).await?;
    let connection = Http2::open(bystander.world.adit.address()?).await?;
    for _ in 0..=200 {
        let stream = connection.start(http::Request::get("http://h/never").body(())?, true).await?;
        arrived.notified().await;
        stream.reset();
    }
    assert_eq!(connection.ended_by_server().await?, Some(Reason::ENHANCE_YOUR_CALM));
    bystander.unharmed(CONNECTIONS, "rapid-reset").await
}

#[tokio::test]
async fn attack_40_requests_that_are_refused() -> Result<()> {
    let bystander = Bystander::new().await?;
    let mut connection = bystander.begun().await?;
    // Of two kinds, which count together.
    for (number, (method, host)) in [("GET", "u@h"), ("TRACE", "h")].into_iter().cycle().take(32).enumerate() {
        let stream = 2 * u32::try_from(number)? + 1;
        connection.send(request(stream, method, host)).await?;
    }
    assert_eq!(go_away(&mut connection).await?, PROTOCOL_ERROR);
    for reason in ["bad-host", "method-not-allowed"] {
        bystander.world.counts("adit_refused_heads_total", reason).await?;
    }
    bystander.unharmed(CONNECTIONS, "malformed-requests").await
}

#[tokio::test]
async fn attack_40_half_a_preface() -> Result<()> {
    let bystander = Bystander::impatient().await?;
    for length in [16, 20, PREFACE.len() - 1] {
        let mut connection = bystander.world.adit.connect().await?;
        connection.send(&PREFACE[..length]).await?;
        assert_eq!(next(&mut connection).await?.kind, Kind::Settings as u8);
        assert!(connection.is_closed().await, "{length}");
    }
    bystander.unharmed(CONNECTIONS, "preface-timeout").await
}

#[tokio::test]
async fn attack_40_less_than_a_line_of_a_preface_is_a_head_that_does_not_end() -> Result<()> {
    let bystander = Bystander::impatient().await?;
    let mut connection = bystander.world.adit.connect().await?;
    connection.send(&PREFACE[..10]).await?;
    assert_eq!(connection.response("GET").await?.status, 408);
    bystander.unharmed("adit_refused_heads_total", "header-timeout").await
}

#[tokio::test]
async fn attack_40_a_preface_byte_by_byte() -> Result<()> {
    let bystander = Bystander::new().await?;
    let mut connection = bystander.world.adit.connect().await?;
    for byte in beginning() {
        connection.send([byte]).await?;
        tokio::task::yield_now().await;
    }
    connection.send(request(1, "GET", "h")).await?;
    while next(&mut connection).await?.kind != Kind::Data as u8 {}
    Ok(())
}

#[tokio::test]
async fn attack_40_what_is_no_preface() -> Result<()> {
    let bystander = Bystander::new().await?;
    let mut connection = bystander.world.adit.connect().await?;
    connection.send("SOME OTHER PROTOCOL\r\n\r\n").await?;
    assert!(connection.is_closed().await);
    let mut connection = bystander.world.adit.connect().await?;
    connection.send("PRI * HTTP/2.0\r\n\r\n").await?;
    assert_eq!(next(&mut connection).await?.kind, Kind::Settings as u8);
    connection.send("XX\r\n\r\n").await?;
    assert!(connection.is_closed().await);
    bystander.unharmed(CONNECTIONS, "invalid-preface").await
}

#[tokio::test]
async fn attack_40_a_preface_and_nothing_more() -> Result<()> {
    let bystander = Bystander::impatient().await?;
    let mut connection = bystander.world.adit.connect().await?;
    connection.send(PREFACE).await?;
    assert_eq!(go_away(&mut connection).await?, 0);
    // It is not waited for forever that it acknowledges that.
    while let Ok(frame) = next(&mut connection).await {
        assert_ne!(frame.kind, Kind::Headers as u8);
    }
    Ok(())
}
