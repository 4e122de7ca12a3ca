//! What attempts need of a client's request.

use super::RequestHead;
use crate::headers::Fields;
use crate::lane::client::ClientRequest;
use crate::request::upgrade;

impl ClientRequest {
    /// The head for an endpoint, as the client sent it.
    pub(super) fn request_head(&self) -> RequestHead {
        RequestHead::new(&self.head.method, self.head.target.clone(), self.head.headers.clone())
    }

    /// The protocols that the client asks for, as `Upgrade` lists them.
    pub(super) fn requested_protocols(&self) -> String {
        if !self.exchange.arrival().head.upgrade {
            return String::new();
        }
        let values = self.head.headers.values("upgrade");
        values.flat_map(upgrade::protocols).collect::<Vec<_>>().join(", ")
    }
}
