//! Envoy's protocol of gRPC for auth servers, `envoy.service.auth.v3.Authorization`: what a response means.

pub mod messages;

use super::auth_filter::{denial, is_framing};
use super::auth_header::{AuthHeader, Manner};
use super::external_auth::{Authorization, FAILED};
use crate::request::{Reason, Reply};
use bytes::{Buf, BufMut, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use messages::{CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValueOption, HttpResponse, OkHttpResponse};
use prost::Message;

/// The method that is called.
pub(crate) const METHOD: &str = "/envoy.service.auth.v3.Authorization/Check";
/// The code of a status that is no error.
const OK: i32 = 0;
/// What stands before a message of gRPC: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// A call's only message, as it is sent.
pub(crate) fn call(request: &CheckRequest) -> Bytes {
    let length = request.encoded_len();
    let mut call = Vec::with_capacity(PREFIX + length);
    call.put_u8(0);
    call.put_u32(u32::try_from(length).unwrap_or(u32::MAX)); // a body is much shorter
    call.put_slice(&request.encode_to_vec());
    call.into()
}

/// What the answer to a call means, of which this is the body.
///
/// # Errors
/// The answer to the client's request, where that is not allowed.
pub(crate) fn judge(mut answer: &[u8]) -> Result<Authorization, Reply> {
    let is_whole = answer.len() >= PREFIX && answer.get_u8() == 0 && answer.get_u32() as usize == answer.len();
    let response = CheckResponse::decode(answer).ok().filter(|_| is_whole).ok_or(FAILED)?;
    let code = response.status.map_or(OK, |status| status.code);
    match response.http_response {
        None if code == OK => Ok(Authorization::default()),
        Some(HttpResponse::Ok(allowed)) if code == OK => allow(allowed).ok_or(FAILED),
        // It contradicts itself.
        Some(HttpResponse::Denied(_)) if code == OK => Err(FAILED),
        Some(HttpResponse::Denied(denied)) => Err(deny(denied).unwrap_or(FAILED)),
        None | Some(HttpResponse::Ok(_)) => Err(Reply::new(403, Reason::AuthDenied)),
    }
}

/// `None`: it asks for what cannot be done, so that the backend would get what it is not to get.
fn allow(allowed: OkHttpResponse) -> Option<Authorization> {
    if !allowed.query_parameters_to_set.is_empty() || !allowed.query_parameters_to_remove.is_empty() {
        return None;
    }
    let removed = allowed.headers_to_remove.iter().map(|name| name.parse::<HeaderName>().ok());
    let may_be_removed = |name: &Option<HeaderName>| name.as_ref() != Some(&header::HOST);
    Some(Authorization {
        changes: allowed.headers.into_iter().map(changeable).collect::<Option<_>>()?,
        removed: removed.filter(may_be_removed).collect::<Option<_>>()?,
        response_changes: allowed.response_headers_to_add.into_iter().map(changeable).collect::<Option<_>>()?,
        ..Authorization::default()
    })
}

fn deny(denied: DeniedHttpResponse) -> Option<Reply> {
    let status = match denied.status.map_or(0, |status| status.code) {
        0 => 403,
        code => u16::try_from(code).ok().filter(|code| (200..=599).contains(code))?,
    };
    let mut headers = HeaderMap::new();
    for option in denied.headers {
        let AuthHeader { name, value, manner } = changeable(option)?;
        match manner {
            Manner::Append => drop(headers.append(name, value)),
            _ => drop(headers.insert(name, value)),
        }
    }
    if !denied.body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    Some(denial(status, &headers, Some(denied.body.into())))
}

/// A header that an auth server may set. Unless it says otherwise, it replaces what is there.
fn changeable(option: HeaderValueOption) -> Option<AuthHeader> {
    let header = option.header?;
    let name: HeaderName = header.key.parse().ok()?;
    let raw = if header.raw_value.is_empty() { Bytes::from(header.value) } else { header.raw_value };
    let manner = match (option.append, option.append_action) {
        (Some(true), _) => Manner::Append,
        (None, 1) => Manner::SetIfAbsent,
        (None, 3) => Manner::SetIfPresent,
        (Some(false), _) | (None, 0 | 2) => Manner::Set,
        _ => return None,
    };
    let value = HeaderValue::from_maybe_shared(raw).ok()?;
    let is_ours = name == header::HOST || is_framing(&name);
    (!is_ours).then_some(AuthHeader { name, value, manner })
}

#[cfg(test)]
mod tests {
    use super::messages::{HttpStatus, QueryParameter, Status};
    use super::*;

    fn judged(code: i32, http_response: Option<HttpResponse>) -> Result<Authorization, Reply> {
        let response = CheckResponse { status: Some(Status { code }), http_response };
        judge(&framed(&response.encode_to_vec()))
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).expect("a small message").to_be_bytes();
        [&[0][..], &length, message].concat()
    }

    fn option(key: &str, value: &str) -> HeaderValueOption {
        let header = messages::HeaderValue { key: key.into(), value: value.into(), ..Default::default() };
        HeaderValueOption { header: Some(header), ..HeaderValueOption::default() }
    }

    fn allowing(headers: &[HeaderValueOption]) -> Result<Authorization, Reply> {
        judged(0, Some(HttpResponse::Ok(OkHttpResponse { headers: headers.to_vec(), ..OkHttpResponse::default() })))
    }

    fn denying(code: i32, headers: &[HeaderValueOption], body: &str) -> Reply {
        let (status, headers) = (Some(HttpStatus { code }), headers.to_vec());
        let denied = DeniedHttpResponse { status, headers, body: body.into() };
        judged(7, Some(HttpResponse::Denied(denied))).expect_err("denied")
    }

    #[test]
    fn only_the_code_of_success_allows() {
        assert!(judged(0, None).is_ok() && judge(&framed(&[])).is_ok(), "no code is 0");
        assert!(judged(0, Some(HttpResponse::Ok(OkHttpResponse::default()))).is_ok());
        for code in [1, 7, 16, -1] {
            assert_eq!(judged(code, None).expect_err("denied"), Reply::new(403, Reason::AuthDenied));
            let allowed = Some(HttpResponse::Ok(OkHttpResponse::default()));
            assert_eq!(judged(code, allowed).expect_err("denied"), Reply::new(403, Reason::AuthDenied));
        }
        let denied = Some(HttpResponse::Denied(DeniedHttpResponse::default()));
        assert_eq!(judged(0, denied).expect_err("it contradicts itself"), FAILED);
    }

    #[test]
    fn what_is_no_message_allows_nothing() {
        for answer in [&b""[..], b"\0\0\0\0", b"\x01\0\0\0\0", b"\0\0\0\0\x01", b"\0\0\0\0\0\0", b"\0\0\0\0\x01\x0f"] {
            assert_eq!(judge(answer).expect_err("nothing"), FAILED, "{answer:?}");
        }
    }

    #[test]
    fn headers_are_set_as_the_server_says() {
        let appended = HeaderValueOption { append: Some(true), ..option("x-a", "1") };
        let action = |append_action| HeaderValueOption { append_action, ..option("x-a", "1") };
        for (option, manner) in [
            (option("X-A", "1"), Manner::Set),
            (appended, Manner::Append),
            (HeaderValueOption { append: Some(false), append_action: 1, ..option("x-a", "1") }, Manner::Set),
            (action(1), Manner::SetIfAbsent),
            (action(2), Manner::Set),
            (action(3), Manner::SetIfPresent),
        ] {
            let (name, value) = (HeaderName::from_static("x-a"), HeaderValue::from_static("1"));
            assert_eq!(allowing(&[option]).expect("allowed").changes, [AuthHeader { name, value, manner }]);
        }
    }

    #[test]
    fn what_cannot_be_done_allows_nothing() {
        let unknown = HeaderValueOption { append_action: 4, ..option("x-a", "1") };
        for option in [
            option(":path", "/"),
            option("a b", "1"),
            option("x-a", "a\nb"),
            option("host", "h"),
            option("content-length", "1"),
            HeaderValueOption::default(),
            unknown,
        ] {
            assert_eq!(allowing(std::slice::from_ref(&option)).expect_err("refused"), FAILED, "{option:?}");
        }
        let removed = |name: &str| OkHttpResponse { headers_to_remove: vec![name.into()], ..OkHttpResponse::default() };
        let query = OkHttpResponse { query_parameters_to_remove: vec!["a".into()], ..OkHttpResponse::default() };
        let set =
            OkHttpResponse { query_parameters_to_set: vec![QueryParameter::default()], ..OkHttpResponse::default() };
        for allowed in [removed("a b"), query, set] {
            assert_eq!(judged(0, Some(HttpResponse::Ok(allowed))).expect_err("refused"), FAILED);
        }
        let host = judged(0, Some(HttpResponse::Ok(removed("Host")))).expect("allowed");
        assert!(host.removed.is_empty(), "a request has one");
    }

    #[test]
    fn a_denial_has_a_status_headers_and_a_body() {
        let plain = denying(0, &[], "");
        assert_eq!((plain.status, plain.text.as_deref()), (403, Some(&b""[..])));
        let twice = HeaderValueOption { append: Some(true), ..option("set-cookie", "b") };
        let reply = denying(429, &[option("set-cookie", "a"), twice, option("Location", "/x")], "slow down");
        assert_eq!((reply.status, reply.text.as_deref()), (429, Some(&b"slow down"[..])));
        assert_eq!(reply.location().map(HeaderValue::as_bytes), Some(&b"/x"[..]));
        let passed = reply.passed.expect("headers");
        assert_eq!(passed.get_all("set-cookie").iter().count(), 2);
        assert_eq!(passed["content-type"], "text/plain");
        for (code, headers) in [(101, vec![]), (600, vec![]), (-1, vec![]), (403, vec![option("te", "a")])] {
            assert_eq!(denying(code, &headers, ""), FAILED, "{code}");
        }
    }
}
