use super::inquiry::{Inquiry, InvalidResponse};
use crate::config::Origin;
use arc_swap::ArcSwap;
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Mutex, mpsc};

/// Certificates that may wait, above all those of a start. Beyond it, the next handshake asks again.
const LONGEST_QUEUE: usize = 1024;
/// How long a response is sent at most, as in ingress-nginx.
const LONGEST_USE: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// How long it takes at least until one is fetched again.
const SHORTEST_USE: Duration = Duration::from_secs(60);
/// How long to wait after the first failure. After each further one, it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// A certificate with its key, as handshakes present it.
pub struct ServedKey {
    bare: Arc<CertifiedKey>,
    /// Made when it is first wanted. `None` if nobody can be asked about it.
    staple: OnceLock<Option<Staple>>,
    origin: Origin,
}

struct Staple {
    inquiry: Inquiry,
    /// It waits for a response, or to ask for one.
    is_asked: AtomicBool,
    state: ArcSwap<State>,
}

/// What was heard of the responder.
struct State {
    response: Option<Arc<Response>>,
    /// When a handshake has the next one fetched.
    due: Instant,
    /// Since the last success.
    failures: u32,
}

struct Response {
    key: Arc<CertifiedKey>,
    until: SystemTime,
}

impl ServedKey {
    pub(in crate::tls) fn new(key: CertifiedKey, origin: Origin) -> Self {
        Self { bare: Arc::new(key), staple: OnceLock::new(), origin }
    }

    /// Without a response.
    pub(in crate::tls) fn bare(&self) -> &Arc<CertifiedKey> {
        &self.bare
    }

    /// The Secret.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What is asked about it; `None` if nobody can be asked.
    pub fn inquiry(&self) -> Option<&Inquiry> {
        Some(&self.staple()?.inquiry)
    }

    fn staple(&self) -> Option<&Staple> {
        self.staple.get_or_init(|| Inquiry::about(&self.bare.cert).map(Staple::new)).as_ref()
    }

    /// With the response that is there, if any. Has one fetched if that is due.
    pub(in crate::tls) fn stapled(self: &Arc<Self>, queue: &StapleQueue) -> Arc<CertifiedKey> {
        let Some(staple) = self.staple() else { return Arc::clone(&self.bare) };
        let state = staple.state.load();
        if state.due <= Instant::now() && !staple.is_asked.swap(true, Ordering::Relaxed) && !queue.push(self) {
            staple.is_asked.store(false, Ordering::Relaxed);
        }
        let response = state.response.as_ref().filter(|response| response.until > SystemTime::now());
        Arc::clone(response.map_or(&self.bare, |response| &response.key))
    }

    /// Takes what a responder has answered. Handshakes send it from now on, if it says that the certificate is good.
    ///
    /// # Errors
    /// It does not, or is not to be believed.
    pub fn answered(&self, response: Vec<u8>) -> Result<(), InvalidResponse> {
        let Some(staple) = self.staple() else { return Ok(()) };
        let now = SystemTime::now();
        let until = staple.inquiry.check(&response, now)?;
        let until = until.unwrap_or(now + LONGEST_USE).min(now + LONGEST_USE);
        let left = until.duration_since(now).unwrap_or_default();
        let key = Arc::new(CertifiedKey { ocsp: Some(response), ..CertifiedKey::clone(&self.bare) });
        let due = Instant::now() + (left / 2).max(SHORTEST_USE);
        staple.settle(State { response: Some(Arc::new(Response { key, until })), due, failures: 0 });
        Ok(())
    }

    /// Nothing of use was answered: the next try waits. The response that is there stays, unless the certificate is known not
    /// to be good. Returns how often this has happened since the last success.
    pub fn failed(&self, is_good: bool) -> u32 {
        let Some(staple) = self.staple() else { return 0 };
        let former = staple.state.load();
        let pause = FIRST_PAUSE.saturating_mul(1 << former.failures.min(16)).min(LONGEST_PAUSE);
        let failures = former.failures.saturating_add(1);
        let response = former.response.clone().filter(|_| is_good);
        staple.settle(State { response, due: Instant::now() + pause, failures });
        failures
    }
}

impl Staple {
    fn new(inquiry: Inquiry) -> Self {
        let state = State { response: None, due: Instant::now(), failures: 0 };
        Self { inquiry, is_asked: AtomicBool::default(), state: ArcSwap::from_pointee(state) }
    }

    fn settle(&self, state: State) {
        self.state.store(Arc::new(state));
        self.is_asked.store(false, Ordering::Relaxed);
    }
}

impl fmt::Debug for ServedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedKey").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// The certificates whose responses are to be fetched.
#[derive(Debug)]
pub struct StapleQueue {
    sender: mpsc::Sender<Weak<ServedKey>>,
    /// Locked by the one that fetches.
    receiver: Mutex<mpsc::Receiver<Weak<ServedKey>>>,
}

impl Default for StapleQueue {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(LONGEST_QUEUE);
        Self { sender, receiver: Mutex::new(receiver) }
    }
}

impl StapleQueue {
    /// The next certificate that is still in use. Waits for it.
    pub async fn next(&self) -> Arc<ServedKey> {
        let mut receiver = self.receiver.lock().await;
        loop {
            match receiver.recv().await {
                Some(key) => {
                    if let Some(key) = key.upgrade() {
                        return key;
                    }
                }
                // There is a sender for as long as there is `self`.
                None => std::future::pending().await,
            }
        }
    }

    /// Adds a certificate. Never waits. Whether there was room.
    fn push(&self, key: &Arc<ServedKey>) -> bool {
        self.sender.try_send(Arc::downgrade(key)).is_ok()
    }
}
