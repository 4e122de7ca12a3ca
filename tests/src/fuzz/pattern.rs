//! Regular expressions, and what they are matched against.

use super::lines;
use gateway::pattern::{Anchor, Pattern};
use regex::bytes::Regex;

/// The input is an expression, and below it what is searched.
pub fn fuzz(input: &[u8]) {
    let mut lines = lines(input);
    let (Some(text), Some(haystack)) = (super::text(&mut lines), lines.next()) else { return };
    patterns_are_total(text, haystack);
}

/// Whatever the text, checking it and matching with it end without a panic.
pub fn patterns_are_total(text: &str, haystack: &[u8]) {
    for anchor in [Anchor::Start, Anchor::Anywhere] {
        if let Ok(pattern) = Pattern::new(&text.into(), anchor) {
            let groups = pattern.groups(haystack);
            assert_eq!(pattern.is_match(haystack), groups.map(|groups| groups.is_some()));
        }
    }
}

/// An expression that PCRE and the regex crate read alike matches as the regex crate would match it.
pub fn plain_patterns_match_as_regexes(text: &str, haystack: &str) {
    for (anchor, start) in [(Anchor::Start, "^"), (Anchor::Anywhere, "")] {
        let pattern = Pattern::new(&text.into(), anchor).expect("a good pattern");
        let regex = Regex::new(&format!("(?i-u){start}{text}")).expect("a good regex");
        let groups = pattern.groups(haystack.as_bytes()).expect("plain patterns are quick");
        assert_eq!(groups.map(|groups| groups[0]), regex.find(haystack.as_bytes()).map(|found| found.as_bytes()));
    }
}
