//! The endpoint that the key of a request leads to (`upstream-hash-by`).

use super::decision::Decision;
use crate::connection::Connection;
use crate::request::{HOST_LIMIT, RequestView};
use crate::upstream::HashKey;
use crate::variables::render_beginning;

/// Bytes of a key's text that count.
const KEY_LIMIT: usize = 64 << 10;

impl Decision {
    /// The text by which an endpoint of the request's backend is chosen, if one is. As in ingress-nginx, affinity comes before
    /// that, and other backends that may serve the request have no key.
    pub fn hashed_text(&self, connection: &Connection, request: &RequestView<'_>) -> Option<Vec<u8>> {
        self.text(connection, 1, request)
    }

    /// The key of the request with this number on its connection.
    pub(super) fn hash_key(&self, connection: &Connection, number: u64, request: &RequestView<'_>) -> Option<HashKey> {
        Some(HashKey::of(&self.text(connection, number, request)?))
    }

    fn text(&self, connection: &Connection, number: u64, request: &RequestView<'_>) -> Option<Vec<u8>> {
        let backend = self.backend().filter(|backend| backend.affinity.is_none())?;
        let by = backend.upstream.hash_by()?;
        let (request, mut buffer) = (self.with_changed_headers(request), [0; HOST_LIMIT]);
        let info = self.request_info(connection, number, &request, &mut buffer);
        Some(render_beginning(&by.key, &info, KEY_LIMIT))
    }
}
