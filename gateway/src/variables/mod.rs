//! The values of nginx's variables: how a [`Template`] becomes text, and the look-ups in a request that several
//! sources of values share.

mod assigned;
mod geo;
mod maps;

pub use assigned::{Assigned, Groups, TooLong};
pub use geo::{GeoIp, NoDatabase};
pub use maps::{InvalidMap, Maps, Overrun};

use crate::config::{Piece, Template, Variable};
use crate::headers::Fields;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::fmt::Display;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Where the values of variables come from: a request in flight, or the record of one that has ended.
pub trait Values {
    /// Appends the value to `out`, as the raw bytes that the client or backend sent. Returns `false`, and appends nothing,
    /// if there is no value: for nginx an empty value differs from an absent one.
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool;
}

/// The values of the first, and those of the second where the first has none.
impl<A: Values, B: Values> Values for (&A, &B) {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        self.0.value(variable, out) || self.1.value(variable, out)
    }
}

/// Appends the template's text to `out`; absent values are empty.
///
/// Nothing is escaped: `$uri` may bring any byte with it, so a header value made from this has to be checked as one.
pub fn render(template: &Template, values: &impl Values, out: &mut Vec<u8>) {
    template.0.iter().for_each(|piece| render_piece(piece, values, out));
}

/// The template's text as [`render`] makes it, of at most `limit` bytes.
///
/// # Errors
/// It would be longer.
pub fn render_within(template: &Template, values: &impl Values, limit: usize) -> Result<Vec<u8>, TooLong> {
    let mut out = Vec::new();
    for piece in &*template.0 {
        render_piece(piece, values, &mut out);
        if out.len() > limit {
            return Err(TooLong);
        }
    }
    Ok(out)
}

/// The first `limit` bytes of the template's text as [`render`] makes it.
pub fn render_beginning(template: &Template, values: &impl Values, limit: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in &*template.0 {
        render_piece(piece, values, &mut out);
        if out.len() >= limit {
            out.truncate(limit);
            break;
        }
    }
    out
}

fn render_piece(piece: &Piece, values: &impl Values, out: &mut Vec<u8>) {
    match piece {
        Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
        Piece::Variable(variable) => {
            values.value(variable, out);
        }
    }
}

/// `$http_NAME`: every value of the header, joined by `, ` (cookies by `; `), as nginx: ngx_http_variable_headers.
pub fn header(headers: &impl Fields, name: &str, out: &mut Vec<u8>) -> bool {
    let separator: &[u8] = if name == "cookie" { b"; " } else { b", " };
    list(headers.values(name), separator, out, |value, out| append(Some(value), out))
}

/// The value of [`header`]: the header's own, where it stands in one line. `None` if it is not there.
pub fn joined(headers: &impl Fields, name: &str) -> Option<HeaderValue> {
    if headers.values(name).nth(1).is_none() {
        return headers.value(name);
    }
    let mut all = Vec::new();
    header(headers, name, &mut all);
    HeaderValue::from_bytes(&all).ok()
}

/// `$cookie_NAME`: the first cookie of that name, without regard to case, as nginx: ngx_http_parse_multi_header_lines.
pub fn cookie(headers: &impl Fields, name: &str, out: &mut Vec<u8>) -> bool {
    append(cookie_value(headers, name), out)
}

/// The value of [`cookie`].
pub fn cookie_value<'h>(headers: &'h impl Fields, name: &str) -> Option<&'h [u8]> {
    headers.values("cookie").find_map(|line| {
        line.split(|&byte| byte == b';').find_map(|pair| {
            let (key, value) = split_once(pair.trim_ascii_start(), b'=')?;
            key.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii_start())
        })
    })
}

/// `$arg_NAME`: the first argument of that name in a query, without regard to case and not decoded, as nginx:
/// ngx_http_arg. An argument without `=` is ignored.
pub fn argument(query: &[u8], name: &str, out: &mut Vec<u8>) -> bool {
    let found = query
        .split(|byte| *byte == b'&')
        .filter_map(|pair| split_once(pair, b'='))
        .find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value);
    append(found, out)
}

/// `$remote_user`: the name in Basic credentials, whether or not they were checked, as nginx: ngx_http_auth_basic_user.
pub fn remote_user(headers: &impl Fields, out: &mut Vec<u8>) -> bool {
    let credentials = basic_credentials(headers);
    let user = credentials.as_deref().and_then(|credentials| split_once(credentials, b':')).map(|(user, _)| user);
    append(user, out)
}

/// Basic credentials, decoded: `user:password`, whose user is not empty. Several `Authorization` headers are none.
pub fn basic_credentials(headers: &impl Fields) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let mut values = headers.values("authorization");
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, encoded) = split_once(value, b' ')?;
    let decoded = LENIENT.decode(encoded.trim_ascii_start()).ok()?;
    let has_user = memchr::memchr(b':', &decoded).is_some_and(|colon| colon > 0);
    (scheme.eq_ignore_ascii_case(b"basic") && has_user).then_some(decoded)
}

/// Path and query of a request target: all of it, unless it is an absolute URL.
pub fn origin_form(target: &[u8]) -> &[u8] {
    match memchr::memmem::find(target, b"://") {
        Some(scheme) if memchr::memchr2(b'/', b'?', &target[..scheme]).is_none() => {
            let rest = &target[scheme + 3..];
            memchr::memchr2(b'/', b'?', rest).map_or(b"/", |start| &rest[start..])
        }
        _ => target,
    }
}

/// The query of a request target, without its `?`; empty is not the same as none.
pub fn query(target: &[u8]) -> Option<&[u8]> {
    memchr::memchr(b'?', target).map(|start| &target[start + 1..])
}

/// `$escaped_request_uri`: every byte but letters, digits and `-._~` as `%XX`. Always `true`, as [`text`].
pub fn escaped(value: &[u8], out: &mut Vec<u8>) -> bool {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    out.extend(percent_encode(value, ESCAPED).flat_map(str::bytes));
    true
}

/// Appends the value if there is one. Returns whether there is.
pub fn append(value: Option<&[u8]>, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(value.unwrap_or_default());
    value.is_some()
}

/// Appends all items with a separator between them. Returns whether there is any.
pub fn list<T>(
    items: impl IntoIterator<Item = T>,
    separator: &[u8],
    out: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>) -> bool,
) -> bool {
    let mut any = false;
    for item in items {
        if any {
            out.extend_from_slice(separator);
        }
        write(item, out);
        any = true;
    }
    any
}

/// Appends a text, which may be empty but is there: `true`, so that it can end a [`Values::value`].
pub fn text(value: &str, out: &mut Vec<u8>) -> bool {
    append(Some(value.as_bytes()), out)
}

/// Appends a number in decimal. Always `true`, as [`text`].
pub fn number(value: impl itoa::Integer, out: &mut Vec<u8>) -> bool {
    text(itoa::Buffer::new().format(value), out)
}

/// Appends an address as it prints. Always `true`, as [`text`].
pub fn address(address: IpAddr, out: &mut Vec<u8>) -> bool {
    match address {
        // Nearly all are such, and every log line has two: without the machinery of `Display`.
        IpAddr::V4(address) => list(address.octets(), b".", out, number),
        IpAddr::V6(_) => display(address, out),
    }
}

/// Appends an address with its port as it prints. Always `true`, as [`text`].
pub fn endpoint(endpoint: SocketAddr, out: &mut Vec<u8>) -> bool {
    match endpoint {
        SocketAddr::V4(endpoint) => {
            address((*endpoint.ip()).into(), out);
            out.push(b':');
            number(endpoint.port(), out)
        }
        SocketAddr::V6(_) => display(endpoint, out),
    }
}

fn display(value: impl Display, out: &mut Vec<u8>) -> bool {
    // Writing to memory cannot fail.
    let _ = write!(out, "{value}");
    true
}

/// Appends a time in seconds with three digits, cut and not rounded: `0.123`. Always `true`, as [`text`].
pub fn seconds(time: Duration, out: &mut Vec<u8>) -> bool {
    number(time.as_secs(), out);
    out.push(b'.');
    three_digits(time.subsec_millis(), out)
}

/// Appends a number below 1,000 with leading zeros: `007`. Always `true`, as [`text`].
pub fn three_digits(number: u32, out: &mut Vec<u8>) -> bool {
    append(Some(&[100, 10, 1].map(|unit| b'0' + (number / unit % 10) as u8)), out)
}

/// `$binary_remote_addr`: 4 or 16 bytes. Always `true`, as [`text`].
pub fn binary_address(address: IpAddr, out: &mut Vec<u8>) -> bool {
    match address {
        IpAddr::V4(address) => append(Some(&address.octets()), out),
        IpAddr::V6(address) => append(Some(&address.octets()), out),
    }
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(separator, bytes)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    #[test]
    fn the_beginning_of_a_text_has_its_limit() {
        struct Long;
        impl Values for Long {
            fn value(&self, _: &Variable, out: &mut Vec<u8>) -> bool {
                append(Some(b"long"), out)
            }
        }
        let template = Template::parse("a-$host$host").expect("valid");
        let beginning = |limit| String::from_utf8(render_beginning(&template, &Long, limit)).expect("text");
        assert_eq!([beginning(20), beginning(8), beginning(2)], ["a-longlong", "a-longlo", "a-"]);
    }

    /// What a look-up appends, or `None`.
    fn found(lookup: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<String> {
        let mut out = Vec::new();
        let found = lookup(&mut out);
        assert!(found || out.is_empty(), "an absent value appends nothing");
        found.then(|| String::from_utf8(out).expect("test values are text"))
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|&(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect()
    }

    #[test]
    fn joins_repeated_headers() {
        let headers = headers(&[("x-a", "1"), ("x-a", "2"), ("cookie", "a=1"), ("cookie", "b=2"), ("x-empty", "")]);
        assert_eq!(found(|out| header(&headers, "x-a", out)).as_deref(), Some("1, 2"));
        assert_eq!(found(|out| header(&headers, "cookie", out)).as_deref(), Some("a=1; b=2"));
        assert_eq!(found(|out| header(&headers, "x-empty", out)).as_deref(), Some(""));
        assert_eq!(found(|out| header(&headers, "x-none", out)), None);
    }

    #[test]
    fn finds_cookies() {
        let headers = headers(&[("cookie", "first=1; Session = abc,d; empty="), ("cookie", "other=2; session=late")]);
        assert_eq!(found(|out| cookie(&headers, "session", out)).as_deref(), Some("abc,d"));
        assert_eq!(found(|out| cookie(&headers, "empty", out)).as_deref(), Some(""));
        assert_eq!(found(|out| cookie(&headers, "other", out)).as_deref(), Some("2"));
        assert_eq!(found(|out| cookie(&headers, "sess", out)), None);
    }

    #[test]
    fn finds_arguments() {
        let query = b"flag&a=1&A=2&path=%2f&empty=";
        assert_eq!(found(|out| argument(query, "A", out)).as_deref(), Some("1"));
        assert_eq!(found(|out| argument(query, "path", out)).as_deref(), Some("%2f"));
        assert_eq!(found(|out| argument(query, "empty", out)).as_deref(), Some(""));
        assert_eq!(found(|out| argument(query, "flag", out)), None);
    }

    #[test]
    fn reads_basic_credentials() {
        let user = |value| found(|out| remote_user(&headers(&[("authorization", value)]), out));
        assert_eq!(user("Basic YWxpY2U6c2VjcmV0").as_deref(), Some("alice"));
        assert_eq!(user("basic  YWxpY2U6").as_deref(), Some("alice"));
        assert_eq!(user("Basic OnNlY3JldA=="), None, "no name");
        assert_eq!(user("Basic YWxpY2U="), None, "no colon");
        assert_eq!(user("Basic !"), None, "not Base64");
        assert_eq!(user("Bearer YWxpY2U6c2VjcmV0"), None, "another scheme");
    }

    #[test]
    fn splits_targets() {
        assert_eq!(origin_form(b"/a?b=http://c/d"), b"/a?b=http://c/d");
        assert_eq!(origin_form(b"http://h/a?b"), b"/a?b");
        assert_eq!(origin_form(b"http://h?b"), b"?b");
        assert_eq!(origin_form(b"http://h"), b"/");
        assert_eq!(origin_form(b"*"), b"*");
        assert_eq!(query(b"/a?b?c"), Some(&b"b?c"[..]));
        assert_eq!(query(b"/a?"), Some(&b""[..]));
        assert_eq!(query(b"/a"), None);
    }

    #[test]
    fn writes_seconds() {
        let text = |time| found(|out| seconds(time, out));
        assert_eq!(text(Duration::from_micros(1_999)).as_deref(), Some("0.001"));
        assert_eq!(text(Duration::from_millis(61_020)).as_deref(), Some("61.020"));
    }

    #[test]
    fn writes_addresses_as_they_print() {
        for text in ["0.0.0.0:0", "192.0.2.255:65535", "[::1]:80", "[2001:db8::a:1]:8080"] {
            let address: SocketAddr = text.parse().expect("an address");
            assert_eq!(found(|out| endpoint(address, out)).as_deref(), Some(text));
            assert_eq!(found(|out| super::address(address.ip(), out)), Some(address.ip().to_string()));
        }
    }

    #[test]
    fn renders_absent_values_as_nothing() {
        struct OnlyHost;
        impl Values for OnlyHost {
            fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
                *variable == Variable::Host && append(Some(b"shop"), out)
            }
        }
        let template = Template::parse("[$host|$namespace]").expect("valid");
        assert_eq!(found(|out| (render(&template, &OnlyHost, out), true).1).as_deref(), Some("[shop|]"));
    }
}
