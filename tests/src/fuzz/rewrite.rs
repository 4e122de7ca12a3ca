//! Rewrites: whatever the pattern and the target, the backend gets a request target.

use super::{lines, text};
use gateway::config;
use gateway::config::PathMatching::{Nginx, Strict};
use gateway::policy::rewrite::Rewrite;
use gateway::request::normalize;

/// The input is a pattern, a target, a forwarded prefix (none if empty), a request's path, and its query.
pub fn fuzz(input: &[u8]) {
    let mut lines = lines(input);
    let (Some(pattern), Some(target), Some(prefix)) = (text(&mut lines), text(&mut lines), text(&mut lines)) else {
        return;
    };
    let Some(path) = lines.next() else { return };
    let query = text(&mut lines).filter(|query| query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
    rewritten_targets_are_targets((pattern, target, prefix), path, query);
}

/// What a rewrite (pattern, target, forwarded prefix) makes of a request begins with a slash, has nothing that ends a
/// target or a header early, and ends with the query as it came.
pub fn rewritten_targets_are_targets(rewrite: (&str, &str, &str), path: &[u8], query: Option<&str>) {
    let (pattern, target, prefix) = rewrite;
    let forwarded_prefix = (!prefix.is_empty()).then(|| prefix.into());
    let rewrite = config::Rewrite { pattern: pattern.into(), target: target.into(), forwarded_prefix };
    let Ok(rewrite) = Rewrite::compile(&rewrite) else { return };
    for mode in [Nginx, Strict] {
        let Ok(path) = normalize(path, mode) else { continue };
        let Ok(Some(rewritten)) = rewrite.apply(&path, query.map(str::as_bytes)) else { continue };
        let target = String::from_utf8(rewritten.target).expect("made of text");
        let (path, kept) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target.as_str(), None),
        };
        assert!(path.starts_with('/'));
        assert_eq!(kept, query.filter(|query| !query.is_empty()));
        for text in [path].into_iter().chain(rewritten.forwarded_prefix.as_deref()) {
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'?'), "{text:?}");
        }
    }
}
