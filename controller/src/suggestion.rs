//! "Did you mean …?"

/// The known name nearest to a mistyped one, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.75;
    known
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The end of a message about an unknown name.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["proxy-body-size", "rewrite-target", "use-regex"];
        assert_eq!(nearest("rewrite-targt", known), Some("rewrite-target"));
        assert_eq!(nearest("proxy-bodysize", known), Some("proxy-body-size"));
        assert_eq!(nearest("something-else", known), None);
    }
}
