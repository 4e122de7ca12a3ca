//! Another path in place of the request's, for its backend or for a redirect.

use super::rewrite;
use crate::config::PathChange;

/// The path and query in place of those of a request with this [normalised](crate::request::normalize) path. Of a path that
/// does not begin with the prefix nothing is replaced.
pub(crate) fn target(change: &PathChange, path: &[u8], query: Option<&[u8]>) -> Vec<u8> {
    let (beginning, rest) = match change {
        PathChange::Full(full) => (&**full, &[][..]),
        PathChange::Prefix { prefix, replacement } => match path.strip_prefix(prefix.as_bytes()) {
            Some(rest) => (&**replacement, rest),
            None => ("", path),
        },
    };
    let beginning = if beginning.is_empty() && rest.is_empty() { "/" } else { beginning };
    let mut target = beginning.as_bytes().to_vec();
    target.extend(rewrite::target(rest, query));
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: &PathChange, path: &str) -> String {
        String::from_utf8(target(change, path.as_bytes(), Some(b"x=%2F"))).expect("text")
    }

    #[test]
    fn a_prefix_is_replaced_by_whole_elements() {
        for (prefix, replacement, path, expected) in [
            ("/foo", "/xyz", "/foo/bar", "/xyz/bar"),
            ("/foo", "/xyz", "/foo", "/xyz"),
            ("/foo", "/xyz", "/foo/", "/xyz/"),
            ("/foo", "", "/foo/bar", "/bar"),
            ("/foo", "", "/foo/", "/"),
            ("/foo", "", "/foo", "/"),
            ("", "/xyz", "/a b", "/xyz/a%20b"),
            ("/foo", "/a%20b", "/foo/c%", "/a%20b/c%25"),
        ] {
            let change = PathChange::Prefix { prefix: prefix.into(), replacement: replacement.into() };
            assert_eq!(changed(&change, path), format!("{expected}?x=%2F"), "{prefix} {replacement} {path}");
        }
    }

    #[test]
    fn a_whole_path_is_replaced() {
        assert_eq!(changed(&PathChange::Full("/one".into()), "/foo/bar"), "/one?x=%2F");
    }
}
