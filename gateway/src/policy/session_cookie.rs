//! The attributes of the cookie that begins a session, as ingress-nginx has them (`balancer/sticky.lua`).

use crate::config::{CookieAttributes, SameSite};
use jiff::{SignedDuration, Timestamp};
use std::fmt::{Display, Write as _};

/// The first second of 2038.
const YEAR_2038: i64 = 2_145_916_800;

/// What the attributes depend on.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The path of the route.
    pub path: &'a str,
    /// Whether the client's connection has TLS.
    pub is_tls: bool,
    /// `User-Agent`; empty without one.
    pub user_agent: &'a [u8],
    /// The time.
    pub now: Timestamp,
}

/// The attributes, each with `; ` before it, in the order of lua-resty-cookie.
pub fn attributes(cookie: &CookieAttributes, scene: &Scene<'_>) -> String {
    let mut text = String::new();
    let mut add = |attribute: &str, value: &dyn Display| {
        let _ = write!(text, "; {attribute}={value}"); // a String takes all
    };
    if let Some(expires) = cookie.expires.and_then(|seconds| expires(seconds, scene.now)) {
        add("Expires", &expires);
    }
    if let Some(seconds) = cookie.max_age {
        add("Max-Age", &seconds);
    }
    if let Some(domain) = &cookie.domain {
        add("Domain", domain);
    }
    add("Path", &cookie.path.as_deref().unwrap_or(scene.path));
    if cookie.secure || scene.is_tls {
        text += "; Secure";
    }
    text += "; HttpOnly";
    text += match cookie.same_site {
        Some(SameSite::Strict) => "; SameSite=Strict",
        Some(SameSite::Lax) => "; SameSite=Lax",
        Some(SameSite::None) => "; SameSite=None",
        Some(SameSite::NoneWhereKnown) if knows_same_site_none(scene.user_agent) => "; SameSite=None",
        Some(SameSite::NoneWhereKnown) | None => "",
    };
    text
}

/// A year before 2038 has two digits, as in nginx (`ngx_http_cookie_time`).
fn expires(seconds: i32, now: Timestamp) -> Option<impl Display> {
    let at = now.checked_add(SignedDuration::from_secs(seconds.into())).ok()?;
    let is_near = at.as_second() < YEAR_2038;
    Some(at.strftime(if is_near { "%a, %d-%b-%y %H:%M:%S GMT" } else { "%a, %d-%b-%Y %H:%M:%S GMT" }))
}

/// Whether a browser takes a cookie with `SameSite=None`. Those that do not are the ones that ingress-nginx names
/// (`util/same_site.lua`).
fn knows_same_site_none(user_agent: &[u8]) -> bool {
    let has = |part: &str| memchr::memmem::find(user_agent, part.as_bytes()).is_some();
    let is_old_chrome = has("Chrome/4") || has("Chrome/5") || has("Chrome/6");
    let is_ios_12 = has("CPU iPhone OS 12") || has("iPad; CPU OS 12");
    let is_old_safari = has("Macintosh") && has("Intel Mac OS X 10_14") && has("Safari") && !has("Chrome");
    !(is_old_chrome || is_ios_12 || is_old_safari)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME_60: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/60.0.3112.113 Safari/537.36";
    const CHROME_100: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) Chrome/100.0.0.0 Safari/537.36";
    const SAFARI_12: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) Version/12.1 Safari/605.1.15";
    const IPAD_12: &str = "Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) Version/12.1 Safari/604.1";

    fn scene(user_agent: &str) -> Scene<'_> {
        let now = Timestamp::from_second(1_700_000_000).expect("in range");
        Scene { path: "/shop", is_tls: false, user_agent: user_agent.as_bytes(), now }
    }

    #[test]
    fn attributes_come_in_order() {
        let plain = CookieAttributes::default();
        assert_eq!(attributes(&plain, &scene("")), "; Path=/shop; HttpOnly");
        assert_eq!(attributes(&plain, &Scene { is_tls: true, ..scene("") }), "; Path=/shop; Secure; HttpOnly");
        let all = CookieAttributes {
            path: Some("/x".into()),
            domain: Some("foo.bar".into()),
            same_site: Some(SameSite::Lax),
            secure: true,
            expires: Some(172_800),
            max_age: Some(-1),
        };
        assert_eq!(
            attributes(&all, &scene("")),
            "; Expires=Thu, 16-Nov-23 22:13:20 GMT; Max-Age=-1; Domain=foo.bar; Path=/x; Secure; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn every_number_of_seconds_is_a_time() {
        let expires = |seconds| {
            let cookie = CookieAttributes { expires: Some(seconds), ..CookieAttributes::default() };
            attributes(&cookie, &scene(""))
        };
        assert!(expires(-1_700_000_000).starts_with("; Expires=Thu, 01-Jan-70 00:00:00 GMT;"));
        assert!(expires(445_916_799).starts_with("; Expires=Thu, 31-Dec-37 23:59:59 GMT;"));
        assert!(expires(445_916_800).starts_with("; Expires=Fri, 01-Jan-2038 00:00:00 GMT;"));
        assert!(expires(i32::MAX).starts_with("; Expires=") && expires(i32::MIN).starts_with("; Expires="));
    }

    #[test]
    fn old_browsers_get_no_same_site_none() {
        let with = |same_site, user_agent| {
            let cookie = CookieAttributes { same_site: Some(same_site), ..CookieAttributes::default() };
            attributes(&cookie, &scene(user_agent)).ends_with("; SameSite=None")
        };
        for (user_agent, knows) in
            [("", true), (CHROME_60, false), (CHROME_100, true), (SAFARI_12, false), (IPAD_12, false)]
        {
            assert_eq!(with(SameSite::NoneWhereKnown, user_agent), knows, "{user_agent}");
            assert!(with(SameSite::None, user_agent), "{user_agent}");
        }
    }
}
