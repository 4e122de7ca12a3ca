use crate::config::PathMatching;
use std::borrow::Cow;

/// Why a request path has no normal form. Answered with 400, as nginx does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It does not begin with `/`.
    #[error("the path does not begin with '/'")]
    NotAbsolute,
    /// A `%` without two hexadecimal digits after it.
    #[error("a '%' in the path is not followed by two hexadecimal digits")]
    InvalidEscape,
    /// `%00`.
    #[error("the path contains %00")]
    Nul,
    /// More `..` than there are elements before them.
    #[error("the path climbs above the root with '..'")]
    AboveRoot,
}

/// The form of a request path (without its query) that routes are matched against; what is forwarded stays raw.
///
/// As nginx's `ngx_http_parse_complex_uri`: `%XX` is decoded, then `.` and `..` elements are resolved, and everything
/// from a bare `#` is dropped. [`PathMatching::Nginx`] also merges repeated slashes (`merge_slashes on`) and decodes
/// `%2F` into a separator; [`PathMatching::Strict`] keeps repeated slashes and leaves `%2F` as it was sent.
///
/// A path that is normal already is borrowed. The time taken is linear in the path's length, whatever it holds.
///
/// # Errors
/// The path does not begin with `/`, contains `%00` or a `%` without two hexadecimal digits after it, or leads above
/// the root.
pub fn normalize(path: &[u8], mode: PathMatching) -> Result<Cow<'_, [u8]>, BadPath> {
    if is_plain(path) {
        return Ok(Cow::Borrowed(path));
    }
    let path = memchr::memchr(b'#', path).map_or(path, |fragment| &path[..fragment]);
    let path = if path.is_empty() { b"/" } else { path };
    if path[0] != b'/' {
        return Err(BadPath::NotAbsolute);
    }
    if !path.contains(&b'%') {
        return if is_resolved(path, mode) { Ok(Cow::Borrowed(path)) } else { resolve(path, mode).map(Cow::Owned) };
    }
    let decoded = decode(path, mode)?;
    if is_resolved(&decoded, mode) { Ok(Cow::Owned(decoded)) } else { resolve(&decoded, mode).map(Cow::Owned) }
}

/// Whether a path has nothing that any mode would change, as most have not: one look at each byte.
fn is_plain(path: &[u8]) -> bool {
    let mut begins_element = false;
    let is_changed = |&byte: &u8| {
        let is_changed = matches!(byte, b'%' | b'#') || begins_element && matches!(byte, b'.' | b'/');
        begins_element = byte == b'/';
        is_changed
    };
    path.starts_with(b"/") && !path.iter().any(is_changed)
}

fn is_resolved(path: &[u8], mode: PathMatching) -> bool {
    let mut elements = path.split(|&b| b == b'/');
    !elements.any(|element| element == b"." || element == b"..")
        && (mode == PathMatching::Strict || memchr::memmem::find(path, b"//").is_none())
}

fn decode(path: &[u8], mode: PathMatching) -> Result<Vec<u8>, BadPath> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(percent) = memchr::memchr(b'%', rest) {
        decoded.extend_from_slice(&rest[..percent]);
        let (escape, after) = rest[percent..].split_first_chunk::<3>().ok_or(BadPath::InvalidEscape)?;
        match hex_byte(escape[1], escape[2]).ok_or(BadPath::InvalidEscape)? {
            0 => return Err(BadPath::Nul),
            b'/' if mode == PathMatching::Strict => decoded.extend_from_slice(escape),
            byte => decoded.push(byte),
        }
        rest = after;
    }
    decoded.extend_from_slice(rest);
    Ok(decoded)
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Resolves `.` and `..` and, in nginx mode, repeated slashes. Each byte is written once and taken back at most once.
fn resolve(path: &[u8], mode: PathMatching) -> Result<Vec<u8>, BadPath> {
    let mut resolved = Vec::with_capacity(path.len());
    resolved.push(b'/');
    let mut elements = path[1..].split(|&b| b == b'/').peekable();
    while let Some(element) = elements.next() {
        match element {
            b"." => {}
            b".." => {
                resolved.pop();
                let parent = memchr::memrchr(b'/', &resolved).ok_or(BadPath::AboveRoot)?;
                resolved.truncate(parent + 1);
            }
            b"" if mode == PathMatching::Nginx => {}
            _ => {
                resolved.extend_from_slice(element);
                if elements.peek().is_some() {
                    resolved.push(b'/');
                }
            }
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use PathMatching::{Nginx, Strict};

    #[track_caller]
    fn check(mode: PathMatching, cases: &[(&str, Result<&str, BadPath>)]) {
        for (path, expected) in cases {
            let normal = normalize(path.as_bytes(), mode);
            let text = normal.as_ref().map(|bytes| std::str::from_utf8(bytes).expect("ASCII cases")).map_err(|e| *e);
            assert_eq!(text, *expected, "{path}");
        }
    }

    #[test]
    fn both_modes_decode_and_resolve() {
        for mode in [Nginx, Strict] {
            check(
                mode,
                &[
                    ("", Ok("/")),
                    ("/a/./b", Ok("/a/b")),
                    ("/x/../admin", Ok("/admin")),
                    ("/%66oo", Ok("/foo")),
                    ("/%2e%2E/x", Err(BadPath::AboveRoot)),
                    ("/a/%2e%2e/b", Ok("/b")),
                    ("/a/.", Ok("/a/")),
                    ("/a/..", Ok("/")),
                    ("/a/b/..", Ok("/a/")),
                    ("/...", Ok("/...")),
                    ("/.well-known/..x", Ok("/.well-known/..x")),
                    ("/%252e", Ok("/%2e")),
                    ("/foo%3Fx=1", Ok("/foo?x=1")),
                    ("/a%23b", Ok("/a#b")),
                    ("/a#b", Ok("/a")),
                    ("/../../etc/passwd", Err(BadPath::AboveRoot)),
                    ("/a/../..", Err(BadPath::AboveRoot)),
                    ("/%", Err(BadPath::InvalidEscape)),
                    ("/%4", Err(BadPath::InvalidEscape)),
                    ("/%+1", Err(BadPath::InvalidEscape)),
                    ("/%zz", Err(BadPath::InvalidEscape)),
                    ("/a%00", Err(BadPath::Nul)),
                    ("*", Err(BadPath::NotAbsolute)),
                ],
            );
        }
    }

    #[test]
    fn the_modes_differ_in_slashes() {
        check(
            Nginx,
            &[
                ("/a//b", Ok("/a/b")),
                ("//foo", Ok("/foo")),
                ("/foo//", Ok("/foo/")),
                ("/a%2Fb", Ok("/a/b")),
                ("/a/%2f/b", Ok("/a/b")),
                ("/a//..", Ok("/")),
                ("/a%2f..", Ok("/")),
            ],
        );
        check(
            Strict,
            &[
                ("/a//b", Ok("/a//b")),
                ("//foo", Ok("//foo")),
                ("/foo//", Ok("/foo//")),
                ("/a%2Fb", Ok("/a%2Fb")),
                ("/a//..", Ok("/a/")),
                ("/a%2f../b", Ok("/a%2f../b")),
            ],
        );
    }

    #[test]
    fn a_normal_path_is_borrowed() {
        for path in ["/", "/shop/cart", "/.well-known/acme-challenge/token", "/a..b/.c"] {
            assert!(matches!(normalize(path.as_bytes(), Nginx), Ok(Cow::Borrowed(_))), "{path}");
        }
        assert!(matches!(normalize(b"/a//b", Strict), Ok(Cow::Borrowed(_))));
    }
}
