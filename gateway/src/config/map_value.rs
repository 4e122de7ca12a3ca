use std::sync::Arc;

/// Values of a text that a setting is for, as in a `map` of nginx. A header that is not there has the empty value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MapValue {
    /// This one; case does not count.
    Text(Arc<str>),
    /// Those that this regular expression matches anywhere.
    Pattern {
        /// The expression.
        text: Arc<str>,
        /// Case does not count.
        ignores_case: bool,
    },
}

impl From<&str> for MapValue {
    /// Reads a text, or `~` or `~*` and a regular expression; with `~*` case does not count. Quotes around it are
    /// nginx's.
    fn from(text: &str) -> Self {
        let text = unquoted(text);
        match (text.strip_prefix("~*"), text.strip_prefix('~')) {
            (Some(pattern), _) => Self::Pattern { text: pattern.into(), ignores_case: true },
            (None, Some(pattern)) => Self::Pattern { text: pattern.into(), ignores_case: false },
            (None, None) => Self::Text(text.into()),
        }
    }
}

fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or(within('\'')).unwrap_or(text)
}
