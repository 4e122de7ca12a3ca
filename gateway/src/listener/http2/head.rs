//! Converts the head of a stream to the form that HTTP/1 heads have, for the rest of the gateway.

use super::fields::NOTE;
use crate::connection::Head;
use crate::grammar::content_length;
use crate::listener::{HeadLimits, Refusal};
use crate::request::length::{length, line};
use crate::request::{NameRules, is_authority};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri, header};
use pingora_http::RequestHeader;
use smallvec::SmallVec;

/// Checks what h2 leaves open, as the head reader of HTTP/1 does; gives the request a `Host` from its
/// `:authority`, and a target that is a path; and joins its cookies (RFC 9113, section 8.2.3). Returns the target, too, where h2
/// could not read it.
///
/// A `#` in the target is not seen here: what follows it has been cut off, as nginx does.
pub(super) fn normalize(request: &mut RequestHeader, limits: HeadLimits) -> Result<(Head, Option<Bytes>), Refusal> {
    let odd = request.remove_header(&NOTE);
    let head = measure(request, limits)?;
    if odd.as_ref().is_some_and(HeaderValue::is_empty) {
        return Err(Refusal::MALFORMED);
    }
    if matches!(request.method, Method::CONNECT | Method::TRACE) {
        return Err(Refusal::METHOD);
    }
    match request.raw_path() {
        path if path.iter().any(|byte| *byte <= b' ') => return Err(Refusal::MALFORMED),
        [b'/', ..] => {}
        b"*" if request.method == Method::OPTIONS => {}
        _ => return Err(Refusal::BAD_TARGET),
    }
    trim_values(request);
    let mut lengths = request.headers.get_all(header::CONTENT_LENGTH).iter();
    if lengths.next().is_some_and(|length| content_length(length.as_bytes()).is_none()) || lengths.next().is_some() {
        return Err(Refusal::BAD_LENGTH);
    }
    let is_known = |expectation: &HeaderValue| expectation.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if !request.headers.get_all(header::EXPECT).iter().all(is_known) {
        return Err(Refusal::EXPECTATION);
    }
    set_host(request)?;
    drop_headers(request, limits.names);
    join_cookies(request);
    Ok((head, odd.map(|target| Bytes::copy_from_slice(target.as_bytes()))))
}

fn measure(request: &RequestHeader, limits: HeadLimits) -> Result<Head, Refusal> {
    let request_line = request.method.as_str().len() + request.raw_path().len() + "  HTTP/2.0\r\n".len();
    if request_line > limits.line {
        return Err(Refusal::TARGET_TOO_LONG);
    }
    if request.headers.len() > limits.headers
        || request.headers.iter().any(|(name, value)| line(name.as_str(), value) > limits.line)
    {
        return Err(Refusal::HEADERS_TOO_LARGE);
    }
    Ok(Head { length: length(request_line, &request.headers), plain: true, ..Head::default() })
}

/// A client names the host in `:authority`, in `Host`, or in both alike.
fn set_host(request: &mut RequestHeader) -> Result<(), Refusal> {
    let mut parts = request.uri.clone().into_parts();
    let mut hosts = request.headers.get_all(header::HOST).iter();
    let (host, other) = (hosts.next(), hosts.next());
    if other.is_some() || host.zip(parts.authority.as_ref()).is_some_and(|(host, authority)| host != authority.as_str())
    {
        return Err(Refusal::BAD_HOST);
    }
    if let Some(authority) = parts.authority.take() {
        request.insert_header(header::HOST, authority.as_str()).map_err(|_| Refusal::BAD_HOST)?;
        // The authority is in one place from here on: who replaces the Host replaces all of it.
        parts.scheme = None;
        request.set_uri(Uri::from_parts(parts).map_err(|_| Refusal::BAD_TARGET)?);
    }
    let host = request.headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    if is_authority(host) { Ok(()) } else { Err(Refusal::BAD_HOST) }
}

/// Drops the blanks around values, which HTTP/1 does not have: what we see is what a backend sees.
fn trim_values(request: &mut RequestHeader) {
    let is_padded = |(_, value): &(&HeaderName, &HeaderValue)| trimmed(value).len() < value.len();
    let padded: SmallVec<[HeaderName; 2]> =
        request.headers.iter().filter(is_padded).map(|(name, _)| name.clone()).collect();
    for name in padded {
        let values: Vec<_> =
            request.headers.get_all(&name).iter().map(|value| HeaderValue::from_bytes(trimmed(value))).collect();
        request.remove_header(&name);
        for value in values.into_iter().flatten() {
            let _ = request.append_header(name.clone(), value); // fails only for a name that is none
        }
    }
}

fn trimmed(value: &HeaderValue) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let value = value.as_bytes();
    let start = value.iter().take_while(|byte| is_blank(byte)).count();
    let end = value[start..].iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| start + last + 1);
    &value[start..end]
}

/// Drops the headers whose names are invalid.
fn drop_headers(request: &mut RequestHeader, names: NameRules) {
    let dropped = |name: &&HeaderName| names.drops(name.as_str().as_bytes());
    let dropped: SmallVec<[HeaderName; 2]> = request.headers.keys().filter(dropped).cloned().collect();
    for name in dropped {
        request.remove_header(&name);
    }
}

fn join_cookies(request: &mut RequestHeader) {
    let cookies: Vec<&[u8]> = request.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(cookie) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        let _ = request.insert_header(header::COOKIE, cookie); // fails only for a name that is none
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClientSettings;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> RequestHeader {
        let mut request = http::Request::builder().method(method).uri(uri).version(http::Version::HTTP_2);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        parts.into()
    }

    fn normalized(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(RequestHeader, Head), Refusal> {
        let mut request = request(method, uri, headers);
        normalize(&mut request, HeadLimits::from(&ClientSettings::default())).map(|(head, _)| (request, head))
    }

    #[test]
    fn the_authority_becomes_the_host_and_the_target_a_path() {
        let (request, head) = normalized("GET", "https://a:8443/b?c", &[("x", "1")]).expect("sound");
        assert_eq!(request.headers.get("host").expect("a host"), "a:8443");
        assert_eq!((request.raw_path(), request.uri.authority()), (&b"/b?c"[..], None));
        assert_eq!(head.length, "GET /b?c HTTP/2.0\r\nx: 1\r\n\r\n".len());
        let (request, _) = normalized("OPTIONS", "*", &[("host", "a")]).expect("sound");
        assert_eq!(request.raw_path(), b"*");
    }

    #[test]
    fn a_replaced_target_comes_back() {
        let mut request = request("GET", "http://a/aa", &[]);
        let target = HeaderValue::from_bytes(b"/\xff\xfe").expect("a value");
        request.append_header(NOTE, target).expect("a header");
        let (_, odd) = normalize(&mut request, HeadLimits::from(&ClientSettings::default())).expect("sound");
        assert_eq!((odd.as_deref(), request.headers.len()), (Some(&b"/\xff\xfe"[..]), 1));
        let malformed = normalized("GET", "http://a/", &[(NOTE.as_str(), "")]).expect_err("refused");
        assert_eq!(malformed, Refusal::MALFORMED);
    }

    #[test]
    fn cookies_become_one() {
        let (request, _) = normalized("GET", "http://a/", &[("cookie", "a=1"), ("cookie", "b=2")]).expect("sound");
        let cookies: Vec<_> = request.headers.get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1; b=2"]);
    }

    #[test]
    fn headers_with_invalid_names_are_dropped() {
        let headers = [("x_real_ip", "1"), ("x.real.ip", "1"), ("x-real-ip", "1"), ("x_real_ip", "2")];
        let (request, _) = normalized("GET", "http://a/", &headers).expect("sound");
        let kept = request.headers.keys().filter(|name| name.as_str().starts_with('x'));
        assert!(kept.eq(["x-real-ip"]), "{:?}", request.headers);
    }

    #[test]
    fn refuses_what_the_head_reader_of_http_1_refuses() {
        let long = "a".repeat(9 << 10);
        let refused = |method, uri: &str, headers: &[_]| normalized(method, uri, headers).expect_err("refused");
        assert_eq!(refused("CONNECT", "a:80", &[]), Refusal::METHOD);
        assert_eq!(refused("TRACE", "http://a/", &[]), Refusal::METHOD);
        assert_eq!(refused("GET", "*", &[("host", "a")]), Refusal::BAD_TARGET);
        assert_eq!(refused("GET", "/", &[("host", "a/b")]), Refusal::BAD_HOST);
        assert_eq!(refused("GET", "http://a!b/", &[]), Refusal::BAD_HOST);
        assert_eq!(refused("GET", "http://a/", &[("host", "b")]), Refusal::BAD_HOST);
        assert_eq!(refused("GET", "http://a/", &[("host", "A")]), Refusal::BAD_HOST);
        assert_eq!(refused("GET", "http://u@a/", &[]), Refusal::BAD_HOST);
        assert_eq!(refused("GET", "/", &[("host", "a"), ("host", "a")]), Refusal::BAD_HOST);
        assert_eq!(refused("GET", "/", &[]), Refusal::BAD_HOST);
        let lengths = [("content-length", "2"), ("content-length", "2")];
        assert_eq!(refused("POST", "http://a/", &lengths), Refusal::BAD_LENGTH);
        assert_eq!(refused("GET", &format!("http://a/{long}"), &[]), Refusal::TARGET_TOO_LONG);
        assert_eq!(refused("GET", "http://a/", &[("x", &long)]), Refusal::HEADERS_TOO_LARGE);
        assert_eq!(refused("POST", "http://a/", &[("expect", "x")]), Refusal::EXPECTATION);
    }
}
