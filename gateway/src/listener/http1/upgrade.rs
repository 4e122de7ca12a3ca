//! Requests that ask for an upgrade: a lane of their own serves them.

use crate::connection::{Arrival, Deadline};
use crate::lane::upgrade::{self, Outcome};
use crate::listener::worker::Worker;
use bytes::BytesMut;
use pingora_core::protocols::Stream;

/// Serves a request that asks for an upgrade, and the tunnel that comes of it. `next` is what the client has sent behind
/// its head. Returns the connection if it may serve another request.
pub(super) async fn serve(
    stream: Stream,
    head: BytesMut,
    arrival: Box<Arrival>,
    next: &mut BytesMut,
    deadline: &Deadline,
    worker: &Worker,
) -> Option<Stream> {
    // A tunnel keeps no room for how it came about.
    let outcome = Box::pin(upgrade::serve(&worker.context, worker.lane.subrequests(), stream, head, arrival)).await;
    match outcome {
        Outcome::Answered(stream) => Some(stream),
        Outcome::Ordinary(stream, head, arrival) => worker.lane.request(stream, head, arrival).await,
        Outcome::Upgraded(tunnel) => {
            tunnel.carry(std::mem::take(next), deadline).await;
            None
        }
        Outcome::Ended => None,
    }
}
