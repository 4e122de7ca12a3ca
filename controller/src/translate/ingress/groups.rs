//! Groups that a rewrite inserts though the path has none of that number: nothing is inserted, as in nginx.

use gateway::pattern::{Anchor, Pattern};
use std::sync::Arc;

/// What is wrong with `$1` to `$9` in `text`, which a path's groups replace. A path that is no pattern is reported
/// elsewhere.
pub(super) fn complaint(text: &str, path: &Arc<str>) -> Option<String> {
    let wanted = highest(text)?;
    let has = Pattern::new(path, Anchor::Anywhere).ok()?.group_count();
    let groups = if has == 1 { "group" } else { "groups" };
    (wanted > has).then(|| {
        format!("names the group ${wanted}, but the path {path:?} has {has} {groups}: nothing takes its place")
    })
}

fn highest(text: &str) -> Option<usize> {
    let digits = text.split('$').skip(1).filter_map(|part| part.chars().next()?.to_digit(10));
    digits.max().and_then(|digit| usize::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counted() {
        for (text, path) in [("/x", "/"), ("/$2", "/a(/|$)(.*)"), ("/$1", "/(?!api)(.*)"), ("/$1", "/a("), ("/$x", "/")]
        {
            assert_eq!(complaint(text, &path.into()), None, "{text} {path}");
        }
        for (text, path, has) in
            [("/$1", "/", "0 groups"), ("/$1$3", "/a(/|$)(.*)", "2 groups"), ("/$2", "/(?:a)(b)", "1 group:")]
        {
            let complaint = complaint(text, &path.into()).unwrap_or_else(|| panic!("{text} {path}"));
            assert!(complaint.contains(has), "{complaint}");
        }
    }
}
