//! `auth-cache-key`: auth responses that are kept, so that the auth server need not be asked for each request.
//!
//! What may be kept, and for how long, is decided as by nginx's `proxy_cache`: a response that sets a cookie or forbids it
//! is not kept, `X-Accel-Expires`, `Cache-Control` and `Expires` go before the configured time, and `Vary` counts.

use crate::config::AuthCaching;
use crate::headers::Headers;
use crate::variables;
use aws_lc_rs::digest::{Context, SHA256};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of all responses that are kept. Beyond it, those go that nobody has asked for lately.
const CAPACITY: u64 = 16 << 20;
/// Bytes that a response costs beside its headers, roughly.
const OVERHEAD: u64 = 256;
/// The longest time for which a response counts, whatever it says.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const X_ACCEL_EXPIRES: HeaderName = HeaderName::from_static("x-accel-expires");

/// The auth responses that are kept, for all workers and across tables.
#[derive(Debug)]
pub struct AuthCache {
    responses: Cache<AuthKey, Arc<AuthResponse>, Bytes>,
}

/// Which requests share an auth response: those for one path of a rule, with one text, of one auth server. A digest, so that
/// none can be made to look like another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthKey([u8; 32]);

/// An auth response that is kept.
#[derive(Debug)]
pub(crate) struct AuthResponse {
    pub(crate) status: u16,
    /// Those of its headers that count.
    pub(crate) headers: HeaderMap,
    until: Instant,
    /// What the client's request had of the headers that `Vary` names.
    varies: Box<[Varied]>,
}

/// A header that `Vary` names, and the value in the client's request.
type Varied = (HeaderName, Option<HeaderValue>);

impl AuthKey {
    /// The digest of these parts, each of which counts for itself.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }

    /// It as bytes, to be a part of another one.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AuthResponse {
    /// A response as it is kept, with the headers that `counts` names. `request` is the client's; `is_ours` says which
    /// headers of the auth request are not.
    ///
    /// Returns `None` if it must not be kept.
    pub(crate) fn keep(
        caching: &AuthCaching,
        (status, headers): (u16, &HeaderMap),
        request: &Headers,
        is_ours: impl Fn(&HeaderName) -> bool,
        counts: impl Fn(&HeaderName) -> bool,
    ) -> Option<Self> {
        let lifetime = lifetime(caching, status, headers)?;
        let varies = varies(headers, request, is_ours)?;
        let headers = headers.iter().filter(|(name, _)| counts(name));
        Some(Self {
            status,
            headers: headers.map(|(name, value)| (name.clone(), value.clone())).collect(),
            until: Instant::now().checked_add(lifetime)?,
            varies,
        })
    }

    fn is_for(&self, request: &Headers, now: Instant) -> bool {
        let is_same = |(name, value): &Varied| variables::joined(request, name.as_str()).as_ref() == value.as_ref();
        now < self.until && self.varies.iter().all(is_same)
    }
}

impl AuthCache {
    /// What is kept under a key for a request with these headers, unless it counts no longer.
    pub(crate) fn get(&self, key: &AuthKey, request: &Headers, now: Instant) -> Option<Arc<AuthResponse>> {
        self.responses.get(key).filter(|response| response.is_for(request, now))
    }

    /// Keeps a response.
    pub(crate) fn insert(&self, key: AuthKey, response: AuthResponse) {
        self.responses.insert(key, Arc::new(response));
    }
}

impl Default for AuthCache {
    fn default() -> Self {
        Self { responses: Cache::with_weighter((CAPACITY / 1024) as usize, CAPACITY, Bytes) }
    }
}

/// The weight of a response: its bytes.
#[derive(Clone, Copy, Debug)]
struct Bytes;

impl Weighter<AuthKey, Arc<AuthResponse>> for Bytes {
    fn weight(&self, _key: &AuthKey, response: &Arc<AuthResponse>) -> u64 {
        let line = |name: &HeaderName, value: Option<&HeaderValue>| {
            (name.as_str().len() + value.map_or(0, HeaderValue::len)) as u64 + 64
        };
        let headers = response.headers.iter().map(|(name, value)| line(name, Some(value))).sum::<u64>();
        OVERHEAD + headers + response.varies.iter().map(|(name, value)| line(name, value.as_ref())).sum::<u64>()
    }
}

/// How long a response counts; `None` if it is not to be kept.
fn lifetime(caching: &AuthCaching, status: u16, headers: &HeaderMap) -> Option<Duration> {
    let (_, configured) = caching.lifetimes.iter().find(|(with, _)| *with == status)?;
    if headers.contains_key(header::SET_COOKIE) {
        return None;
    }
    let lifetime = match accel_expires(headers) {
        Some(said) => said?,
        None => match cache_control(headers) {
            CacheControl::Forbids => return None,
            CacheControl::Seconds(seconds) => Duration::from_secs(seconds),
            CacheControl::Silent => expires(headers).unwrap_or(Some(*configured))?,
        },
    };
    (!lifetime.is_zero()).then_some(lifetime.min(LONGEST))
}

/// `X-Accel-Expires`: seconds, or `@` and seconds since 1970. The inner `None` is a time that has passed.
fn accel_expires(headers: &HeaderMap) -> Option<Option<Duration>> {
    let text = headers.get(X_ACCEL_EXPIRES)?.to_str().ok()?.trim();
    match text.strip_prefix('@') {
        Some(epoch) => epoch.parse().ok().map(from_now),
        None => text.parse().ok().map(|seconds| Some(Duration::from_secs(seconds))),
    }
}

/// What `Cache-Control` says.
enum CacheControl {
    Forbids,
    Seconds(u64),
    Silent,
}

fn cache_control(headers: &HeaderMap) -> CacheControl {
    let mut found = CacheControl::Silent;
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    for directive in lines.flat_map(|line| line.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let is = |other: &str| name.trim().eq_ignore_ascii_case(other);
        if is("no-cache") || is("no-store") || is("private") {
            return CacheControl::Forbids;
        }
        let is_shared = is("s-maxage");
        if is_shared || is("max-age") && matches!(found, CacheControl::Silent) {
            found = CacheControl::Seconds(value.trim().trim_matches('"').parse().unwrap_or(0));
        }
    }
    found
}

/// `Expires`. The inner `None` is a time that has passed, or what is no time.
fn expires(headers: &HeaderMap) -> Option<Option<Duration>> {
    let text = headers.get(header::EXPIRES)?.to_str().unwrap_or_default();
    let time = DateTimeParser::new().parse_timestamp(text.trim());
    Some(time.ok().and_then(|time| from_now(time.as_second())))
}

fn from_now(epoch: i64) -> Option<Duration> {
    u64::try_from(epoch.checked_sub(Timestamp::now().as_second())?).ok().map(Duration::from_secs)
}

/// What the request has of the headers that `Vary` names; `None` where that cannot be told from the client's request.
fn varies(headers: &HeaderMap, request: &Headers, is_ours: impl Fn(&HeaderName) -> bool) -> Option<Box<[Varied]>> {
    let names = headers.get_all(header::VARY).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let names = names.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
    let of_request = |name: &[u8]| {
        let name = HeaderName::from_bytes(name).ok().filter(|name| name != "*" && !is_ours(name))?;
        let value = variables::joined(request, name.as_str());
        Some((name, value))
    };
    names.map(of_request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Template;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    fn caching() -> AuthCaching {
        let time = Duration::from_secs(300);
        AuthCaching {
            key: Template::default(),
            lifetimes: [(200, time), (401, Duration::ZERO), (200, time * 2)].into(),
        }
    }

    fn seconds(status: u16, lines: &[(&'static str, &str)]) -> Option<u64> {
        lifetime(&caching(), status, &headers(lines)).map(|lifetime| lifetime.as_secs())
    }

    #[test]
    fn a_response_is_kept_as_long_as_it_is_set_for_its_status() {
        assert_eq!(seconds(200, &[]), Some(300));
        assert_eq!(seconds(401, &[]), None, "no time");
        assert_eq!(seconds(403, &[]), None, "not listed");
    }

    #[test]
    fn the_response_itself_is_heard_first() {
        assert_eq!(seconds(200, &[("set-cookie", "a=b")]), None);
        for value in ["private", "No-Store", "max-age=60, no-cache", "max-age=0", "max-age=x"] {
            assert_eq!(seconds(200, &[("cache-control", value)]), None, "{value}");
        }
        assert_eq!(seconds(200, &[("cache-control", "public, max-age=60")]), Some(60));
        assert_eq!(seconds(200, &[("cache-control", "s-maxage=7, max-age=60")]), Some(7));
        assert_eq!(seconds(200, &[("cache-control", "must-revalidate")]), Some(300));
        assert_eq!(seconds(200, &[("x-accel-expires", "5"), ("cache-control", "no-store")]), Some(5));
        assert_eq!(seconds(200, &[("x-accel-expires", "0")]), None);
        assert_eq!(seconds(200, &[("x-accel-expires", "@1")]), None);
        assert_eq!(seconds(200, &[("x-accel-expires", "soon")]), Some(300));
        assert_eq!(seconds(200, &[("expires", "Sun, 06 Nov 1994 08:49:37 GMT")]), None);
        assert_eq!(seconds(200, &[("expires", "0")]), None);
        assert!(seconds(200, &[("expires", "Fri, 01 Jan 2100 00:00:00 GMT")]) > Some(300));
        assert_eq!(seconds(200, &[("cache-control", "max-age=18446744073709551615")]), Some(LONGEST.as_secs()));
    }

    #[test]
    fn a_response_that_varies_is_for_requests_like_the_one_it_came_for() {
        let keep = |vary: &str, request: &HeaderMap| {
            let response = headers(&[("vary", vary), ("x-user", "ann"), ("server", "s")]);
            AuthResponse::keep(
                &caching(),
                (200, &response),
                &Headers::from(request),
                |name| name == "host",
                |name| name == "x-user",
            )
        };
        let (german, french) = (headers(&[("accept-language", "de")]), headers(&[("accept-language", "fr")]));
        let kept = keep("Accept-Language, Origin", &german).expect("kept");
        let now = Instant::now();
        assert!(
            kept.is_for(&Headers::from(&german), now)
                && !kept.is_for(&Headers::from(&french), now)
                && !kept.is_for(&Headers::default(), now)
        );
        assert!(!kept.is_for(&Headers::from(&german), now + Duration::from_secs(400)), "it is old");
        assert_eq!(kept.headers, headers(&[("x-user", "ann")]));
        assert!(keep("*", &german).is_none() && keep("Host", &german).is_none() && keep("a b", &german).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = AuthCache::default();
        let large = "x".repeat(8 << 10);
        for number in 0..20_000_u32 {
            let response = headers(&[("x-user", &large)]);
            let response = AuthResponse::keep(&caching(), (200, &response), &Headers::default(), |_| false, |_| true);
            cache.insert(AuthKey::of(&[&number.to_be_bytes()]), response.expect("kept"));
        }
        assert!(cache.responses.weight() <= CAPACITY && cache.responses.len() > 100);
    }

    #[test]
    fn keys_tell_their_parts_apart() {
        assert_eq!(AuthKey::of(&[b"a", b"b"]), AuthKey::of(&[b"a", b"b"]));
        assert_ne!(AuthKey::of(&[b"a", b"b"]), AuthKey::of(&[b"ab", b""]));
        assert_ne!(AuthKey::of(&[b"a"]), AuthKey::of(&[b"a", b""]));
    }
}
