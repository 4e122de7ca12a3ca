//! The cookie that says which endpoint a client stays at: `KEY|BACKEND`, as ingress-nginx has it (`balancer/sticky.lua`).

use crate::headers::Fields;

/// The value of a session's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCookie<'h> {
    /// What leads to the endpoint: never empty.
    pub key: &'h [u8],
    /// What tells which backend has set it, if that is there.
    pub tag: Option<&'h [u8]>,
}

impl<'h> SessionCookie<'h> {
    /// The cookie of this name, with regard to case. Of several the last counts, as in ingress-nginx (lua-resty-cookie): a
    /// client that comes from there stays where it is.
    pub fn read(headers: &'h impl Fields, name: &'h str) -> Option<Self> {
        values(headers, name).next_back().and_then(Self::parse)
    }

    /// That of a session with the backend that has this tag: a client may have one for each of several paths. Of several the
    /// last counts.
    pub fn of_backend(headers: &'h impl Fields, name: &'h str, tag: &str) -> Option<Self> {
        let mut cookies = values(headers, name).rev().filter_map(Self::parse);
        cookies.find(|cookie| cookie.tag == Some(tag.as_bytes()))
    }

    fn parse(value: &'h [u8]) -> Option<Self> {
        let mut parts = value.split(|byte| *byte == b'|').filter(|part| !part.is_empty());
        Some(Self { key: parts.next()?, tag: parts.next() })
    }
}

/// The values of the cookies of this name.
fn values<'h>(headers: &'h impl Fields, name: &'h str) -> impl DoubleEndedIterator<Item = &'h [u8]> {
    let pairs = headers.values("cookie").flat_map(|line| line.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| value_of(pair.trim_ascii_start(), name))
}

/// The value of a cookie, up to the first blank, if it has this name.
fn value_of<'h>(pair: &'h [u8], name: &str) -> Option<&'h [u8]> {
    let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
    value.split(|byte| matches!(byte, b' ' | b'\t')).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue, header};
    use proptest::prelude::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        let value = |text: &&str| (header::COOKIE, HeaderValue::from_str(text).expect("a value"));
        cookies.iter().map(value).collect()
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn read(cookies: &[&str]) -> Option<(String, Option<String>)> {
        let headers = headers(cookies);
        SessionCookie::read(&headers, "SERVERID").map(|cookie| (text(cookie.key), cookie.tag.map(text)))
    }

    fn session(key: &str, tag: Option<&str>) -> Option<(String, Option<String>)> {
        Some((key.to_owned(), tag.map(str::to_owned)))
    }

    #[test]
    fn a_cookie_has_a_key_and_a_tag() {
        assert_eq!(read(&["a=1; SERVERID=1.2.3|abc; b=2"]), session("1.2.3", Some("abc")));
        assert_eq!(read(&["SERVERID=garbage"]), session("garbage", None));
        assert_eq!(read(&["SERVERID=k|"]), session("k", None));
        assert_eq!(read(&["SERVERID=||k||t|more"]), session("k", Some("t")));
        assert_eq!(read(&["SERVERID=a=b c"]), session("a=b", None));
        for none in ["", "serverid=1", "SERVERID", "SERVERID=", "SERVERID=|", "XSERVERID=1", "SERVERIDX=1"] {
            assert_eq!(read(&[none]), None, "{none:?}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_never_empty(lines in prop::collection::vec("(SERVERID|[a-z;= ])(=|;| |\\||[!-~]){0,8}", 0..4)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            if let Some((key, tag)) = read(&lines) {
                prop_assert!(!key.is_empty() && !key.contains(['|', ';', ' ']) && tag != Some(String::new()));
            }
        }
    }

    #[test]
    fn the_last_of_several_counts() {
        assert_eq!(read(&["SERVERID=1; SERVERID=2"]), session("2", None));
        assert_eq!(read(&["SERVERID=1", "a=b;SERVERID=2|t"]), session("2", Some("t")));
        assert_eq!(read(&["SERVERID=1; SERVERID="]), None);
    }
    #[test]
    fn each_backend_has_its_own() {
        let key = |cookies: &[&str]| {
            let headers = headers(cookies);
            SessionCookie::of_backend(&headers, "S", "t").map(|cookie| text(cookie.key))
        };
        for (cookies, expected) in [
            (&["S=1|t; S=2|other"][..], Some("1")),
            (&["S=2|other", "S=1|t"], Some("1")),
            (&["S=1|t; S=2|t; S="], Some("2")),
            (&["S=1|other; S=2; s=3|t; S=4|T"], None),
            (&[], None),
        ] {
            assert_eq!(key(cookies).as_deref(), expected, "{cookies:?}");
        }
    }
}
