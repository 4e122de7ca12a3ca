//! Regular expressions as nginx has them.

mod cost;
mod error;
mod pcre;
#[cfg(test)]
mod tests;

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

/// What a group took, by its number.
type Group<'g, 'h> = &'g dyn Fn(usize) -> Option<&'h [u8]>;

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

    /// The names of its groups, with their numbers.
    pub fn group_names(&self) -> impl Iterator<Item = (usize, &str)> {
        let names: Vec<Option<&str>> = match &self.engine {
            Engine::Literal(..) => Vec::new(),
            Engine::Linear(regex) => regex.capture_names().collect(),
            Engine::Backtracking(regex) => regex.capture_names().collect(),
        };
        names.into_iter().enumerate().filter_map(|(number, name)| Some((number, name?)))
    }

    /// The groups of the first match.
    ///
    /// # Errors
    /// Matching takes too long.
    pub fn groups<'h>(&self, haystack: &'h [u8]) -> Result<Option<Groups<'h>>, PatternLimit> {
        self.captures(haystack, &mut MatchBudget::default(), |_, group| {
            std::array::from_fn(|number| group(number).unwrap_or_default())
        })
    }

    /// All groups of the first match, where several patterns are tried for one request.
    ///
    /// # Errors
    /// Matching takes too long, or all of it together would.
    pub fn all_groups_within<'h>(
        &self,
        haystack: &'h [u8],
        budget: &mut MatchBudget,
    ) -> Result<Option<Vec<&'h [u8]>>, PatternLimit> {
        let all = |count, group: Group<'_, 'h>| (0..count).map(|number| group(number).unwrap_or_default()).collect();
        self.captures(haystack, budget, all)
    }

    /// What `collect` makes of the groups of the first match, given how many there are.
    fn captures<'h, T>(
        &self,
        haystack: &'h [u8],
        budget: &mut MatchBudget,
        collect: impl FnOnce(usize, Group<'_, 'h>) -> T,
    ) -> Result<Option<T>, PatternLimit> {
        if !self.has_prefix(haystack) {
            return Ok(None);
        }
        budget.spend(self.size(), haystack)?;
        Ok(match &self.engine {
            Engine::Literal(literal, anchor, case) => {
                let whole = find_literal(literal.as_bytes(), *anchor, *case, haystack);
                whole.map(|whole| collect(1, &|number| (number == 0).then_some(whole)))
            }
            Engine::Linear(regex) => regex
                .captures(haystack)
                .map(|found| collect(found.len(), &|number| found.get(number).map(|group| group.as_bytes()))),
            Engine::Backtracking(regex) => {
                let found = regex.captures(bounded(haystack)?).map_err(|_| PatternLimit)?;
                found.map(|found| {
                    collect(found.len(), &|number| found.get(number).map(|group| &haystack[group.range()]))
                })
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
