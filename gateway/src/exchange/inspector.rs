//! A request before the web application firewall, and what shows it to the rules.

use crate::policy::waf::{Refusal, Transaction};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// A request before the firewall.
#[derive(Debug)]
pub(super) struct Inspection {
    pub(super) transaction: Arc<Mutex<Transaction>>,
    /// How many bytes of the body the rules look at.
    pub(super) limit: usize,
    /// Whether a longer one is refused.
    pub(super) rejects: bool,
    /// What has been read of the body until now.
    body: BytesMut,
    /// All that has been read of it.
    pub(super) held: Bytes,
    /// Counts those bytes.
    room: Option<OwnedSemaphorePermit>,
    /// The rules have let the request pass.
    pub(super) passed: bool,
}

impl Inspection {
    pub(super) fn new(transaction: Arc<Mutex<Transaction>>, limit: usize, rejects: bool) -> Self {
        Self { transaction, limit, rejects, body: BytesMut::new(), held: Bytes::new(), room: None, passed: false }
    }

    /// Shows it to the rules.
    pub(super) fn inspector(&self) -> Inspector {
        Inspector(Arc::clone(&self.transaction))
    }

    /// Keeps a piece of the body, with the room that it takes. Returns whether it is now longer than what the rules look at.
    pub(super) fn hold(&mut self, piece: &[u8], room: OwnedSemaphorePermit) -> bool {
        self.body.extend_from_slice(piece);
        match &mut self.room {
            Some(held) => held.merge(room),
            held @ None => *held = Some(room),
        }
        self.body.len() > self.limit
    }

    /// Gives away all that has been read of the body.
    pub(super) fn release(&mut self) -> Bytes {
        self.room = None;
        std::mem::take(&mut self.held)
    }

    /// Ends holding the body. Returns it as far as the rules look at it.
    pub(super) fn held(&mut self) -> Bytes {
        self.held = std::mem::take(&mut self.body).freeze();
        self.held.slice(..self.held.len().min(self.limit))
    }
}

/// Shows a request, and its response, to the rules. Its methods take up to some 100 ms: they are for a thread that may block.
#[derive(Clone, Debug)]
pub struct Inspector(Arc<Mutex<Transaction>>);

impl Inspector {
    /// The head.
    ///
    /// # Errors
    /// The rules refuse the request.
    pub fn head(&self) -> Result<(), Refusal> {
        self.0.lock().head()
    }

    /// The body, after the head.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn body(&self, body: &[u8]) -> Result<(), Refusal> {
        self.0.lock().body(body)
    }

    /// A response, with its body as far as it is inspected.
    ///
    /// # Errors
    /// The rules refuse it.
    pub(super) fn response(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
        let mut transaction = self.0.lock();
        transaction.response_head(status, headers)?;
        transaction.response_body(body)
    }

    /// A request whose body is not inspected, or that has none.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn without_body(&self) -> Result<(), Refusal> {
        self.head().and_then(|()| self.body(b""))
    }
}
