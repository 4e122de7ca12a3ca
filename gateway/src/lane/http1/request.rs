//! What attempts need of a client's request.

use super::RequestHead;
use crate::lane::client::ClientRequest;
use crate::request::upgrade;
use http::header;

impl ClientRequest {
    /// The head for an endpoint, as the client sent it. `None` if it is not valid.
    pub(super) fn request_head(&self) -> Option<RequestHead> {
        match &self.head.text {
            Some(text) => RequestHead::parse(text),
            None => Some(RequestHead::new(&self.head.method, self.head.view().target, &self.head.headers)),
        }
    }

    /// The protocols that the client asks for, as `Upgrade` lists them.
    pub(super) fn requested_protocols(&self) -> String {
        if !self.exchange.arrival().head.upgrade {
            return String::new();
        }
        let values = self.head.headers.get_all(header::UPGRADE).iter();
        values.flat_map(|value| upgrade::protocols(value.as_bytes())).collect::<Vec<_>>().join(", ")
    }
}
