//! What clients say of themselves in the header `Authorization`.

use crate::headers::{Fields, Headers};

/// What a client answers to a challenge.
#[derive(Debug)]
pub(super) struct Credentials(Vec<(String, String)>);

impl Credentials {
    /// Those of a request, if it has them in one header and each parameter once.
    pub(super) fn of(headers: &Headers) -> Option<Self> {
        let mut values = headers.values("authorization");
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, mut rest) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        let mut parameters: Vec<(String, String)> = Vec::new();
        while !rest.trim_start().is_empty() {
            let (name, value, after) = parameter(rest)?;
            let name = name.to_ascii_lowercase();
            if parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
            rest = after;
        }
        scheme.eq_ignore_ascii_case("digest").then_some(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How often the client has used the nonce, as it says.
    pub(super) fn count(&self) -> Option<u32> {
        let is_count = |count: &&str| count.len() == 8 && count.bytes().all(|digit| digit.is_ascii_hexdigit());
        self.get("nc").filter(is_count).and_then(|count| u32::from_str_radix(count, 16).ok())
    }
}

/// Splits `name=token` or `name="text"` off, and the comma behind it (RFC 9110, section 11.2).
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest[..end].trim_end().to_owned(), &rest[end..])
        }
    };
    let rest = rest.trim_start();
    match rest.strip_prefix(',') {
        Some(after) => Some((name.trim(), value, after)),
        None => rest.is_empty().then_some((name.trim(), value, rest)),
    }
}

/// The text before the next quotation mark, and what follows that.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            _ => value.push(letter),
        }
    }
    None
}
