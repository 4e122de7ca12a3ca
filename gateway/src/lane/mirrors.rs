//! Copies of requests, which are sent to mirrors beside the requests themselves. What a mirror responds is thrown away.

use super::{http1, http2};
use crate::exchange::{Context, EndpointProtocol, MirrorRequest};

/// Sends the copies of a worker, over connections of their own that are kept.
#[derive(Clone, Debug)]
pub(super) struct Mirrors {
    http1: http1::Mirrors,
    http2: http2::Mirrors,
}

impl Mirrors {
    /// With pools that have the size of the current settings.
    pub(super) fn new(context: &Context) -> Self {
        Self { http1: http1::Mirrors::new(context), http2: http2::Mirrors::new(context) }
    }

    /// Sends a copy, in a task that nobody waits for: it ends with its worker, at the latest.
    pub(super) fn send(&self, copy: MirrorRequest) {
        tokio::spawn(self.clone().try_endpoints(copy));
    }

    async fn try_endpoints(self, mut copy: MirrorRequest) {
        while let Some(mirror) = copy.next_endpoint() {
            let attempted = match mirror.protocol {
                EndpointProtocol::Http2 => self.http2.attempt(&mut copy, &mirror).await,
                _ => self.http1.attempt(&mut copy, &mirror).await,
            };
            match attempted {
                Ok(()) => return,
                Err(failure) => copy.failed(failure),
            }
        }
    }
}
