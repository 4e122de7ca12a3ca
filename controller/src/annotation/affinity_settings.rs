use gateway::config::{Affinity, AffinityMode, CookieAttributes, SameSite};
use std::sync::Arc;

/// What `affinity` and the annotations that go with it ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct AffinityAnnotations {
    /// `affinity: cookie`.
    pub(super) by_cookie: bool,
    /// `affinity-mode`.
    pub(super) mode: Option<AffinityMode>,
    /// `session-cookie-name`.
    pub(super) name: Option<Arc<str>>,
    /// `session-cookie-samesite`.
    pub(super) same_site: Option<SameSite>,
    /// `session-cookie-conditional-samesite-none`.
    pub(super) unless_unknown: bool,
    /// `session-cookie-change-on-failure`.
    pub(super) change_on_failure: bool,
    /// The others, which say what the cookie's attributes are.
    pub(super) attributes: CookieAttributes,
}

/// The affinity that an Ingress asks for on behalf of its backends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffinitySettings {
    /// `affinity-mode`: that of the oldest Ingress that says one counts for all of a backend.
    pub mode: Option<AffinityMode>,
    /// `affinity: cookie`, with the cookie: that of the youngest Ingress counts.
    pub cookie: Option<Arc<Affinity>>,
}

/// The name of the cookie that is given none, as in ingress-nginx.
pub(crate) const COOKIE: &str = "INGRESSCOOKIE";

impl AffinityAnnotations {
    /// What they come to.
    pub(super) fn build(self) -> AffinitySettings {
        let same_site = match self.same_site {
            Some(SameSite::None) if self.unless_unknown => Some(SameSite::NoneWhereKnown),
            same_site => same_site,
        };
        let affinity = || Affinity {
            cookie: self.name.clone().unwrap_or_else(|| COOKIE.into()),
            mode: self.mode.unwrap_or_default(),
            change_on_failure: self.change_on_failure,
            sets: Some(CookieAttributes { same_site, ..self.attributes.clone() }),
        };
        AffinitySettings { mode: self.mode, cookie: self.by_cookie.then(|| Arc::new(affinity())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_cookie_there_is_only_a_mode() {
        let mode = Some(AffinityMode::Persistent);
        let settings = AffinityAnnotations { mode, change_on_failure: true, ..AffinityAnnotations::default() }.build();
        assert_eq!(settings, AffinitySettings { mode, cookie: None });
    }

    #[test]
    fn defaults_are_ingress_nginxs() {
        let settings = AffinityAnnotations { by_cookie: true, ..AffinityAnnotations::default() }.build();
        let affinity = settings.cookie.expect("affinity");
        assert_eq!(
            (&*affinity.cookie, affinity.mode, affinity.change_on_failure),
            (COOKIE, AffinityMode::Balanced, false)
        );
        assert_eq!(affinity.sets, Some(CookieAttributes::default()));
    }

    #[test]
    fn only_none_depends_on_the_browser() {
        let built = |same_site| {
            let asked = AffinityAnnotations { by_cookie: true, same_site, unless_unknown: true, ..Default::default() };
            asked.build().cookie.and_then(|affinity| affinity.sets.as_ref()?.same_site)
        };
        assert_eq!(built(Some(SameSite::None)), Some(SameSite::NoneWhereKnown));
        assert_eq!(built(Some(SameSite::Lax)), Some(SameSite::Lax));
        assert_eq!(built(None), None);
    }
}
