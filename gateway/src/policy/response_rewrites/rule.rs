//! One rule, and the first of several that fits.

use crate::config::{self, ResponseRewrite, RewriteFrom, Template, Variable};
use crate::pattern::{Anchor, Case, MatchBudget, Pattern};
use crate::policy::Invalid;
use crate::variables::{Values, append, render_within};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of what takes the place of a value, and of a text that it is compared with.
const VALUE_LIMIT: usize = 16 << 10;

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    from: From,
    to: Template,
}

#[derive(Debug)]
enum From {
    Text(Template, Fits),
    Pattern(Pattern, Box<[(usize, Arc<str>)]>),
}

/// Which part of a value a text is, if it is one.
pub(super) type Fits = fn(value: &[u8], text: &[u8]) -> Option<Range<usize>>;

/// As nginx: ngx_http_proxy_rewrite_complex_handler.
pub(super) fn begins_with(value: &[u8], text: &[u8]) -> Option<Range<usize>> {
    value.starts_with(text).then_some(0..text.len())
}

/// As nginx: ngx_http_proxy_rewrite_domain_handler.
pub(super) fn is_domain(value: &[u8], text: &[u8]) -> Option<Range<usize>> {
    let start = usize::from(value.first() == Some(&b'.'));
    value[start..].eq_ignore_ascii_case(text).then_some(start..value.len())
}

/// Compiles the rules of a list.
pub(super) fn rules(configured: &[ResponseRewrite], fits: Fits) -> Result<Box<[Rule]>, Invalid> {
    if configured.len() > config::ResponseRewrites::MAX_RULES {
        let reason = "rules for one address are too many: expected at most 100".to_owned();
        return Err(Invalid { value: configured.len().to_string().into(), reason });
    }
    let mut size = 0;
    configured.iter().map(|rule| Rule::compile(rule, fits, &mut size)).collect()
}

/// What the first rule that fits makes of a value; `None` where none does. What would become too long, or takes too long,
/// fits none.
pub(super) fn rewrite(rules: &[Rule], value: &[u8], values: &impl Values, budget: &mut MatchBudget) -> Option<Vec<u8>> {
    let (part, replacement) = rules.iter().find_map(|rule| rule.replacement(value, values, budget))?;
    Some([&value[..part.start], &replacement, &value[part.end..]].concat())
}

impl Rule {
    fn compile(rule: &ResponseRewrite, fits: Fits, size: &mut usize) -> Result<Self, Invalid> {
        let from = match &rule.from {
            RewriteFrom::Text(text) => From::Text(text.clone(), fits),
            RewriteFrom::Pattern { pattern, ignores_case } => From::pattern(pattern, *ignores_case, size)?,
        };
        Ok(Self { from, to: rule.to.clone() })
    }

    /// What takes the place of a part of the value, and of which.
    fn replacement(
        &self,
        value: &[u8],
        values: &impl Values,
        budget: &mut MatchBudget,
    ) -> Option<(Range<usize>, Vec<u8>)> {
        match &self.from {
            From::Text(text, fits) => {
                let part = match text.literal() {
                    Some(text) => fits(value, text.as_bytes())?,
                    None => fits(value, &render_within(text, values, VALUE_LIMIT).ok()?)?,
                };
                Some((part, render_within(&self.to, values, VALUE_LIMIT).ok()?))
            }
            // As nginx: ngx_http_proxy_rewrite_regex_handler, where the whole value is replaced.
            From::Pattern(pattern, names) => {
                let groups = pattern.all_groups_within(value, budget).ok()??;
                let values = WithGroups { groups: &groups, names, values };
                Some((0..value.len(), render_within(&self.to, &values, VALUE_LIMIT).ok()?))
            }
        }
    }
}

impl From {
    fn pattern(text: &Arc<str>, ignores_case: bool, size: &mut usize) -> Result<Self, Invalid> {
        let invalid = |reason| Invalid { value: Arc::clone(text), reason };
        let case = if ignores_case { Case::Insensitive } else { Case::Sensitive };
        let pattern = Pattern::compile(text, Anchor::Anywhere, case).map_err(|error| invalid(error.to_string()))?;
        *size += pattern.size();
        if *size > config::ResponseRewrites::MAX_PATTERNS {
            return Err(invalid("is too large: expected at most 10,000 characters of all together".to_owned()));
        }
        let names = pattern.group_names().map(|(number, name)| (number, name.into())).collect();
        Ok(Self::Pattern(pattern, names))
    }
}

/// The groups of a match, and all other values.
struct WithGroups<'a, V> {
    groups: &'a [&'a [u8]],
    names: &'a [(usize, Arc<str>)],
    values: &'a V,
}

impl<V: Values> Values for WithGroups<'_, V> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let number = match variable {
            Variable::Group(number) => Some(usize::from(*number)),
            Variable::Named(name) => self.names.iter().find(|(_, known)| known == name).map(|(number, _)| *number),
            _ => None,
        };
        match number {
            Some(number) => append(self.groups.get(number).copied(), out),
            None => self.values.value(variable, out),
        }
    }
}
