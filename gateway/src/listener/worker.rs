//! A worker: one thread, one runtime, and everything that its connections need.

use super::handshake::{HandshakeLimits, Handshakes};
use crate::lane::Lanes;
use crate::worker;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

/// What a client's connection of HTTP needs of its worker. Derefs to what all connections share.
pub(super) struct Worker {
    pub(super) shared: Arc<worker::Worker>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) handshakes: Handshakes,
}

impl Worker {
    /// # Errors
    /// If its lane cannot be made.
    pub(super) fn new(shared: worker::Worker, handshakes: HandshakeLimits) -> io::Result<Self> {
        let lanes = Arc::new(Lanes::new(shared.context.clone()));
        Ok(Self { shared: Arc::new(shared), lanes, handshakes: Handshakes::new(handshakes) })
    }
}

impl Deref for Worker {
    type Target = worker::Worker;

    fn deref(&self) -> &worker::Worker {
        &self.shared
    }
}
