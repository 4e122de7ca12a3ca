use gateway::config::{HashBy, Template, TemplateError};
use std::num::NonZero;
use std::sync::Arc;

/// What `upstream-hash-by` and the annotations that go with it ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct HashAnnotations {
    /// `upstream-hash-by`; or why it cannot be used.
    pub(super) key: Option<Result<Template, TemplateError>>,
    /// `upstream-hash-by-subset`.
    pub(super) in_subsets: bool,
    /// `upstream-hash-by-subset-size`.
    pub(super) size: Option<NonZero<u32>>,
    /// Another annotation does what `load-balance` asks for.
    pub(super) balance: Option<Balancing>,
}

/// A value of `load-balance` that chooses nothing by itself. In ingress-nginx it is the name of what other annotations switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Balancing {
    /// `chash` and `chashsubset`.
    ByKey,
    /// `sticky_balanced` and `sticky_persistent`.
    BySession,
}

/// Endpoints of a subset, as in ingress-nginx.
const SIZE: NonZero<u32> = const { NonZero::new(3).expect("not zero") };

impl HashAnnotations {
    /// What they come to; nothing without a key.
    ///
    /// # Errors
    /// The key is no template.
    pub(super) fn build(self) -> Result<Option<Arc<HashBy>>, TemplateError> {
        let Some(key) = self.key.transpose()? else { return Ok(None) };
        let subset = self.in_subsets.then(|| self.size.unwrap_or(SIZE));
        Ok(Some(Arc::new(HashBy { key, subset })))
    }
}

/// The key that `upstream-hash-by` names. As where ingress-nginx looks variables up, the case of their names does not count.
pub(super) fn key(text: &str) -> Result<Template, TemplateError> {
    let mut is_name = false;
    let lower = |c: char| {
        is_name = c == '$' || is_name && (c.is_ascii_alphanumeric() || c == '_' || c == '{');
        if is_name { c.to_ascii_lowercase() } else { c }
    };
    Template::parse(&text.chars().map(lower).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(size: Option<u32>, in_subsets: bool) -> HashAnnotations {
        HashAnnotations { key: Some(key("$host")), in_subsets, size: size.and_then(NonZero::new), balance: None }
    }

    #[test]
    fn subsets_have_three_endpoints_unless_a_size_is_set() {
        let subset = |size, in_subsets| asked(size, in_subsets).build().ok().flatten().and_then(|by| by.subset);
        assert_eq!(subset(None, true).map(NonZero::get), Some(3));
        assert_eq!(subset(Some(0), true).map(NonZero::get), Some(3));
        assert_eq!(subset(Some(5), true).map(NonZero::get), Some(5));
        assert_eq!(subset(Some(5), false), None);
    }

    #[test]
    fn without_a_key_nothing_is_hashed() {
        assert_eq!(HashAnnotations { key: None, ..asked(Some(5), true) }.build(), Ok(None));
        let unknown = HashAnnotations { key: Some(key("$nope")), ..asked(None, false) };
        assert_eq!(unknown.build(), Err(TemplateError::Unknown("nope".into())));
    }

    #[test]
    fn only_the_names_of_variables_have_no_case() {
        assert_eq!(key("A$Request_URI-B${HOST}C"), Template::parse("A$request_uri-B${host}C"));
        assert_eq!(key("${request_uri}-Text"), Template::parse("${request_uri}-Text"));
    }
}
