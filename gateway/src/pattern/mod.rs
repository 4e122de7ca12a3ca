//! Regular expressions as nginx has them.

mod cost;
mod error;
mod pcre;

pub use cost::{MatchBudget, PatternLimit};
pub use error::PatternError;

use pcre::Translated;
use std::fmt;
use std::sync::Arc;

/// Characters of one pattern with its repetitions written out: [`Pattern::size`]. A larger one is refused.
const PATTERN_SIZE_LIMIT: usize = 10_000;
/// Bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 1 << 20;
/// Bytes that a search may keep per thread for a pattern's lazily built automaton.
const CACHE_LIMIT: usize = 256 << 10;
/// How often the backtracking engine may go back in one match: tenths of a millisecond, which the other requests of the
/// worker wait for. `((?!x).)*$` goes back once for each byte, of which there may be 2 KiB. It counts nothing else, so what
/// it does in between is limited too: characters of a pattern with its repetitions written out, and bytes that are searched.
const BACKTRACK_LIMIT: usize = 2_500;
const BACKTRACKING_SIZE_LIMIT: usize = 1000;
const BACKTRACKING_HAYSTACK_LIMIT: usize = 2 << 10;

/// A regular expression as nginx has them: PCRE syntax over bytes, `\d`, `\w` and case being ASCII's. The only place where
/// Adit compiles one.
///
/// Text without metacharacters costs no automaton. Everything that can be decided in linear time is; what looks
/// around or refers back runs on a backtracking engine with a limit on its steps.
pub struct Pattern {
    text: Arc<str>,
    engine: Engine,
    /// What a match begins with, where it begins at the start: compared before anything is searched.
    prefix: Box<str>,
    case: Case,
    size: usize,
}

enum Engine {
    Literal(Arc<str>, Anchor, Case),
    Linear(regex::bytes::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// Where a match may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Only at the start: the expression is `^` and the text, as nginx locations of ingress-nginx are.
    Start,
    /// Anywhere.
    Anywhere,
}

/// Whether case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It counts, as in values of headers.
    Sensitive,
    /// It does not, as in paths and hosts.
    Insensitive,
}

/// How a pattern is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternClass {
    /// By comparing text.
    Literal,
    /// In time linear in what is searched.
    Linear,
    /// On the backtracking engine: some requests may be answered with 500 because matching them takes too long.
    Backtracking,
}

/// What the groups of a match took, by number; 0 is the whole match. Groups that do not exist or took no part are
/// empty.
pub type Groups<'h> = [&'h [u8]; 10];

impl Pattern {
    /// Compiles a pattern that disregards case.
    ///
    /// # Errors
    /// The text is malformed, uses what Adit does not have, or is too large.
    pub fn new(text: &Arc<str>, anchor: Anchor) -> Result<Self, PatternError> {
        Self::compile(text, anchor, Case::Insensitive)
    }

    /// Compiles a pattern.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn compile(text: &Arc<str>, anchor: Anchor, case: Case) -> Result<Self, PatternError> {
        let Translated { text: mut translated, literal, prefix, backtracking, size } = pcre::translate(text)?;
        let prefix = if anchor == Anchor::Start { prefix } else { String::new() };
        if anchor == Anchor::Start {
            translated.insert(0, '^');
        }
        let engine = match literal {
            Some(literal) if *literal == **text => Engine::Literal(Arc::clone(text), anchor, case),
            Some(literal) => Engine::Literal(literal.into(), anchor, case),
            None if size > PATTERN_SIZE_LIMIT => return Err(PatternError::TooLarge),
            None if backtracking && size > BACKTRACKING_SIZE_LIMIT => return Err(PatternError::TooLarge),
            None if backtracking => Engine::Backtracking(Box::new(backtracking_engine(&translated, case)?)),
            None => Engine::Linear(linear_engine(&translated, case)?),
        };
        Ok(Self { text: Arc::clone(text), engine, prefix: prefix.into(), case, size })
    }

    /// Whether a text is a pattern, and how it would be matched.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn check(text: &str) -> Result<PatternClass, PatternError> {
        Self::new(&text.into(), Anchor::Start).map(|pattern| pattern.class())
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is matched.
    pub fn class(&self) -> PatternClass {
        match self.engine {
            Engine::Literal(..) => PatternClass::Literal,
            Engine::Linear(_) => PatternClass::Linear,
            Engine::Backtracking(_) => PatternClass::Backtracking,
        }
    }

    /// How many characters, classes and assertions it is when its repetitions are written out: what compiling it costs,
    /// and matching it for each byte at worst. Nothing for a literal.
    pub fn size(&self) -> usize {
        match self.engine {
            Engine::Literal(..) => 0,
            Engine::Linear(_) | Engine::Backtracking(_) => self.size,
        }
    }

    fn has_prefix(&self, haystack: &[u8]) -> bool {
        let prefix = self.prefix.as_bytes();
        haystack.get(..prefix.len()).is_some_and(|start| self.case.equal(start, prefix))
    }

    /// How many groups it has.
    pub fn group_count(&self) -> usize {
        // Both count the whole match, too.
        let with_whole = match &self.engine {
            Engine::Literal(..) => 1,
            Engine::Linear(regex) => regex.captures_len(),
            Engine::Backtracking(regex) => regex.captures_len(),
        };
        with_whole.saturating_sub(1)
    }

    /// Whether it matches.
    ///
    /// # Errors
    /// Matching takes too long.
    pub fn is_match(&self, haystack: &[u8]) -> Result<bool, PatternLimit> {
        self.is_match_within(haystack, &mut MatchBudget::default())
    }

    /// Whether it matches, where several patterns are tried for one request.
    ///
    /// # Errors
    /// Matching takes too long, or all of it together would.
    pub fn is_match_within(&self, haystack: &[u8], budget: &mut MatchBudget) -> Result<bool, PatternLimit> {
        if !self.has_prefix(haystack) {
            return Ok(false);
        }
        budget.spend(self.size(), haystack)?;
        match &self.engine {
            Engine::Literal(literal, anchor, case) => {
                Ok(find_literal(literal.as_bytes(), *anchor, *case, haystack).is_some())
            }
            Engine::Linear(regex) => Ok(regex.is_match(haystack)),
            Engine::Backtracking(regex) => regex.is_match(bounded(haystack)?).map_err(|_| PatternLimit),
        }
    }

    /// The groups of the first match.
    ///
    /// # Errors
    /// Matching takes too long.
    pub fn groups<'h>(&self, haystack: &'h [u8]) -> Result<Option<Groups<'h>>, PatternLimit> {
        if !self.has_prefix(haystack) {
            return Ok(None);
        }
        MatchBudget::default().spend(self.size(), haystack)?;
        let numbered =
            |group: &dyn Fn(usize) -> Option<&'h [u8]>| std::array::from_fn(|n| group(n).unwrap_or_default());
        Ok(match &self.engine {
            Engine::Literal(literal, anchor, case) => {
                let whole = find_literal(literal.as_bytes(), *anchor, *case, haystack);
                whole.map(|whole| numbered(&|n| (n == 0).then_some(whole)))
            }
            Engine::Linear(regex) => {
                regex.captures(haystack).map(|found| numbered(&|n| found.get(n).map(|group| group.as_bytes())))
            }
            Engine::Backtracking(regex) => {
                let found = regex.captures(bounded(haystack)?).map_err(|_| PatternLimit)?;
                found.map(|found| numbered(&|n| found.get(n).map(|group| &haystack[group.range()])))
            }
        })
    }
}

impl Case {
    fn equal(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Self::Insensitive => a.eq_ignore_ascii_case(b),
            Self::Sensitive => a == b,
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({:?})", self.class(), self.text)
    }
}

/// Searching anywhere is quadratic at worst, but what is searched that way is a host name, or a path that begins with
/// the literal.
fn find_literal<'h>(literal: &[u8], anchor: Anchor, case: Case, haystack: &'h [u8]) -> Option<&'h [u8]> {
    let is_here = |candidate: &&[u8]| case.equal(candidate, literal);
    match anchor {
        _ if literal.is_empty() => Some(b""),
        Anchor::Start => haystack.get(..literal.len()).filter(is_here),
        Anchor::Anywhere => haystack.windows(literal.len()).find(is_here),
    }
}

fn linear_engine(text: &str, case: Case) -> Result<regex::bytes::Regex, PatternError> {
    let built = regex::bytes::RegexBuilder::new(text)
        .unicode(false)
        .case_insensitive(case == Case::Insensitive)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(CACHE_LIMIT)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
        error => PatternError::Syntax(summary(&error)),
    })
}

fn bounded(haystack: &[u8]) -> Result<&[u8], PatternLimit> {
    if haystack.len() > BACKTRACKING_HAYSTACK_LIMIT { Err(PatternLimit) } else { Ok(haystack) }
}

fn backtracking_engine(text: &str, case: Case) -> Result<fancy_regex::Regex, PatternError> {
    let built = fancy_regex::RegexBuilder::new(text)
        .bytes_mode(fancy_regex::BytesMode::Ascii)
        .case_insensitive(case == Case::Insensitive)
        .backtrack_limit(BACKTRACK_LIMIT)
        .delegate_size_limit(SIZE_LIMIT)
        .delegate_dfa_size_limit(CACHE_LIMIT)
        .build();
    built.map_err(|error| PatternError::Syntax(summary(&error)))
}

/// The last line of an engine's message: those before it draw the pattern.
fn summary(error: &dyn fmt::Display) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(&text.into(), Anchor::Start).expect("valid")
    }

    fn matches(text: &str, haystack: &str) -> bool {
        pattern(text).is_match(haystack.as_bytes()).expect("within the limit")
    }

    #[test]
    fn matches_as_a_location_of_ingress_nginx() {
        for (text, matching, other) in [
            ("/id/[0-9]+", "/id/123a", "/id/aaa"),
            ("/id/[0-9]+$", "/id/1", "/id/123a"),
            ("/id/[0-9]{3}$", "/id/123", "/id/9999"),
            ("/foo", "/FOObar", "/x/foo"),
            (r"/a\.b", "/a.b", "/axb"),
            ("/(a|b)/x", "/A/x", "/c/x"),
            (r"/\d", "/1", "/\u{0661}"),
            ("/a.c", "/a\u{7f}c", "/a\nc"),
            ("/x|/y", "/z/y", "/z/x"),
            (r"\/api\/v1", "/API/v1/x", "/api"),
            ("/{id}", "/{ID}", "/1"),
            ("", "/", "no such"),
        ] {
            assert!(matches(text, matching), "{text} {matching}");
            assert!(!matches(text, other) || text.is_empty(), "{text} {other}");
        }
    }

    #[test]
    fn chooses_the_cheapest_engine() {
        for (text, class) in [
            ("/foo", PatternClass::Literal),
            (r"\/foo\.html", PatternClass::Literal),
            ("/foo(/|$)(.*)", PatternClass::Linear),
            ("/(?!api)", PatternClass::Backtracking),
            ("/a++b", PatternClass::Backtracking),
        ] {
            assert_eq!(Pattern::check(text), Ok(class), "{text}");
        }
    }

    #[test]
    fn backtracking_is_bytes_and_ascii_too() {
        assert!(matches("/(?!api)", "/shop") && !matches("/(?!api)", "/API/x"));
        assert!(matches(r"/(a|b)/\1$", "/b/B") && !matches(r"/(a|b)/\1$", "/b/a"));
        assert!(matches("/a*+b", "/aab") && !matches("/a*+a", "/aa"));
        assert!(matches(r"/(?=[\w-.])", "/-") && !matches(r"/(?=\w)", "/\u{e9}"));
        assert_eq!(pattern("/(?!api).").is_match(b"/\xff"), Ok(true));
    }

    #[test]
    fn too_many_steps_are_an_error() {
        let hostile = pattern(r"/(?=(a|a)*\1b)(?:a|a|ab)*\1$");
        assert_eq!(hostile.is_match(format!("/{}", "a".repeat(64)).as_bytes()), Err(PatternLimit));
        let long = format!("/{}", "a".repeat(4096));
        assert_eq!(pattern("/(?!x)").is_match(long.as_bytes()), Err(PatternLimit));
        assert_eq!(pattern("/(a|a)*b").is_match(long.as_bytes()), Ok(false));
    }

    #[test]
    fn a_look_around_at_every_byte_of_a_path_is_not_too_much() {
        let path = format!("/{}", "a".repeat(BACKTRACKING_HAYSTACK_LIMIT - 1));
        for text in ["/((?!admin).)*$", "/(?!api/)(?:(?!\\.php)[^?])+$", r"/(?!.*\.(js|css)$).*"] {
            assert!(matches(text, &path), "{text}");
        }
    }

    #[test]
    fn what_a_match_may_cost_is_bounded() {
        let hostile = pattern("/([a-z]*.{1,400}){1,20}y$");
        assert_eq!(hostile.is_match(format!("/{}", "a".repeat(7800)).as_bytes()), Err(PatternLimit));
        assert_eq!(hostile.groups(format!("/{}", "a".repeat(7800)).as_bytes()), Err(PatternLimit));
        assert_eq!(hostile.is_match(b"/any"), Ok(true));
        assert_eq!(hostile.is_match("other".repeat(1000).as_bytes()), Ok(false), "its prefix is asked first");
        let usual = pattern("/api/v[0-9]+/(users|orders)/[0-9a-f]{8}(/|$)(.*)");
        let path = |prefix: &str| format!("{prefix}{}", "a".repeat(8000)).into_bytes();
        assert_eq!(usual.is_match(&path("/api/v1/users/0123abcd/")), Ok(true));
        let mut budget = MatchBudget::default();
        let tried: Vec<_> = (0..1000).map(|_| usual.is_match_within(&path("/api/v"), &mut budget)).collect();
        assert_eq!((tried[0], tried[999]), (Ok(false), Err(PatternLimit)));
    }

    #[test]
    fn groups_are_numbered() {
        let groups = pattern("/something(/|$)(.*)").groups(b"/Something/new").expect("linear").expect("match");
        assert_eq!(groups[..4], [&b"/Something/new"[..], b"/", b"new", b""]);
        let groups = pattern(r"/(?!api)(\w)").groups(b"/shop").expect("quick").expect("match");
        assert_eq!(groups[..3], [&b"/s"[..], b"s", b""]);
        assert_eq!(pattern("/foo").groups(b"/FOOBAR").expect("literal").expect("match")[0], b"/FOO");
        assert_eq!(pattern("/foo").groups(b"/x"), Ok(None));
        let anywhere = Pattern::new(&"b".into(), Anchor::Anywhere).expect("valid");
        assert_eq!(anywhere.groups(b"/aBc").expect("literal").expect("match")[0], b"B");
    }

    #[test]
    fn refuses_with_a_reason_in_one_line() {
        assert_eq!(Pattern::check("/foo("), Err(PatternError::Syntax("unclosed group".into())));
        assert_eq!(Pattern::check(&format!("/{}", "(a{999}){999}")), Err(PatternError::TooLarge));
        assert_eq!(Pattern::check(r"/\h"), Err(PatternError::Unsupported(r"\h".into())));
        for text in ["/(?=a", r"/\k<nope>", "/(*+)", r"/\1", &"(".repeat(5000)] {
            let error = Pattern::check(text).expect_err("invalid").to_string();
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn hostile_nesting_is_refused_without_harm() {
        for text in [
            format!("{}a{}", "(?=".repeat(1000), ")".repeat(1000)),
            format!("a++{}", "{9}".repeat(1000)),
            // The engine would take a billion steps without going back once.
            "(?:(?:(?=a)()){999}){999}b".to_owned(),
        ] {
            assert!(Pattern::check(&text).is_err(), "{text}");
        }
        assert_eq!(Pattern::check("/(?!x)([0-9a-f]{4}-){4}[0-9a-f]{12}"), Ok(PatternClass::Backtracking));
    }
}
