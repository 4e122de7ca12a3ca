//! Regular expressions of Ingresses as those of HTTPRoutes.
//!
//! That of an Ingress disregards case, and has to match the beginning of a path. That of an HTTPRoute regards case unless it
//! says otherwise, and has to match all of a path.

use gateway::pattern::Pattern;

/// What follows what an Ingress asks for: anything, line breaks included.
const REST: &str = "(?s:.*)";

/// The regular expression of an HTTPRoute that matches the same paths. Its groups have the same numbers.
///
/// # Errors
/// Why there is none.
pub(super) fn of_path(pattern: &str) -> Result<String, String> {
    Pattern::check(pattern).map_err(|error| error.to_string())?;
    if pattern.contains(r"\Q") {
        return Err(r"has \Q, which would quote what has to be added".to_owned());
    }
    // The beginning of a path holds for the first alternative only.
    let converted = match alternative(pattern) {
        None => format!("(?i){pattern}{REST}"),
        Some(at) => format!("(?i)(?:{}|{REST}(?:{})){REST}", &pattern[..at], &pattern[at + 1..]),
    };
    Pattern::check(&converted).map_err(|error| error.to_string())?;
    Ok(converted)
}

/// The regular expression that matches a value as a whole where the other one matches somewhere in it.
pub(super) fn within(pattern: &str) -> String {
    format!("{REST}(?:{pattern}){REST}")
}

/// The regular expression for the header `Cookie` of requests with this cookie, whose name has no case.
pub(super) fn of_cookie(name: &str, value: &str) -> String {
    format!("(?:.*;)?\\s*(?i:{})={}\\s*(?:;.*)?", escaped(name), escaped(value))
}

/// Text that stands for itself.
fn escaped(text: &str) -> String {
    let escape = |c: char| if r"\.+*?()|[]{}^$".contains(c) { vec!['\\', c] } else { vec![c] };
    text.chars().flat_map(escape).collect()
}

/// Where the first `|` stands that is in no group and in no class.
fn alternative(pattern: &str) -> Option<usize> {
    let (mut depth, mut class, mut is_escaped) = (0_usize, None, false);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if is_escaped => {
                is_escaped = false;
                continue;
            }
            '\\' => is_escaped = true,
            '[' if class.is_none() => class = Some(at),
            // The first character of a class is one of it.
            ']' => class = class.filter(|start| matches!(&pattern[*start..at], "[" | "[^")),
            _ if class.is_some() => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::pattern::{Anchor, Case};
    use std::sync::Arc;

    /// Both take the same paths: the one of the Ingress as a location does, the other one as an HTTPRoute's does.
    #[test]
    fn the_same_paths_match() {
        let paths = ["/", "/a", "/A", "/a/b", "/ab", "/x/a", "/a\nb", "/c", "/x/c", "/a|b", "/[a]"];
        for pattern in [
            "/",
            "/a",
            "/a$",
            "/a(/|$)(.*)",
            "/a|/c",
            "/[a|c]$",
            "/(a|c)",
            "/a\\|b",
            "(?-i)/a",
            "/[]|a]",
            "/(?=c)",
            "/a/?",
        ] {
            let nginx = Pattern::new(&Arc::from(pattern), Anchor::Start).expect("a pattern");
            let converted = of_path(pattern).expect("a pattern");
            let whole: Arc<str> = format!("(?-i:{converted})$").into();
            let gateway = Pattern::new(&whole, Anchor::Start).expect("a pattern");
            for path in paths {
                let [a, b] = [&nginx, &gateway].map(|pattern| pattern.is_match(path.as_bytes()).expect("a match"));
                assert_eq!(a, b, "{pattern} as {converted}: {path:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_completed_is_refused() {
        for pattern in ["/(", "/a\\Qb"] {
            assert!(of_path(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_cookie_is_one_of_several() {
        let pattern: Arc<str> = format!("^(?:{})$", of_cookie("canary.a", "always")).into();
        let pattern = Pattern::compile(&pattern, Anchor::Anywhere, Case::Sensitive).expect("a pattern");
        let is_match = |text: &str| pattern.is_match(text.as_bytes()).expect("a match");
        for text in ["canary.a=always", "a=b; Canary.A=always", "canary.a=always; c=d", "a=b;canary.a=always ;c=d"] {
            assert!(is_match(text), "{text}");
        }
        for text in ["canary.a=Always", "xcanary.a=always", "canary-a=always", "canary.a=always2", "a=canary.a=always"]
        {
            assert!(!is_match(text), "{text}");
        }
    }
}
