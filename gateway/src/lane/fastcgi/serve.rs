//! Serves a request: tries endpoints until one has responded.

use super::attempt::Attempt;
use crate::exchange::{Destination, EndpointProtocol, Step};
use crate::lane::client::ClientRequest;
use crate::lane::endpoint::{EndpointConnection, Interrupted, Upload, Uploads};
use bytes::BytesMut;
use pingora_core::protocols::Stream;

/// What a worker needs to speak with programs.
pub(in crate::lane) struct FastCgiLane {
    uploads: Uploads,
}

/// What has become of a request.
pub(in crate::lane) enum Served {
    /// It has been answered, or given up. Its connection may serve another request, if it is here, with what has been read of
    /// that.
    Finished(Option<(Stream, BytesMut)>),
    /// An endpoint is to be tried that does not speak FastCGI.
    Elsewhere(Box<ClientRequest>, Destination),
    /// An error of it is answered elsewhere: its next step is to be asked for.
    Turned(Box<ClientRequest>),
}

impl FastCgiLane {
    pub(in crate::lane) fn new(uploads: Uploads) -> Self {
        Self { uploads }
    }

    /// Serves a request whose next step is to try this endpoint.
    pub(in crate::lane) async fn serve(&self, mut request: Box<ClientRequest>, first: Destination) -> Served {
        let (mut destination, mut upload) = (first, None);
        let mut failed = self.read_upload(&mut request, &mut upload).await.err();
        loop {
            let attempted = match failed.take() {
                Some(interrupted) => Err(interrupted),
                None => request.attempt_fastcgi(&destination, &mut upload).await,
            };
            match attempted {
                Ok(()) => return Served::Finished(request.finish(true).await),
                Err(Interrupted::Settled) => {}
                Err(Interrupted::Failed(failure)) => request.exchange.failed(failure),
            }
            match request.exchange.next_step() {
                Step::Attempt(next) if next.protocol == EndpointProtocol::FastCgi => destination = next,
                Step::Attempt(next) => return Served::Elsewhere(request, next),
                Step::ErrorPage => return Served::Turned(request),
                Step::Reply(reply) => {
                    Box::pin(request.fail(&reply)).await;
                    return Served::Finished(None);
                }
                Step::Abandon | Step::Close | Step::Verify(_) | Step::Ask(_) | Step::Inspect => {
                    return Served::Finished(request.finish(false).await);
                }
            }
        }
    }

    async fn read_upload(
        &self,
        request: &mut ClientRequest,
        upload: &mut Option<Box<Upload>>,
    ) -> Result<(), Interrupted> {
        request.invite_body().await?;
        *upload = self.uploads.hold(request).await?;
        Ok(())
    }
}

impl ClientRequest {
    /// Tries an endpoint. It gets a body that was held back: no other is tried once it is connected.
    async fn attempt_fastcgi(
        &mut self,
        destination: &Destination,
        upload: &mut Option<Box<Upload>>,
    ) -> Result<(), Interrupted> {
        let endpoint = self.session.or_gone(Box::pin(EndpointConnection::connect(destination))).await??;
        self.exchange.connected(false);
        Attempt::new(self, endpoint, upload.take(), destination)?.run().await
    }
}
