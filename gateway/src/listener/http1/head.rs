//! Checks a request head: strict about everything that two servers could interpret differently (RFC 9112).

use super::repair;
use crate::connection::{BodyFraming, Head};
use crate::grammar::content_length;
use crate::lane::client::HeadParts;
use crate::listener::{HeadLimits, Refusal};
use crate::request::{is_authority, target, upgrade};
use std::mem::MaybeUninit;

/// Headers that a request usually has at most: parsed in one go.
const USUAL_HEADERS: usize = 48;
/// Headers that a request may have at most, whatever the settings are.
const MAX_HEADERS: usize = 256;
/// The longest name of a header that `http` takes, in bytes.
const NAME_LIMIT: usize = u16::MAX as usize;

/// Checks the head at the start of `buffer`. `None` means that it is incomplete and valid so far.
///
/// # Errors
/// The head violates the grammar of HTTP, exceeds the limits, or is ambiguous. The refusal has the status of the response.
pub fn check(buffer: &[u8], limits: HeadLimits) -> Result<Option<Head>, Refusal> {
    Ok(parse(buffer, limits)?.map(|(head, _)| head))
}

/// The same, with what the head consists of. That is of no use unless the head is plain.
pub(super) fn parse(buffer: &[u8], limits: HeadLimits) -> Result<Option<(Head, HeadParts)>, Refusal> {
    match strict(buffer, limits) {
        Err(Refusal::MALFORMED) => lenient(buffer, limits),
        checked => checked,
    }
}

/// Checks a head that the parser does not take as it stands, but nginx does.
fn lenient(buffer: &[u8], limits: HeadLimits) -> Result<Option<(Head, HeadParts)>, Refusal> {
    let readable = repair::readable(buffer, limits.names);
    lines(&buffer[..readable.length], limits)?;
    let head = strict(&readable.text, HeadLimits { line: usize::MAX, head: usize::MAX, ..limits })?;
    Ok(head.map(|(head, parts)| (Head { length: readable.length, plain: false, ..head }, parts)))
}

fn strict(buffer: &[u8], limits: HeadLimits) -> Result<Option<(Head, HeadParts)>, Refusal> {
    let mut headers = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(buffer, &mut headers) {
        Err(httparse::Error::TooManyHeaders) => {
            let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
            let mut request = httparse::Request::new(&mut []);
            let parsed = request.parse_with_uninit_headers(buffer, &mut headers);
            conclude(buffer, limits, &request, parsed)
        }
        parsed => conclude(buffer, limits, &request, parsed),
    }
}

fn conclude(
    buffer: &[u8],
    limits: HeadLimits,
    request: &httparse::Request<'_, '_>,
    parsed: httparse::Result<usize>,
) -> Result<Option<(Head, HeadParts)>, Refusal> {
    match parsed {
        Ok(httparse::Status::Complete(length)) => {
            lines(&buffer[..length], limits)?;
            if request.headers.len() > limits.headers {
                return Err(Refusal::HEADERS_TOO_LARGE);
            }
            let head = complete(request, limits)?;
            let parts = HeadParts::of(buffer, request).ok_or(Refusal::MALFORMED)?;
            Ok(Some((Head { length, ..head }, parts)))
        }
        Ok(httparse::Status::Partial) => {
            lines(buffer, limits)?;
            Ok(None)
        }
        Err(error) => {
            lines(&buffer[..repair::length(buffer).min(limits.head)], limits)?;
            Err(match error {
                httparse::Error::Version => Refusal::VERSION,
                httparse::Error::TooManyHeaders => Refusal::HEADERS_TOO_LARGE,
                _ => Refusal::MALFORMED,
            })
        }
    }
}

/// Every line ends in CR LF and is within the limits, and so is the head.
fn lines(head: &[u8], limits: HeadLimits) -> Result<(), Refusal> {
    let mut start = 0;
    let mut first = true;
    for end in memchr::memchr_iter(b'\n', head) {
        if end == 0 || head[end - 1] != b'\r' {
            return Err(Refusal::BARE_LF);
        }
        line(end - start, first, limits)?;
        first &= end - start <= 1; // blank lines before the request line are allowed
        start = end + 1;
    }
    line(head.len() - start, first, limits)?;
    if head.len() > limits.head { Err(Refusal::HEADERS_TOO_LARGE) } else { Ok(()) }
}

fn line(length: usize, first: bool, limits: HeadLimits) -> Result<(), Refusal> {
    match length > limits.line {
        false => Ok(()),
        true if first => Err(Refusal::TARGET_TOO_LONG),
        true => Err(Refusal::HEADERS_TOO_LARGE),
    }
}

/// Checks a complete head. Returns everything of [`Head`] but its length.
fn complete(request: &httparse::Request<'_, '_>, limits: HeadLimits) -> Result<Head, Refusal> {
    let http_11 = request.version == Some(1);
    let mut hosts = 0;
    let mut host: &[u8] = b"";
    let mut length = None;
    let mut encoding = false;
    let mut upgrade = false;
    let mut announced = false;
    let mut plain = true;
    for header in request.headers.iter() {
        match header.name.len() {
            4 if header.name.eq_ignore_ascii_case("host") => {
                hosts += 1;
                host = header.value;
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                if length.is_some() {
                    return Err(Refusal::BAD_LENGTH);
                }
                length = Some(content_length(header.value).ok_or(Refusal::BAD_LENGTH)?);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                if encoding || !http_11 || !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::BAD_ENCODING);
                }
                encoding = true;
            }
            7 if header.name.eq_ignore_ascii_case("upgrade") => {
                upgrade |= upgrade::protocols(header.value).next().is_some();
            }
            6 if http_11 && is_unknown_expectation(header) => return Err(Refusal::EXPECTATION),
            10 if header.name.eq_ignore_ascii_case("connection") => announced |= upgrade::is_announced(header.value),
            _ => {}
        }
        if header.name.len() > NAME_LIMIT {
            return Err(Refusal::HEADERS_TOO_LARGE);
        }
        plain &= !limits.names.drops(header.name.as_bytes());
    }
    let body = match (length, encoding) {
        (Some(_), true) => return Err(Refusal::BAD_LENGTH),
        (None, true) => BodyFraming::Chunked,
        (None | Some(0), false) => BodyFraming::None,
        (Some(length), false) => BodyFraming::Length(length),
    };
    match hosts {
        0 if http_11 => return Err(Refusal::NO_HOST),
        0 => {}
        1 if is_authority(host) => {}
        _ => return Err(Refusal::BAD_HOST),
    }
    let target = request.path.unwrap_or_default();
    check_target(request.method.unwrap_or_default(), target)?;
    plain &= target::is_uri(target.as_bytes()) && matches!(target.as_bytes()[0], b'/' | b'*');
    let upgrade = upgrade && announced && body == BodyFraming::None && http_11;
    Ok(Head { length: 0, plain, body, upgrade })
}

fn is_unknown_expectation(header: &httparse::Header<'_>) -> bool {
    header.name.eq_ignore_ascii_case("expect") && !header.value.eq_ignore_ascii_case(b"100-continue")
}

/// The target is a path, an absolute `http` URI, or `*` for OPTIONS.
fn check_target(method: &str, target: &str) -> Result<(), Refusal> {
    if matches!(method, "CONNECT" | "TRACE") {
        return Err(Refusal::METHOD);
    }
    if target::escaped_length(target.as_bytes()) > target::LIMIT {
        return Err(Refusal::TARGET_TOO_LONG);
    }
    let is_sound = match target {
        "*" => method == "OPTIONS",
        _ if target.contains('#') => false,
        _ if target.starts_with('/') => true,
        _ => target::authority(target.as_bytes()).is_some_and(|(authority, _)| is_authority(authority)),
    };
    if is_sound { Ok(()) } else { Err(Refusal::BAD_TARGET) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClientSettings;
    use proptest::prelude::*;

    fn limits() -> HeadLimits {
        HeadLimits::from(&ClientSettings::default())
    }

    fn checked(head: &str) -> Result<Option<Head>, Refusal> {
        check(head.as_bytes(), limits())
    }

    fn accepted(head: &str) -> bool {
        matches!(checked(head), Ok(Some(sound)) if sound.length == head.len())
    }

    #[test]
    fn takes_what_is_sound() {
        assert!(accepted("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(accepted("\r\nGET / HTTP/1.1\r\nHost: a:80\r\n\r\n"));
        assert!(accepted("GET / HTTP/1.0\r\n\r\n"));
        assert!(accepted("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(accepted("GET http://A/x HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(accepted("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"));
        assert!(accepted("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"));
    }

    #[test]
    fn what_is_not_plain_is_noticed() {
        let plain = |head: &[u8]| match check(head, limits()) {
            Ok(Some(sound)) if sound.length == head.len() => sound.plain,
            other => panic!("{other:?}: {:?}", String::from_utf8_lossy(head)),
        };
        assert!(plain("GET /\u{e9}?{} HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n".as_bytes()));
        for head in [
            &b"GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nHost: a\r\nx@a: 1\r\n\r\n",
            b"GET /?a=\"b\" HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\r\nGET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://b?c HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert!(!plain(head), "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn knows_what_follows() {
        let body = |line: &str| {
            let head = checked(&format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n"));
            head.expect("sound").expect("complete").body
        };
        for line in ["", "Content-Length: 0\r\n", "Content-Length: 00\r\n", "Connection: close\r\n"] {
            assert_eq!(body(line), BodyFraming::None, "{line}");
        }
        assert_eq!(body("Content-Length: 010\r\n"), BodyFraming::Length(10));
        assert_eq!(body("Content-Length: 999999999999999999\r\n"), BodyFraming::Length(999_999_999_999_999_999));
        assert_eq!(body("Transfer-Encoding: chunked\r\n"), BodyFraming::Chunked);
    }

    #[test]
    fn knows_who_asks_for_an_upgrade() {
        let upgrade = |version: &str, lines: &str| {
            let head = checked(&format!("POST / HTTP/{version}\r\nHost: a\r\n{lines}\r\n"));
            head.expect("sound").expect("complete").upgrade
        };
        assert!(upgrade("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n"));
        assert!(upgrade("1.1", "Upgrade: SPDY/3.1\r\nConnection: keep-alive, Upgrade\r\nContent-Length: 0\r\n"));
        assert!(!upgrade("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n"));
        assert!(!upgrade("1.1", "Upgrade: websocket\r\n"));
        assert!(!upgrade("1.1", "Connection: upgrade\r\n"));
        assert!(!upgrade("1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n"));
        assert!(!upgrade("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"));
        assert!(!upgrade("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n"));
    }

    #[test]
    fn refuses_what_two_servers_read_in_two_ways() {
        let cases = [
            ("GET / HTTP/1.1\nHost: a\n\n", Refusal::BARE_LF),
            ("GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", Refusal::BARE_LF),
            ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", Refusal::MALFORMED),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Refusal::MALFORMED),
            ("GET / HTTP/1.1\r\nHost: a\r\nx@y : 1\r\n\r\n", Refusal::MALFORMED),
            ("GET / HTTP/1.1\r\nHost: a\r\nx@y: 1\r\n b\r\n\r\n", Refusal::MALFORMED),
            ("GET / HTTP/1.1\r\n\r\n", Refusal::NO_HOST),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refusal::BAD_HOST),
            ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Refusal::BAD_HOST),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Refusal::BAD_HOST),
            ("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::BAD_TARGET),
            ("GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::BAD_TARGET),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::BAD_TARGET),
            ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", Refusal::BAD_HOST),
            ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::BAD_TARGET),
            ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::BAD_TARGET),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::BAD_TARGET),
            ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", Refusal::METHOD),
            ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::METHOD),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                Refusal::BAD_LENGTH,
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", Refusal::BAD_LENGTH),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", Refusal::BAD_LENGTH),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", Refusal::BAD_LENGTH),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Refusal::BAD_ENCODING),
            ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::BAD_ENCODING),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Refusal::VERSION),
        ];
        for (head, refusal) in cases {
            assert_eq!(checked(head), Err(refusal), "{head:?}");
        }
    }

    #[test]
    fn long_lines_are_refused_before_they_end() {
        let uri = format!("GET /{}", "a".repeat(9 << 10));
        assert_eq!(checked(&uri), Err(Refusal::TARGET_TOO_LONG));
        let header = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(9 << 10));
        assert_eq!(checked(&header), Err(Refusal::HEADERS_TOO_LARGE));
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(300));
        assert_eq!(checked(&many), Err(Refusal::HEADERS_TOO_LARGE));
    }

    proptest! {
        /// Whatever arrives, and however it is cut, nothing panics, and a sound head is sound at every cut.
        #[test]
        fn no_prefix_of_a_sound_head_is_refused(
            path in "/[a-z/%.]{0,20}", name in "[a-z][a-z-]{0,8}", value in "[ -~]{0,20}", cut in 0usize..200,
        ) {
            prop_assume!(name != "host" && !name.starts_with("content") && !name.starts_with("transfer"));
            let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n");
            prop_assert!(accepted(&head));
            let cut = cut.min(head.len() - 1);
            prop_assert_eq!(check(&head.as_bytes()[..cut], limits()), Ok(None));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = check(&bytes, limits());
        }
    }
}
