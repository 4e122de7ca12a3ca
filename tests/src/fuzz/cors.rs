//! Origins, and the patterns that allow them.

use super::lines;
use gateway::config::{AllowedOrigins, Cors, OriginPattern};
use gateway::policy::cors;
use regex::bytes::Regex;

/// The input is a pattern, and below it an origin.
pub fn fuzz(input: &[u8]) {
    let mut lines = lines(input);
    let (Some(pattern), Some(origin)) = (super::text(&mut lines), lines.next()) else { return };
    origins_are_matched_as_by_a_regex(pattern, origin);
}

/// A pattern is itself again when it is written, and allows what ingress-nginx's regular expression does, anchored at
/// both ends.
pub fn origins_are_matched_as_by_a_regex(pattern: &str, origin: &[u8]) {
    let Ok(parsed) = pattern.parse::<OriginPattern>() else { return };
    assert_eq!(parsed.to_string(), pattern);
    let regex = regex::escape(pattern).replacen(r"\*", "[A-Za-z0-9-]+", 1);
    let regex = Regex::new(&format!(r"(?i-u)\A(?:{regex})\z")).expect("a regular expression");
    let allowed = cors::Cors::compile(&Cors { origins: AllowedOrigins::Listed([parsed].into()), ..Cors::default() });
    assert_eq!(allowed.expect("valid").allows(origin), regex.is_match(origin));
}
