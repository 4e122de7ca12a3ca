use super::bounds::{Overrun, VALUE_LIMIT};
use crate::config::{self, MapKey, Template, Variable};
use crate::pattern::{Anchor, Case, MatchBudget, Pattern};
use crate::variables::{Values, append, render_within};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Characters of the regular expressions of all variables, with their repetitions written out.
const PATTERN_LIMIT: usize = 10_000;

/// A compiled `map`.
#[derive(Debug)]
pub(super) struct TextMap {
    source: Template,
    hostnames: bool,
    texts: HashMap<Box<[u8]>, Template>,
    /// The longest first.
    suffixes: Box<[(Box<[u8]>, Template)]>,
    /// The longest first.
    beginnings: Box<[(Box<[u8]>, Template)]>,
    patterns: Box<[(Pattern, Template)]>,
    default: Template,
}

impl TextMap {
    /// `pattern_size` is that of the regular expressions of all variables so far.
    pub(super) fn compile(map: &config::TextMap, pattern_size: &mut usize) -> Result<Self, String> {
        let (mut texts, mut suffixes, mut beginnings) = (HashMap::new(), Vec::new(), Vec::new());
        let mut patterns = Vec::new();
        for (key, value) in &*map.entries {
            match key {
                MapKey::Text(text) => drop(texts.insert(text.as_bytes().into(), value.clone())),
                MapKey::Suffix(text) => suffixes.push((text.as_bytes().into(), value.clone())),
                MapKey::Beginning(text) => beginnings.push((text.as_bytes().into(), value.clone())),
                MapKey::Regex { pattern: text, ignores_case } => {
                    let case = if *ignores_case { Case::Insensitive } else { Case::Sensitive };
                    let fault = |error| format!("has the regular expression {text:?}, which cannot be used: {error}");
                    let pattern = Pattern::compile(text, Anchor::Anywhere, case).map_err(fault)?;
                    *pattern_size += pattern.size();
                    if *pattern_size > PATTERN_LIMIT {
                        return Err(
                            "has one regular expression too many: those of all map blocks may have 10,000 characters \
                                    together, with their repetitions written out"
                                .into(),
                        );
                    }
                    patterns.push((pattern, value.clone()));
                }
            }
        }
        let longest_first = |entry: &(Box<[u8]>, Template)| Reverse(entry.0.len());
        suffixes.sort_by_key(longest_first);
        beginnings.sort_by_key(longest_first);
        Ok(Self {
            source: map.source.clone(),
            hostnames: map.hostnames,
            texts,
            suffixes: suffixes.into(),
            beginnings: beginnings.into(),
            patterns: patterns.into(),
            default: map.default.clone(),
        })
    }

    /// As nginx: ngx_http_map_variable and ngx_http_map_find.
    pub(super) fn value(&self, values: &impl Values, out: &mut Vec<u8>) -> Result<bool, Overrun> {
        let mut wanted = render_within(&self.source, values, VALUE_LIMIT)?;
        if self.hostnames && wanted.last() == Some(&b'.') {
            wanted.pop();
        }
        if let Some(value) = self.by_text(&wanted.to_ascii_lowercase()) {
            return write(value, values, out);
        }
        let mut budget = MatchBudget::default();
        for (pattern, value) in &self.patterns {
            if let Some(groups) = pattern.all_groups_within(&wanted, &mut budget)? {
                return write(value, &Captured { pattern, groups, values }, out);
            }
        }
        write(&self.default, values, out)
    }

    fn by_text(&self, wanted: &[u8]) -> Option<&Template> {
        let suffix =
            || self.suffixes.iter().find(|(suffix, _)| wanted.len() > suffix.len() && wanted.ends_with(suffix));
        let beginning =
            || self.beginnings.iter().find(|(start, _)| wanted.len() > start.len() && wanted.starts_with(start));
        self.texts.get(wanted).or_else(|| suffix().or_else(beginning).map(|(_, value)| value))
    }
}

fn write(value: &Template, values: &impl Values, out: &mut Vec<u8>) -> Result<bool, Overrun> {
    Ok(append(Some(&render_within(value, values, VALUE_LIMIT)?), out))
}

/// The groups of the regular expression that has matched, and all other values.
struct Captured<'a, V> {
    pattern: &'a Pattern,
    groups: Vec<&'a [u8]>,
    values: &'a V,
}

impl<V: Values> Values for Captured<'_, V> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let named = |name: &str| self.pattern.group_names().find(|(_, other)| *other == name).map(|(number, _)| number);
        let number = match variable {
            Variable::Group(number) => Some(usize::from(*number)),
            Variable::Named(name) => named(name),
            _ => None,
        };
        match number {
            Some(number) => append(self.groups.get(number).copied(), out),
            None => self.values.value(variable, out),
        }
    }
}
