use super::matcher::{Fault, Matcher};
use crate::config::{self, Piece, RewriteFlag, Variable};
use crate::policy::rewrite::ESCAPED_ARGUMENT;
use crate::telemetry::RequestInfo;
use crate::variables::Values;
use percent_encoding::percent_encode;
use std::sync::Arc;

/// A compiled `rewrite`.
#[derive(Debug)]
pub(super) struct Rewrite {
    pub(super) matcher: Matcher,
    pub(super) flag: RewriteFlag,
    drops_arguments: bool,
    parts: Box<[Part]>,
    /// The replacement has arguments of its own.
    has_arguments: bool,
}

#[derive(Debug)]
enum Part {
    Text(Arc<str>),
    Variable(Variable),
    /// `?`: arguments begin.
    Arguments,
}

/// What a replacement makes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The path, decoded: it is escaped when it is sent.
    pub(super) path: Vec<u8>,
    /// The arguments; none if it is empty.
    pub(super) arguments: Vec<u8>,
}

impl Rewrite {
    pub(super) fn new(rewrite: &config::RewriteStatement, matcher: Matcher) -> Self {
        let parts: Box<[Part]> = rewrite.replacement.0.iter().flat_map(parts).collect();
        Self {
            matcher,
            flag: rewrite.flag,
            drops_arguments: rewrite.drops_arguments,
            has_arguments: parts.iter().any(|part| matches!(part, Part::Arguments)),
            parts,
        }
    }

    /// Whether the client is redirected to what it makes.
    pub(super) fn redirects(&self) -> bool {
        matches!(self.flag, RewriteFlag::Redirect | RewriteFlag::Permanent)
    }

    /// The new path and arguments, as nginx: ngx_http_script_regex_end_code. Of several `?` the last begins the arguments,
    /// and none stays.
    pub(super) fn target(&self, info: &RequestInfo<'_>, arguments: &[u8], limit: usize) -> Result<Target, Fault> {
        let (mut out, mut start) = (Vec::new(), None);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Variable(variable) => insert(variable, start.is_some(), info, &mut out),
                Part::Arguments => start = Some(out.len()),
            }
            check(&out, limit)?;
        }
        let own = start.map(|start| out.split_off(start));
        let arguments = if self.drops_arguments { b"" } else { arguments };
        let arguments = match own {
            Some(own) if arguments.is_empty() => own,
            Some(own) => [&own, &b"&"[..], arguments].concat(),
            None => arguments.to_vec(),
        };
        check(&arguments, limit)?;
        Ok(Target { path: out, arguments })
    }

    /// The location of a redirect, as nginx: ngx_http_script_regex_end_code. Groups are escaped, and then what needs it
    /// not in a path is written plainly again.
    pub(super) fn location(&self, info: &RequestInfo<'_>, arguments: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Variable(variable) => insert(variable, true, info, &mut out),
                Part::Arguments => out.push(b'?'),
            }
            check(&out, limit)?;
        }
        let mut location = unescape(&out);
        if !self.drops_arguments && !arguments.is_empty() {
            location.push(if self.has_arguments { b'&' } else { b'?' });
            location.extend_from_slice(arguments);
        }
        check(&location, limit)?;
        Ok(location)
    }
}

fn check(text: &[u8], limit: usize) -> Result<(), Fault> {
    if text.len() > limit { Err(Fault::TargetTooLong) } else { Ok(()) }
}

/// A literal text is split where arguments begin.
fn parts(piece: &Piece) -> Vec<Part> {
    let Piece::Literal(text) = piece else {
        let Piece::Variable(variable) = piece else { return Vec::new() };
        return vec![Part::Variable(variable.clone())];
    };
    let mut parts = Vec::new();
    for (number, text) in text.split('?').enumerate() {
        if number > 0 {
            parts.push(Part::Arguments);
        }
        parts.push(Part::Text(text.into()));
    }
    parts
}

/// Appends a variable's value. A group is escaped where `escapes` is set and the path was sent escaped, as nginx:
/// ngx_http_script_copy_capture_code.
pub(super) fn insert(variable: &Variable, escapes: bool, values: &RequestInfo<'_>, out: &mut Vec<u8>) {
    match variable {
        Variable::Group(number) if escapes && is_quoted(values.target) => {
            let group = values.assigned.and_then(|assigned| assigned.group(*number)).unwrap_or_default();
            out.extend(percent_encode(group, ESCAPED_ARGUMENT).flat_map(str::bytes));
        }
        _ => {
            values.value(variable, out);
        }
    }
}

/// Whether the path of a target has something escaped in it, or a plus: nginx's `quoted_uri` and `plus_in_uri`.
fn is_quoted(target: &[u8]) -> bool {
    let path = memchr::memchr(b'?', target).map_or(target, |end| &target[..end]);
    memchr::memchr2(b'%', b'+', path).is_some()
}

/// Up to the arguments, decodes what may stand plainly, as nginx: ngx_unescape_uri with NGX_UNESCAPE_REDIRECT.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let escaped = rest.split_first_chunk::<3>().and_then(|(escape, after)| Some((hex_byte(escape)?, after)));
        match escaped {
            Some((plain @ b'&'..0x7f, after)) => {
                out.push(plain);
                rest = after;
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
        if out.last() == Some(&b'?') {
            break;
        }
    }
    out.extend_from_slice(rest);
    out
}

fn hex_byte(escape: &[u8; 3]) -> Option<u8> {
    let [b'%', high, low] = escape else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_unescaped_up_to_their_arguments() {
        for (text, expected) in [
            ("/a%2Fb%20c%2B?d%2Fe", "/a/b%20c+?d%2Fe"),
            ("/a%3Fb%2F", "/a?b%2F"),
            ("/%25%26%7e%7F%E2", "/%25&~%7F%E2"),
            ("/%", "/%"),
            ("/%zz%4", "/%zz%4"),
        ] {
            assert_eq!(String::from_utf8(unescape(text.as_bytes())).expect("text"), expected, "{text}");
        }
    }
}
