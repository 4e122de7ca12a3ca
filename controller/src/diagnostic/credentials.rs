//! Credentials in values that are shown: logs and Events are read by more people than the objects.

/// A value with an ellipsis for what may be a credential in it: the user of a URL, a URL's query, and what follows the
/// scheme of an `Authorization` header.
pub(crate) fn without_credentials(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    let mut follows_scheme = false;
    for word in value.split_inclusive(char::is_whitespace) {
        let (text, space) = word.split_at(word.trim_end().len());
        if follows_scheme && !text.is_empty() {
            shown.push('…');
        } else {
            push_word(text, &mut shown);
        }
        shown.push_str(space);
        follows_scheme = if text.is_empty() { follows_scheme } else { is_scheme(text) };
    }
    shown
}

/// Whether a word announces a credential: `Bearer`, or `"Basic` in a line of nginx's.
fn is_scheme(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    ["basic", "bearer", "digest", "token"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn push_word(word: &str, shown: &mut String) {
    let after_scheme = word.find("://").map(|at| at + 3).or(word.starts_with("//").then_some(2));
    let Some(after_scheme) = after_scheme else { return shown.push_str(word) };
    let (scheme, rest) = word.split_at(after_scheme);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let rest = &rest[authority.rfind('@').unwrap_or(0)..];
    shown.push_str(scheme);
    if rest.starts_with('@') {
        shown.push('…');
    }
    match rest.split_once('?') {
        Some((path, query)) if !query.is_empty() => *shown += &format!("{path}?…"),
        _ => shown.push_str(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out() {
        for (value, shown) in [
            ("http://user:password@a.example/b", "http://…@a.example/b"),
            ("http://user:p@ss@a.example", "http://…@a.example"),
            ("https://a.example/b?token=x&y=z", "https://a.example/b?…"),
            ("//user@a.example", "//…@a.example"),
            ("proxy_set_header Authorization \"Basic dXNlcjpw\";", "proxy_set_header Authorization \"Basic …"),
            ("bearer  x y", "bearer  … y"),
            ("http://a.example/b@c", "http://a.example/b@c"),
            ("user@a.example", "user@a.example"),
            ("/a//b?c", "/a//b?c"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(value), shown, "{value}");
        }
    }
}
