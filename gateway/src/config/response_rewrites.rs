use super::Template;
use std::sync::Arc;

/// What of a backend's responses is rewritten, so that they do not lead clients to the backend's own addresses. In each
/// list the first rule that fits counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResponseRewrites {
    /// `proxy_redirect`: of `Location`, and of the URL in `Refresh`. A text is what they begin with. Default none.
    pub redirects: Arc<[ResponseRewrite]>,
    /// `proxy_cookie_domain`: of the `Domain` in `Set-Cookie`. A text is all of it, without regard to case and to a dot
    /// before it. Default none.
    pub cookie_domains: Arc<[ResponseRewrite]>,
    /// `proxy_cookie_path`: of the `Path` in `Set-Cookie`. A text is what it begins with. Default none.
    pub cookie_paths: Arc<[ResponseRewrite]>,
}

/// A rule: what it fits, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResponseRewrite {
    /// What it fits.
    pub from: RewriteFrom,
    /// What takes the place of the text, or of all that a pattern was tried on. `$1` to `$9` and named groups are those of
    /// the pattern.
    pub to: Template,
}

/// What a [`ResponseRewrite`] fits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RewriteFrom {
    /// A text.
    Text(Template),
    /// `~` and `~*`: a regular expression of PCRE's syntax, which may match anywhere.
    Pattern {
        /// The expression.
        pattern: Arc<str>,
        /// `~*`: without regard to case.
        ignores_case: bool,
    },
}

impl ResponseRewrites {
    /// The most rules of one list.
    pub const MAX_RULES: usize = 100;
    /// Characters of all regular expressions of one list, with their repetitions written out.
    pub const MAX_PATTERNS: usize = 10_000;
}
