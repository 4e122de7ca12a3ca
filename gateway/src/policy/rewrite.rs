//! `rewrite-target`: the whole path is replaced by constant text and the captured groups of the path's regular
//! expression. Where the text is a URL, the client is redirected there.

use super::invalid::Invalid;
use crate::config;
use crate::connection::Connection;
use crate::pattern::{Anchor, Groups, Pattern, PatternLimit};
use crate::request::{Reason, Reply};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use std::ops::ControlFlow;

/// What nginx's `ngx_escape_uri` escapes in a path (`NGX_ESCAPE_URI`, since nginx 1.21.1). Bytes above ASCII are
/// escaped too.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same in arguments (`NGX_ESCAPE_ARGS`).
pub(super) const ESCAPED_ARGUMENT: &AsciiSet = &ESCAPED.add(b'&').add(b'+').add(b';');

/// A compiled rewrite, as nginx's `rewrite "(?i)PATTERN" TARGET break`.
#[derive(Debug)]
pub struct Rewrite {
    pattern: Pattern,
    target: Target,
    forwarded_prefix: Option<Replacement>,
}

#[derive(Debug)]
enum Target {
    /// The backend gets this path.
    Path(Replacement),
    /// The client is redirected to this URL.
    Url(Replacement),
    /// The same with the scheme of the connection before it, for `$scheme://`.
    UrlWithScheme(Replacement),
}

/// A request after its rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The request target for the backend: begins with `/`, is escaped, and ends with the client's query.
    pub target: Vec<u8>,
    /// `X-Forwarded-Prefix`, if it is set. Escaped like a path, because groups hold decoded bytes.
    pub forwarded_prefix: Option<String>,
}

/// Why a request is not rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteLimit {
    /// Matching the pattern takes too long.
    Pattern,
    /// What comes of it is longer than [`config::Rewrite::MAX_RENDERED`].
    Length,
}

impl From<PatternLimit> for RewriteLimit {
    fn from(_: PatternLimit) -> Self {
        Self::Pattern
    }
}

impl From<RewriteLimit> for Reply {
    fn from(limit: RewriteLimit) -> Self {
        match limit {
            RewriteLimit::Pattern => Self::new(500, Reason::PatternLimit),
            RewriteLimit::Length => Self::new(414, Reason::RewriteTooLong),
        }
    }
}

/// Redirects a request whose rewrite leads to a URL, as nginx does before anything that may refuse the client.
pub(crate) fn redirect(
    rewrite: Option<&Rewrite>,
    path: &[u8],
    query: Option<&[u8]>,
    connection: &Connection,
) -> ControlFlow<Reply> {
    let Some(rewrite) = rewrite else { return ControlFlow::Continue(()) };
    match rewrite.location(path, query, connection.scheme()) {
        Ok(None) => ControlFlow::Continue(()),
        Ok(Some(location)) => ControlFlow::Break(Reply::redirect(302, Reason::RewriteRedirect, &location)),
        Err(limit) => ControlFlow::Break(limit.into()),
    }
}

impl Rewrite {
    /// Compiles a rewrite. The pattern may match anywhere in the path and disregards case.
    ///
    /// # Errors
    /// The pattern is not a regular expression that Adit supports, a `$` in the target or prefix has no digit from 1 to 9
    /// after it, or one of them exceeds [`config::Rewrite::MAX_LENGTH`] or [`config::Rewrite::MAX_GROUPS`].
    pub fn compile(rewrite: &config::Rewrite) -> Result<Self, Invalid> {
        let config::Rewrite { pattern, target, forwarded_prefix } = rewrite;
        let compiled = Pattern::new(pattern, Anchor::Anywhere);
        Ok(Self {
            pattern: compiled.map_err(|error| Invalid { value: pattern.clone(), reason: error.to_string() })?,
            target: Target::parse(target)?,
            forwarded_prefix: forwarded_prefix.as_deref().map(Replacement::parse).transpose()?,
        })
    }

    /// Rewrites a [normalised](crate::request::normalize) path and keeps the raw query (without `?`). `None`: the pattern
    /// does not match, or the target is a URL, and the request goes as it came.
    ///
    /// # Errors
    /// Matching the pattern takes too long, or the result is too long.
    pub fn apply(&self, path: &[u8], query: Option<&[u8]>) -> Result<Option<Rewritten>, RewriteLimit> {
        let Target::Path(replacement) = &self.target else { return Ok(None) };
        let Some(groups) = self.pattern.groups(path)? else { return Ok(None) };
        let mut target = replacement.render(&groups)?;
        if !target.starts_with('/') {
            target.insert(0, '/');
        }
        let target = with_query(target, query);
        let forwarded_prefix = self.forwarded_prefix.as_ref().map(|prefix| prefix.render(&groups)).transpose()?;
        Ok(Some(Rewritten { target, forwarded_prefix }))
    }

    /// Whether it changes this path, or leads to a URL.
    ///
    /// # Errors
    /// Matching the pattern takes too long.
    pub fn matches(&self, path: &[u8]) -> Result<bool, RewriteLimit> {
        Ok(self.pattern.is_match(path)?)
    }

    /// The URL to redirect to, where the target is one and the pattern matches.
    fn location(&self, path: &[u8], query: Option<&[u8]>, scheme: &str) -> Result<Option<Vec<u8>>, RewriteLimit> {
        let (scheme, replacement) = match &self.target {
            Target::Path(_) => return Ok(None),
            Target::Url(url) => ("", url),
            Target::UrlWithScheme(rest) => (scheme, rest),
        };
        let Some(groups) = self.pattern.groups(path)? else { return Ok(None) };
        let mut location = replacement.render(&groups)?;
        location.insert_str(0, scheme);
        Ok(Some(with_query(location, query)))
    }
}

/// The request target of a decoded path and arguments.
pub(super) fn target(path: &[u8], arguments: Option<&[u8]>) -> Vec<u8> {
    with_query(percent_encode(path, ESCAPED).to_string(), arguments)
}

fn with_query(target: String, query: Option<&[u8]>) -> Vec<u8> {
    let mut target = target.into_bytes();
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    target
}

impl Target {
    /// As nginx: what begins with a scheme is a redirect.
    fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(rest) = text.strip_prefix("$scheme").filter(|rest| rest.starts_with("://")) {
            return Replacement::parse(rest).map(Self::UrlWithScheme);
        }
        let is_url = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        Replacement::parse(text).map(if is_url { Self::Url } else { Self::Path })
    }
}

/// Text with `$1` to `$9` in it, parsed.
#[derive(Debug)]
struct Replacement(Box<[Piece]>);

#[derive(Debug)]
enum Piece {
    /// Constant text, escaped.
    Text(Box<str>),
    /// What this group has captured, or nothing.
    Group(usize),
}

impl Replacement {
    /// As nginx: one digit makes a group, so `$10` is `$1` and a zero.
    fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |reason: &str| Invalid { value: text.into(), reason: reason.to_owned() };
        if let Some(excess) = config::Rewrite::excess(text) {
            return Err(invalid(excess));
        }
        let mut parts = text.split('$');
        let constant = |part: &str| Piece::Text(percent_encode(part.as_bytes(), ESCAPED).to_string().into());
        let mut pieces = vec![constant(parts.next().unwrap_or_default())];
        for part in parts {
            let (digit, rest) = part.split_at_checked(1).unwrap_or_default();
            let number = digit.parse().ok().filter(|number| (1..=9).contains(number));
            let reason = "has a '$' without a digit from 1 to 9: expected $1 to $9, the groups of the path";
            pieces.extend([Piece::Group(number.ok_or_else(|| invalid(reason))?), constant(rest)]);
        }
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces.into()))
    }

    fn render(&self, groups: &Groups<'_>) -> Result<String, RewriteLimit> {
        let mut rendered = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => rendered.push_str(text),
                Piece::Group(number) => rendered.extend(percent_encode(groups[*number], ESCAPED)),
            }
            if rendered.len() > config::Rewrite::MAX_RENDERED {
                return Err(RewriteLimit::Length);
            }
        }
        Ok(rendered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PathMatching;
    use crate::request::normalize;
    use std::sync::Arc;

    fn compile(pattern: &str, target: &str, prefix: Option<&str>) -> Result<Rewrite, Invalid> {
        let forwarded_prefix = prefix.map(Arc::from);
        Rewrite::compile(&config::Rewrite { pattern: pattern.into(), target: target.into(), forwarded_prefix })
    }

    /// The target that the backend gets for a raw path in nginx mode.
    fn rewrite(pattern: &str, target: &str, path: &str) -> Option<String> {
        let path = normalize(path.as_bytes(), PathMatching::Nginx).expect("a good path");
        let rewritten = compile(pattern, target, None).expect("valid").apply(&path, None).expect("within the limit");
        rewritten.map(|rewritten| String::from_utf8(rewritten.target).expect("text"))
    }

    #[test]
    fn the_whole_path_is_replaced() {
        for (case, pattern, target, path, expected) in [
            ("W01", "/something", "/", "/something/x", "/"),
            ("W04", "/something(/|$)(.*)", "/$2", "/something", "/"),
            ("W04", "/something(/|$)(.*)", "/$2", "/something/", "/"),
            ("W04", "/something(/|$)(.*)", "/$2", "/something/new", "/new"),
            ("W09", "/foo", "/bar", "/FOOxyz", "/bar"),
            ("W10", "/api(/|$)(.*)", "/$2", "/api/a%20b", "/a%20b"),
            ("W13", "/api(/|$)(.*)", "/$2", "/api//x", "/x"),
            ("W18", "/a/(.*)", "/$3", "/a/x", "/"),
            ("anywhere", "/b", "/c", "/a/b", "/c"),
            ("one digit", "/(a)", "/$10", "/a", "/a0"),
            ("no slash", "/a(.*)", "$1", "/ab", "/b"),
            ("double slash", "/a(.*)", "/$1", "/a/b", "//b"),
            ("escapes", "/a(.*)", "/x y$1", "/a/%23%25%3f%22%7c%e2%82%ac%0d/~", "/x%20y/%23%25%3F%22%7C%E2%82%AC%0D/~"),
            ("look-ahead", "/(?!api)(.*)", "/v1/$1", "/shop", "/v1/shop"),
        ] {
            assert_eq!(rewrite(pattern, target, path).as_deref(), Some(expected), "{case}: {pattern} {path}");
        }
        assert_eq!(rewrite("/b", "/c", "/a"), None);
    }

    #[test]
    fn the_query_is_kept_as_it_is() {
        let rewrite = compile("/a", "/b", None).expect("valid");
        let target = |query| rewrite.apply(b"/a", query).expect("literal").expect("match").target;
        assert_eq!(target(Some(&b"x=%2F&y=\"\xff"[..])), b"/b?x=%2F&y=\"\xff");
        assert_eq!(target(Some(b"")), b"/b");
    }

    #[test]
    fn the_forwarded_prefix_has_groups_and_no_raw_bytes() {
        let prefix = |prefix: &str, path: &[u8]| {
            let rewrite = compile("/(a[^/]*)/.*", "/", Some(prefix)).expect("valid");
            rewrite.apply(path, None).expect("linear").expect("match").forwarded_prefix
        };
        assert_eq!(prefix("/test/value", b"/a/x").as_deref(), Some("/test/value"));
        assert_eq!(prefix("/$1", b"/ab/x").as_deref(), Some("/ab"));
        assert_eq!(prefix("/$1", b"/a\r\nX: y/x").as_deref(), Some("/a%0D%0AX:%20y"));
    }

    #[test]
    fn refuses_what_is_no_group() {
        for target in ["/$", "/$x", "/$0", "/${1}", "/$é"] {
            let error = compile("/", target, None).expect_err("not a group");
            assert_eq!(&*error.value, target);
        }
        assert_eq!(&*compile("/(", "/", None).expect_err("unclosed").value, "/(");
        assert!(compile("/", "/", Some("/$")).is_err());
    }

    #[test]
    fn what_is_read_and_what_is_rendered_is_bounded() {
        let groups = |count: usize| format!("/{}", "$1".repeat(count));
        let most = config::Rewrite::MAX_GROUPS;
        assert!(compile("/", &groups(most + 1), None).is_err() && compile("/", "/", Some(&groups(most + 1))).is_err());
        assert!(compile("/", &"/".repeat(config::Rewrite::MAX_LENGTH + 1), None).is_err());
        let rewrite = compile("/(.*)", &groups(most), None).expect("valid");
        let path = |length: usize| format!("/{}", "a".repeat(length));
        assert!(rewrite.apply(path(100).as_bytes(), None).is_ok());
        assert_eq!(rewrite.apply(path(8000).as_bytes(), None), Err(RewriteLimit::Length));
    }

    #[test]
    fn a_url_is_a_location() {
        let location = |target: &str, path: &[u8]| {
            let rewrite = compile("/a/(.*)", target, None).expect("valid");
            assert_eq!(rewrite.apply(path, None), Ok(None));
            let location = rewrite.location(path, Some(b"q"), "http").expect("within the limit");
            location.map(|location| String::from_utf8(location).expect("text"))
        };
        for (target, expected) in [
            ("https://other.example/$1", Some("https://other.example/b%0D%3F?q")),
            ("http://other.example", Some("http://other.example?q")),
            ("$scheme://other.example/$1", Some("http://other.example/b%0D%3F?q")),
        ] {
            assert_eq!(location(target, b"/a/b\r?").as_deref(), expected, "{target}");
        }
        assert_eq!(location("https://other.example/$1", b"/b"), None);
    }
}
