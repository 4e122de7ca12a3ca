//! `gzip_proxied`: which responses to requests of proxies are compressed.

use super::head::lists;
use crate::config::{Proxied, ProxiedCondition};
use crate::headers::{Fields, Headers};
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::SystemTime;

/// Whether a response may be compressed as far as `Via` of the request is concerned, as nginx: ngx_http_gzip_ok.
pub(super) fn allows(proxied: &Proxied, request: &Headers, response: &HeaderMap) -> bool {
    let Proxied::Only(conditions) = proxied else { return true };
    if !request.has("via") {
        return true;
    }
    let has = |condition| conditions.contains(&condition);
    if conditions.is_empty() {
        return false;
    }
    if has(ProxiedCondition::Auth) && request.has("authorization") {
        return true;
    }
    if response.contains_key(header::EXPIRES) {
        return has(ProxiedCondition::Expired) && has_expired(response);
    }
    if response.contains_key(header::CACHE_CONTROL) {
        let says = |condition, token| has(condition) && lists(response, "cache-control", token);
        return says(ProxiedCondition::NoCache, "no-cache")
            || says(ProxiedCondition::NoStore, "no-store")
            || says(ProxiedCondition::Private, "private");
    }
    let has_none_of = |condition, name: &HeaderName| !has(condition) || !response.contains_key(name);
    has_none_of(ProxiedCondition::NoLastModified, &header::LAST_MODIFIED)
        && has_none_of(ProxiedCondition::NoEtag, &header::ETAG)
}

/// Whether `Expires` is before `Date`, or now. One that is no date says nothing.
fn has_expired(response: &HeaderMap) -> bool {
    let date = |name| {
        let text = response.get(name)?.to_str().ok()?;
        rfc2822::parse(text).ok().map(|date| date.timestamp())
    };
    let now = || Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX);
    date(header::EXPIRES).is_some_and(|expires| expires < date(header::DATE).unwrap_or_else(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProxiedCondition as C;

    const PAST: &str = "Thu, 01 Jan 1970 00:00:01 GMT";

    fn allowed(conditions: &[C], request: &[(HeaderName, &str)], response: &[(HeaderName, &str)]) -> bool {
        let headers = |lines: &[(HeaderName, &str)]| -> HeaderMap {
            lines.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect()
        };
        allows(&Proxied::Only(conditions.into()), &Headers::from(&headers(request)), &headers(response))
    }

    #[test]
    fn conditions_are_nginxs() {
        let via = [(header::VIA, "1.1 proxy")];
        assert!(allowed(&[], &[], &[]), "it comes from no proxy");
        assert!(!allowed(&[], &via, &[]), "off");
        assert!(allows(
            &Proxied::Any,
            &Headers::from(&HeaderMap::from_iter([(header::VIA, "a".parse().expect("a value"))])),
            &HeaderMap::new()
        ));
        let of = |conditions: &[C], name, value| allowed(conditions, &via, &[(name, value)]);
        assert!(of(&[C::Expired], header::EXPIRES, PAST) && !of(&[C::NoCache], header::EXPIRES, PAST));
        assert!(!of(&[C::Expired], header::EXPIRES, "Fri, 31 Dec 2100 00:00:00 GMT"));
        assert!(!of(&[C::Expired], header::EXPIRES, "0"));
        for (condition, value) in [(C::NoCache, "a, no-cache"), (C::NoStore, "no-store"), (C::Private, "Private")] {
            assert!(of(&[condition], header::CACHE_CONTROL, value), "{value}");
            assert!(!of(&[condition], header::CACHE_CONTROL, "public"), "{value}");
        }
        for (condition, name) in [(C::NoLastModified, header::LAST_MODIFIED), (C::NoEtag, header::ETAG)] {
            assert!(allowed(&[condition], &via, &[]) && !of(&[condition], name, PAST));
        }
        let signed_in = [(header::VIA, "a"), (header::AUTHORIZATION, "b")];
        assert!(allowed(&[C::Auth], &signed_in, &[(header::CACHE_CONTROL, "public")]));
        assert!(!allowed(&[C::Auth], &via, &[(header::CACHE_CONTROL, "public")]));
    }
}
