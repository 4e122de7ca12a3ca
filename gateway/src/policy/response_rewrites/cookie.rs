//! The attributes of a `Set-Cookie`, as nginx: ngx_http_proxy_parse_cookie.

use std::borrow::Cow;

/// Name and value of a cookie, or of one of its attributes. One such as `Secure` has no value.
struct Attribute<'a> {
    name: &'a [u8],
    value: Option<Cow<'a, [u8]>>,
}

/// The cookie with other values of its attributes: those that `change` gives for a name and a value. `None` where it gives
/// none, or where there is no cookie. Of a changed one all blanks around names and values are gone.
pub(super) fn with_attributes(
    cookie: &[u8],
    mut change: impl FnMut(&[u8], &[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut parts: Vec<_> = cookie.split(|byte| *byte == b';').map(Attribute::parse).collect();
    let (cookie, attributes) = parts.split_first_mut()?;
    cookie.value.as_ref()?;
    let mut is_changed = false;
    for Attribute { name, value } in attributes {
        if let Some(new) = value.as_ref().and_then(|value| change(name, value)) {
            *value = Some(Cow::Owned(new));
            is_changed = true;
        }
    }
    is_changed.then(|| write(&parts))
}

fn write(parts: &[Attribute<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, Attribute { name, value }) in parts.iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(name);
        if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
    out
}

impl<'a> Attribute<'a> {
    fn parse(text: &'a [u8]) -> Self {
        match memchr::memchr(b'=', text) {
            Some(sign) => Self {
                name: without_spaces(&text[..sign]),
                value: Some(Cow::Borrowed(without_spaces(&text[sign + 1..]))),
            },
            None => Self { name: without_spaces(text), value: None },
        }
    }
}

/// Spaces only: a tab is part of a value.
fn without_spaces(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = text {
        text = rest;
    }
    text
}
