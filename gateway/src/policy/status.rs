//! Statuses that policies tell apart.

/// Whether nginx adds headers to a response with this status, unless it is told to add them always
/// (ngx_http_headers_filter).
pub(super) fn gets_headers(status: u16) -> bool {
    matches!(status, 200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308)
}
