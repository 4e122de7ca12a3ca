//! Requests that Pingora's proxy cannot carry: the upgrade lane serves them.

use crate::connection::{Arrival, Deadline};
use crate::lane::upgrade::{self, UpgradeOutcome};
use crate::listener::worker::Worker;
use bytes::BytesMut;
use pingora_core::protocols::Stream;

/// Serves such a request, and the tunnel if it is upgraded. `next` is what the client has sent behind
/// its head. Returns the connection if it may serve another request.
pub(super) async fn serve(
    stream: Stream,
    head: BytesMut,
    arrival: Box<Arrival>,
    next: &mut BytesMut,
    deadline: &Deadline,
    worker: &Worker,
) -> Option<Stream> {
    // Boxed, so that the future of a tunnel does not reserve memory for the request that opened it.
    let outcome = Box::pin(upgrade::serve(&worker.context, worker.lane.access(), stream, head, arrival)).await;
    match outcome {
        UpgradeOutcome::Answered(stream) => Some(stream),
        UpgradeOutcome::NotUpgradable(stream, head, arrival) => worker.lane.request(stream, head, arrival).await,
        UpgradeOutcome::Upgraded(tunnel) => {
            tunnel.carry(std::mem::take(next), deadline).await;
            None
        }
        UpgradeOutcome::Ended => None,
    }
}
