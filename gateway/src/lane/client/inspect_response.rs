//! Shows responses to the web application firewall. Where that blocks, the client gets nothing of a response before it has
//! passed; where it only detects, the client gets it as it comes, and the firewall sees a copy.

use super::inspected::InspectedResponse;
use super::{ClientRequest, Inspections};
use crate::connection::BodyFraming;
use crate::exchange::{Failure, ResponseInspection};
use crate::lane::head::ResponseHead;
use bytes::Bytes;

impl ClientRequest {
    /// Begins the inspection of a response.
    pub(super) async fn inspect_head(
        &mut self,
        inspections: Inspections,
        inspection: ResponseInspection,
        head: ResponseHead,
        body: BodyFraming,
    ) -> Result<(), Failure> {
        let (is_held, has_body) = (inspection.blocks, body != BodyFraming::None && inspection.limit > 0);
        let mut inspected = Box::new(InspectedResponse::new(inspections, inspection));
        match is_held {
            true => inspected.head = Some((head, body)),
            false => self.pass_head(head, body).await?,
        }
        self.inspected = Some(inspected);
        if has_body { Ok(()) } else { self.end_inspection().await }
    }

    /// A piece of a response that is being inspected.
    pub(super) async fn inspect_piece(&mut self, piece: Bytes, is_last: bool) -> Result<(), Failure> {
        let Some(inspected) = &mut self.inspected else { return self.pass_piece(piece, is_last).await };
        if !inspected.take(&piece) {
            self.exchange.response_inspected(None)?;
            self.inspected = None; // the rules only detect, and the client has got all until now
            return self.pass_piece(piece, is_last).await;
        }
        let (is_held, ends) = (inspected.head.is_some(), is_last || inspected.is_full());
        if inspected.is_too_large() {
            self.exchange.response_too_large()?;
        }
        if !is_held {
            self.pass_piece(piece, is_last).await?;
        }
        if ends {
            self.end_inspection().await?;
        }
        if is_held && is_last { self.pass_piece(Bytes::new(), true).await } else { Ok(()) }
    }

    /// Shows the response to the firewall as far as it has come, and passes on what was held back of it.
    pub(super) async fn end_inspection(&mut self) -> Result<(), Failure> {
        let Some(inspected) = self.inspected.take() else { return Ok(()) };
        let InspectedResponse { inspections, inspection, head, pieces, .. } = *inspected;
        let body = pieces.clone();
        let verdict = inspections.run(&mut self.session, move || inspection.run(&body)).await?;
        self.exchange.response_inspected(verdict)?;
        let Some((head, framing)) = head else { return Ok(()) };
        self.pass_head(head, framing).await?;
        for piece in pieces {
            self.pass_piece(piece, false).await?;
        }
        Ok(())
    }
}
