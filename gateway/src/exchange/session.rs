use crate::request::{RequestView, SessionCookie};
use crate::table::RouteBackend;
use crate::upstream::SessionKey;

/// Which session with a backend the request belongs to, by its cookie.
pub(super) fn session(backend: &RouteBackend, request: &RequestView<'_>) -> Option<SessionKey> {
    let cookie = SessionCookie::read(request.headers, &backend.affinity.as_ref()?.cookie)?;
    Some(SessionKey::of(cookie.key))
}
