use gateway::config::{Condition, HeaderMatch, ValueMatch};
use gateway::pattern::{Anchor, Case, Pattern};
use std::sync::Arc;

/// What `canary` and the annotations that go with it ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct CanarySettings {
    /// `canary`.
    pub(super) enabled: bool,
    /// `canary-by-header`.
    pub(super) header: Option<Arc<str>>,
    /// `canary-by-header-value`.
    pub(super) header_value: Option<Arc<str>>,
    /// `canary-by-header-pattern`.
    pub(super) header_pattern: Option<Arc<str>>,
    /// `canary-by-cookie`.
    pub(super) cookie: Option<Arc<str>>,
    /// `canary-weight`.
    pub(super) weight: u32,
    /// `canary-weight-total`.
    pub(super) weight_total: Option<u32>,
    /// `affinity-canary-behavior`: whether it is `legacy`.
    pub(super) legacy_affinity: Option<bool>,
}

/// Which of the requests for its main backend a canary gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The first of these that a request fulfils decides.
    pub conditions: Vec<(Condition, Side)>,
    /// How many of [`Self::total`] requests that fulfil none of them it gets.
    pub weight: u32,
    /// At least 100, and at least the weight.
    pub total: u32,
    /// Whether it has the affinity of its main backend.
    pub is_sticky: bool,
}

/// One of the two backends that share the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The canary.
    Canary,
    /// The main backend.
    Main,
}

/// An annotation, whether it has an effect all the same, and what is wrong with it.
type Complaint = (&'static str, bool, String);

const HEADER_VALUE: &str = "canary-by-header-value";
const HEADER_PATTERN: &str = "canary-by-header-pattern";
const WEIGHT: &str = "canary-weight";
const WEIGHT_TOTAL: &str = "canary-weight-total";

/// The least total that counts.
const LEAST_TOTAL: u32 = 100;

impl CanarySettings {
    /// What they come to: nothing without `canary: "true"`.
    pub(super) fn build(self, complaints: &mut Vec<Complaint>) -> Option<Canary> {
        if !self.enabled {
            let unused = self.set().map(|key| (key, false, "has no effect without canary: \"true\"".to_owned()));
            complaints.extend(unused);
            return None;
        }
        let mut conditions = self.by_header(complaints);
        conditions.extend(self.cookie.as_ref().into_iter().flat_map(|name| {
            let value = |text: &str| ValueMatch::Exact(text.into());
            always_or_never(|text| Condition::Cookie { name: Arc::clone(name), value: value(text) })
        }));
        let (weight, total) = self.weights(complaints);
        let is_sticky = self.legacy_affinity != Some(true);
        Some(Canary { conditions, weight, total, is_sticky })
    }

    /// Those that are set, but for a weight of 0, which asks for nothing.
    fn set(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("canary-by-header", self.header.is_some()),
            (HEADER_VALUE, self.header_value.is_some()),
            (HEADER_PATTERN, self.header_pattern.is_some()),
            ("canary-by-cookie", self.cookie.is_some()),
            (WEIGHT, self.weight > 0),
            ("affinity-canary-behavior", self.legacy_affinity.is_some()),
        ];
        given.into_iter().filter_map(|(key, is_set)| is_set.then_some(key))
    }

    fn by_header(&self, complaints: &mut Vec<Complaint>) -> Vec<(Condition, Side)> {
        let Some(name) = &self.header else {
            let unused = self.set().filter(|key| [HEADER_VALUE, HEADER_PATTERN].contains(key));
            complaints.extend(unused.map(|key| (key, false, "has no effect without canary-by-header".to_owned())));
            return Vec::new();
        };
        let header = |value| Condition::Header(HeaderMatch { name: Arc::clone(name), value });
        match (&self.header_value, &self.header_pattern) {
            (Some(value), pattern) => {
                if pattern.is_some() {
                    complaints.push((HEADER_PATTERN, false, format!("has no effect beside {HEADER_VALUE}")));
                }
                vec![(header(ValueMatch::Exact(Arc::clone(value))), Side::Canary)]
            }
            (None, Some(pattern)) => match Pattern::compile(pattern, Anchor::Anywhere, Case::Sensitive) {
                Ok(_) => vec![(header(ValueMatch::Regex(Arc::clone(pattern))), Side::Canary)],
                Err(error) => {
                    let complaint = format!("{error}: requests with the header {name:?} go to the main backend");
                    complaints.push((HEADER_PATTERN, true, complaint));
                    vec![(header(ValueMatch::Regex(ANY.into())), Side::Main)]
                }
            },
            (None, None) => always_or_never(|text| header(ValueMatch::Exact(text.into()))).to_vec(),
        }
    }

    fn weights(&self, complaints: &mut Vec<Complaint>) -> (u32, u32) {
        let total = self.weight_total.unwrap_or(LEAST_TOTAL);
        if total < LEAST_TOTAL {
            let complaint = format!("is below {LEAST_TOTAL}: {LEAST_TOTAL} is used instead");
            complaints.push((WEIGHT_TOTAL, false, complaint));
        }
        let total = total.max(LEAST_TOTAL);
        if self.weight > total {
            let complaint = format!("is above {total}, the total: the canary gets all requests");
            complaints.push((WEIGHT, true, complaint));
        }
        (self.weight.min(total), total)
    }
}

/// A regular expression that matches every value.
const ANY: &str = "^";

fn always_or_never(condition: impl Fn(&str) -> Condition) -> [(Condition, Side); 2] {
    [(condition("always"), Side::Canary), (condition("never"), Side::Main)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enabled() -> CanarySettings {
        CanarySettings { enabled: true, ..CanarySettings::default() }
    }

    fn built(settings: CanarySettings) -> (Option<Canary>, Vec<Complaint>) {
        let mut complaints = Vec::new();
        (settings.build(&mut complaints), complaints)
    }

    #[test]
    fn headers_come_before_cookies() {
        let settings = CanarySettings { header: Some("x-h".into()), cookie: Some("C".into()), ..enabled() };
        let (canary, complaints) = built(settings);
        let canary = canary.expect("a canary");
        let sides: Vec<_> = canary.conditions.iter().map(|(_, side)| *side).collect();
        assert_eq!(sides, [Side::Canary, Side::Main, Side::Canary, Side::Main]);
        assert!(matches!(canary.conditions[1].0, Condition::Header(_)));
        assert_eq!((canary.weight, canary.total, complaints.len()), (0, 100, 0));
    }

    #[test]
    fn weights_have_a_total_of_100_or_more() {
        for (weight, total, expected, complained) in [
            (20, None, (20, 100), &[][..]),
            (20, Some(10), (20, 100), &[WEIGHT_TOTAL]),
            (1000, Some(1000), (1000, 1000), &[]),
            (150, None, (100, 100), &[WEIGHT]),
        ] {
            let (canary, complaints) = built(CanarySettings { weight, weight_total: total, ..enabled() });
            let canary = canary.expect("a canary");
            assert_eq!((canary.weight, canary.total), expected);
            assert_eq!(complaints.iter().map(|(key, ..)| *key).collect::<Vec<_>>(), complained);
        }
    }

    /// K12
    #[test]
    fn a_pattern_that_does_not_compile_keeps_requests_with_the_header_at_the_main_backend() {
        let (header, header_pattern) = (Some("x-h".into()), Some("[][**da?$&*".into()));
        let (canary, complaints) = built(CanarySettings { header, header_pattern, ..enabled() });
        let conditions = canary.expect("a canary").conditions;
        assert!(matches!(conditions.as_slice(), [(Condition::Header(_), Side::Main)]), "{conditions:?}");
        assert!(matches!(complaints.as_slice(), [(HEADER_PATTERN, ..)]), "{complaints:?}");
    }

    #[test]
    fn what_has_no_effect_is_reported() {
        let value = || Some(Arc::from("v"));
        let without_canary = CanarySettings { enabled: false, weight: 5, header: value(), ..enabled() };
        let without_header = CanarySettings { header_value: value(), header_pattern: value(), ..enabled() };
        let both = CanarySettings { header: value(), header_value: value(), header_pattern: value(), ..enabled() };
        for (settings, expected) in [
            (without_canary, &["canary-by-header", WEIGHT][..]),
            (without_header, &[HEADER_VALUE, HEADER_PATTERN]),
            (both, &[HEADER_PATTERN]),
        ] {
            let (_, complaints) = built(settings);
            assert_eq!(complaints.iter().map(|(key, ..)| *key).collect::<Vec<_>>(), expected);
        }
        let switched_off = CanarySettings { enabled: false, ..enabled() };
        assert_eq!(built(switched_off), (None, Vec::new()));
    }
}
