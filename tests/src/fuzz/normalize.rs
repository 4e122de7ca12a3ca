//! Request paths and their normal form.

use super::naive;
use gateway::config::PathMatching::{self, Nginx, Strict};
use gateway::request::normalize;

/// The input is a request path.
pub fn fuzz(input: &[u8]) {
    for mode in [Nginx, Strict] {
        normal_paths_are_normal(mode, input);
    }
}

/// Whatever the bytes, a normal path begins with a slash, has nothing left to resolve, and is what the naive
/// normaliser says.
pub fn normal_paths_are_normal(mode: PathMatching, path: &[u8]) {
    let normal = normalize(path, mode).ok().map(|path| path.into_owned());
    assert_eq!(normal, naive::normalize(path, mode));
    let Some(normal) = normal else { return };
    let mut elements: Vec<_> = normal.strip_prefix(b"/").expect("absolute").split(|b| *b == b'/').collect();
    assert!(!elements.iter().any(|element| [&b"."[..], b".."].contains(element)));
    elements.pop();
    assert!(mode == Strict || !elements.contains(&&b""[..]));
}
