//! Answers of backends that are not what HTTP allows.

mod bodies;
mod heads;
mod upgrades;

use super::world::{DOORS, OK, World};
use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use tests::client::Response;
use tests::connection::PATIENCE;
use tests::http2::Http2;
use tests::recorder::recorded;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// A backend that answers `/bad` as it is told, and everything else [`OK`].
struct Backend {
    world: World,
    answer: Arc<Mutex<String>>,
    /// What follows the answer once it is taken; nothing where it is empty.
    rest: Arc<Mutex<String>>,
    taken: Arc<Notify>,
    /// For each answer to `/bad`, whether its connection has then ended without another request.
    left: UnboundedReceiver<bool>,
}

/// What a client made of an answer; `None` if it was cut.
type Got = Option<Response>;

impl Backend {
    async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    async fn start_with(annotations: &[(&str, &str)]) -> Result<Self> {
        let (answer, rest) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let taken = Arc::new(Notify::new());
        let (leave, left) = unbounded_channel();
        let of_backend = (answer.clone(), rest.clone(), taken.clone());
        let backend = recorded(move |_, mut connection| {
            let ((bad, rest, taken), leave) = (of_backend.clone(), leave.clone());
            async move {
                while let Some(head) = connection.request().await? {
                    connection.request_body(&head).await?;
                    if head.target != "/bad" {
                        connection.send(OK).await?;
                        continue;
                    }
                    let answer = bad.lock().clone();
                    let _ = connection.send(answer).await; // of one that is too long, only a part is read
                    let rest = rest.lock().clone();
                    if !rest.is_empty() {
                        taken.notified().await;
                        connection.send(rest).await?;
                    }
                    leave.send(connection.is_closed().await)?;
                    return Ok(());
                }
                Ok(())
            }
        });
        // A connection that is kept stays for longer than a test waits for its end.
        let config = json!({"upstream-keepalive-timeout": (2 * PATIENCE.as_secs()).to_string()});
        let world = World::before(backend.await?, annotations, config).await?;
        Ok(Self { world, answer, rest, taken, left })
    }

    /// What clients get of this answer: at each door, and over HTTP/2. The backend's connection is not used again, the
    /// request is logged and counted with the status, and others are served.
    async fn answers(&mut self, answer: &str, method: &str, status: u16) -> Result<Vec<Got>> {
        *self.answer.lock() = answer.to_owned();
        let mut all = Vec::new();
        for door in DOORS {
            let counted = self.counted(status).await?;
            let mut connection = self.world.connect(door).await?;
            connection.send(format!("{method} /bad HTTP/1.1\r\nHost: h\r\n\r\n")).await?;
            let got = connection.final_response(method).await.ok();
            self.ended(status, counted).await.with_context(|| format!("{answer:.80?} at {door:?}"))?;
            all.push(got);
        }
        let counted = self.counted(status).await?;
        let connection = Http2::open(self.world.adit.address()?).await?;
        let request = http::Request::builder().method(method).uri("http://h/bad").body(())?;
        let got = connection.send(request).await.ok();
        self.ended(status, counted).await.with_context(|| format!("{answer:.80?} over HTTP/2"))?;
        all.push(got);
        self.world.serves_others().await?;
        Ok(all)
    }

    /// How many requests have been counted with this status.
    async fn counted(&self, status: u16) -> Result<u64> {
        self.world.counter("nginx_ingress_controller_requests", &format!("status=\"{status}\"")).await
    }

    /// How many answers have been counted that were none.
    async fn broken(&self) -> Result<u64> {
        self.world.counter("adit_replies_total", "reason=\"upstream-failed\"").await
    }

    /// A request has ended like this; `counted` had been before.
    async fn ended(&mut self, status: u16, counted: u64) -> Result<()> {
        self.leaves(status).await?;
        ensure!(self.counted(status).await? == counted + 1, "it is not counted");
        Ok(())
    }

    async fn leaves(&mut self, status: u16) -> Result<()> {
        self.world.logs(status).await?;
        let left = timeout(PATIENCE, self.left.recv()).await.context("the connection stays")?;
        ensure!(left == Some(true), "the connection is used again");
        Ok(())
    }

    /// This answer is refused, and counted as one that is none.
    async fn refused(&mut self, answer: &str) -> Result<()> {
        let broken = self.broken().await?;
        let all = self.answers(answer, "GET", 502).await?;
        assert_eq!(self.broken().await?, broken + all.len() as u64, "{answer:.80?} is not counted");
        for got in all {
            let got = got.with_context(|| format!("{answer:.80?} is cut"))?;
            assert_eq!(got.status, 502, "{answer:.80?}");
        }
        Ok(())
    }

    /// Clients get an answer with this body, and no more of the backend's.
    async fn ends(&mut self, answer: &str, method: &str, status: u16, body: &str) -> Result<()> {
        for got in self.answers(answer, method, status).await? {
            let got = got.with_context(|| format!("{answer:.80?} is cut"))?;
            assert_eq!((got.status, &*got.body), (status, body.as_bytes()), "{answer:.80?} to {method}");
        }
        Ok(())
    }

    /// Clients get what comes first, and see that there is not all of the body: the rest is none. It is counted as that.
    async fn cut(&mut self, answer: &str, rest: &str) -> Result<()> {
        (*self.answer.lock(), *self.rest.lock()) = (answer.to_owned(), rest.to_owned());
        let broken = self.broken().await?;
        for door in DOORS {
            let mut connection = self.world.connect(door).await?;
            connection.send("GET /bad HTTP/1.1\r\nHost: h\r\n\r\n").await?;
            assert_eq!(connection.response_head().await?.status, 200, "{answer:.80?} at {door:?}");
            self.taken.notify_one();
            let mut body = Vec::new();
            while let Ok(byte) = connection.bytes(1).await {
                body.extend(byte);
            }
            assert!(!body.ends_with(b"0\r\n\r\n"), "{rest:?} ends as if it were whole at {door:?}");
            self.leaves(200).await.with_context(|| format!("{rest:?} at {door:?}"))?;
        }
        let connection = Http2::open(self.world.adit.address()?).await?;
        let mut stream = connection.start(http::Request::get("http://h/bad").body(())?, true).await?;
        assert_eq!(stream.begun().await?, 200, "{answer:.80?} over HTTP/2");
        self.taken.notify_one();
        let got = stream.response().await;
        assert!(got.is_err(), "{rest:?} over HTTP/2: {got:?}");
        self.leaves(200).await.with_context(|| format!("{rest:?} over HTTP/2"))?;
        assert_eq!(self.broken().await?, broken + 3, "{rest:?} is not counted");
        self.rest.lock().clear();
        self.world.serves_others().await
    }
}

fn ok(lines: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n{body}")
}
