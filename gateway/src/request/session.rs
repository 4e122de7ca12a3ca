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
    pub fn read(headers: &'h impl Fields, name: &str) -> Option<Self> {
        let lines = headers.values("cookie");
        let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
        let value = pairs.filter_map(|pair| value_of(pair.trim_ascii_start(), name)).next_back()?;
        let mut parts = value.split(|byte| *byte == b'|').filter(|part| !part.is_empty());
        Some(Self { key: parts.next()?, tag: parts.next() })
    }
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

    fn read(cookies: &[&str]) -> Option<(String, Option<String>)> {
        let value = |text: &&str| (header::COOKIE, HeaderValue::from_str(text).expect("a value"));
        let headers: HeaderMap = cookies.iter().map(value).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
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
}
