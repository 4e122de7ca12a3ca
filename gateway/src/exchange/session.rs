use crate::request::{RequestView, SessionCookie};
use crate::table::Route;
use crate::upstream::SessionKey;

/// Which session the request belongs to, by its cookie, at the chosen one of a route's backends.
///
/// Where clients stay with one of several, only a session with this one counts: with the key of another one's, a request would
/// get an endpoint and no cookie, and the next one another backend.
pub(super) fn session(route: &Route, chosen: usize, request: &RequestView<'_>) -> Option<SessionKey> {
    let backend = route.backends().get(chosen)?;
    let name = &backend.affinity.as_ref()?.cookie;
    let cookie = match route.keeps_sessions_apart() {
        true => SessionCookie::of_backend(request.headers, name, backend.upstream.tag()),
        false => SessionCookie::read(request.headers, name),
    };
    Some(SessionKey::of(cookie?.key))
}
