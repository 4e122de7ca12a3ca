//! What happens, told as it does: server-sent events.

use bytes::Bytes;
use http::request::Parts;
use http_body_util::channel::{Channel, Sender};
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, interval};

/// The type of the answer.
pub(super) const EVENT_STREAM: &str = "text/event-stream";
/// How many may follow at once. More are refused.
const PLACES: usize = 4;
/// How often those who follow are told.
const PERIOD: Duration = Duration::from_millis(500);
/// How long one answer goes on: a little less than a connection may. Browsers ask again where it ended.
const TIME: Duration = Duration::from_secs(50);

/// What has happened after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// The number of the last that is known.
    pub last: u64,
    /// A line for each, oldest first, without line feeds.
    pub lines: Vec<String>,
}

/// What has happened after the event of this number. Returns at once.
pub type Follow = dyn Fn(u64) -> Events + Send + Sync;

/// A source of events, and places for those who follow it.
#[derive(Clone)]
pub struct Following {
    source: Arc<Follow>,
    places: Arc<Semaphore>,
}

impl Following {
    /// Events of this source.
    pub fn new(source: impl Fn(u64) -> Events + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(source), places: Arc::new(Semaphore::new(PLACES)) }
    }

    /// An answer that tells what happens after an event; nothing while all places are taken.
    pub(super) fn follow(&self, after: u64) -> Option<Channel<Bytes>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let (sender, answer) = Channel::new(1);
        tokio::spawn(tell(Arc::clone(&self.source), sender, after, place));
        Some(answer)
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("places", &self.places).finish_non_exhaustive()
    }
}

/// Ends with the time, or with whoever follows.
async fn tell(source: Arc<Follow>, mut sender: Sender<Bytes>, mut after: u64, _place: OwnedSemaphorePermit) {
    let (end, mut ticks) = (Instant::now() + TIME, interval(PERIOD));
    while ticks.tick().await < end {
        let events = source(after);
        after = events.last;
        if sender.send_data(encode(&events).into()).await.is_err() {
            return;
        }
    }
}

/// One event with all lines, the newest first, as the page has them; a comment where there is none, which finds out whether
/// anybody is there still.
fn encode(Events { last, lines }: &Events) -> String {
    let mut text = String::new();
    if lines.is_empty() {
        text.push_str(":\n\n");
        return text;
    }
    let _ = writeln!(text, "id: {last}");
    for line in lines.iter().rev() {
        let _ = writeln!(text, "data: {line}");
    }
    text.push('\n');
    text
}

/// After which event a browser wants to go on: what it has seen, or else what the page that it has loaded has.
pub(super) fn after(request: &Parts) -> u64 {
    let seen = request.headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let query = request.uri.query().unwrap_or_default();
    let loaded = || {
        let mut parameters = form_urlencoded::parse(query.as_bytes());
        parameters.find(|(name, _)| name == "after").map(|(_, number)| number.into_owned())
    };
    seen.or_else(loaded).and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn the_newest_line_comes_first() {
        let events = Events { last: 7, lines: vec!["six".to_owned(), "seven".to_owned()] };
        assert_eq!(encode(&events), "id: 7\ndata: seven\ndata: six\n\n");
        assert_eq!(encode(&Events { last: 7, lines: Vec::new() }), ":\n\n");
    }

    #[test]
    fn what_was_seen_counts_more_than_what_was_loaded() {
        let request = |target: &str| Request::get(target).body(()).expect("a request").into_parts().0;
        assert_eq!(after(&request("/x?after=7")), 7);
        assert_eq!(after(&request("/x?after=many")), 0);
        let mut seen = request("/x?after=7");
        seen.headers.insert("last-event-id", "9".parse().expect("a number"));
        assert_eq!(after(&seen), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_bounded_and_come_back() {
        let following = Following::new(|last| Events { last, lines: Vec::new() });
        let taken: Vec<_> = (0..PLACES).map(|_| following.follow(0).expect("a place")).collect();
        assert!(following.follow(0).is_none());
        drop(taken);
        let place = following.places.acquire().await;
        assert!(place.is_ok());
    }
}
