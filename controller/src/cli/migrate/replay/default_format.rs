//! ingress-nginx's `log-format-upstream`, as it is unless the ConfigMap has another:
//! `AccessLog::DEFAULT_FORMAT` in the gateway, which writes the same.

use super::parts::{Parts, Unreadable};
use std::borrow::Cow;

/// Reads a line. Of quotes it has six: nginx escapes those in values.
pub(super) fn parse(line: &str) -> Result<Parts<'_>, Unreadable> {
    let mut quoted = line.split('"');
    let mut next = || quoted.next().ok_or(Unreadable::Format);
    let (before, request, numbers, referer, _, user_agent, rest) =
        (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    let (upstream, address) = upstream(rest).ok_or(Unreadable::Format)?;
    let status = numbers.split_whitespace().next().ok_or(Unreadable::Format)?;
    if quoted.next().is_some() {
        return Err(Unreadable::Format);
    }
    let (method, target) = request_line(request).unwrap_or_default();
    Ok(Parts {
        client: before.split(' ').next().unwrap_or_default().into(),
        method: method.into(),
        target: unescape(target),
        status: status.into(),
        upstream: Some(upstream.into()),
        upstream_address: address.into(),
        user_agent: user_agent.into(),
        referer: referer.into(),
        ..Parts::default()
    })
}

/// Method and target of a request line.
pub(super) fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, rest) = line.split_once(' ')?;
    let (target, protocol) = rest.rsplit_once(' ')?;
    protocol.starts_with("HTTP/").then_some((method, target))
}

/// The upstream's name, and the first address that was tried.
fn upstream(rest: &str) -> Option<(&str, &str)> {
    let (_, rest) = rest.split_once('[')?;
    let (name, rest) = rest.split_once(']')?;
    let (_, rest) = rest.split_once('[')?.1.split_once(']')?;
    Some((name, rest.split_whitespace().next()?))
}

/// Takes back nginx's `\xHH`.
fn unescape(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('\\') {
        return text.as_bytes().into();
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let escaped = after.strip_prefix(b"x").and_then(|after| after.get(..2));
        let escaped = escaped.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        match escaped.filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_taken_back() {
        for (text, expected) in [
            ("/plain", &b"/plain"[..]),
            (r"/\xFF\x5Cx", b"/\xff\\x"),
            (r"/\x5", br"/\x5"),
            (r"/\xGG\", br"/\xGG\"),
            ("/\\x\u{e9}\u{e9}", "/\\x\u{e9}\u{e9}".as_bytes()),
        ] {
            assert_eq!(&*unescape(text), expected, "{text}");
        }
    }
}
