use super::invalid::InvalidRules;
use super::rule_set::RuleSet;
use crate::config;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Weak};

/// Rule sets with core rules at most. Each takes 13 MiB, and up to 30 MiB more as its regular expressions are used.
pub const MAX_RULE_SETS_WITH_CORE_RULES: usize = 64;
/// Rule sets in all at most.
pub const MAX_RULE_SETS: usize = 1024;

/// A user's rules, and the directory of the core rules.
type Key = (Arc<str>, Option<Arc<Path>>);

/// Rule sets, each once for all routes with the same rules, for as long as one of them is there.
#[derive(Debug, Default)]
pub(crate) struct RuleSetInterner {
    known: HashMap<Key, Weak<RuleSet>>,
}

impl RuleSetInterner {
    /// The rule set of a firewall, compiled unless it is in use. With core rules that takes some 100 ms.
    ///
    /// # Errors
    /// See [`InvalidRules`].
    pub(crate) fn intern(&mut self, waf: &config::Waf) -> Result<Arc<RuleSet>, InvalidRules> {
        let key = (Arc::clone(&waf.rules), waf.core_rules.clone());
        if let Some(known) = self.known.get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        self.known.retain(|_, rules| rules.strong_count() > 0);
        self.expect_room(&key)?;
        let compiled = Arc::new(RuleSet::compile(&waf.rules, waf.core_rules.as_deref())?);
        self.known.insert(key, Arc::downgrade(&compiled));
        Ok(compiled)
    }

    fn expect_room(&self, (_, core_rules): &Key) -> Result<(), InvalidRules> {
        let with_core_rules = self.known.keys().filter(|(_, core_rules)| core_rules.is_some()).count();
        if core_rules.is_some() && with_core_rules >= MAX_RULE_SETS_WITH_CORE_RULES {
            return Err(InvalidRules::TooMany(with_core_rules));
        }
        if self.known.len() >= MAX_RULE_SETS {
            return Err(InvalidRules::TooMany(self.known.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waf(rules: &str) -> config::Waf {
        config::Waf { rules: rules.into(), ..config::Waf::default() }
    }

    #[test]
    fn equal_rules_are_shared_while_they_are_used() {
        let mut interner = RuleSetInterner::default();
        let one = interner.intern(&waf("SecRuleEngine On")).expect("it compiles");
        assert!(Arc::ptr_eq(&one, &interner.intern(&waf("SecRuleEngine On")).expect("it compiles")));
        assert!(!Arc::ptr_eq(&one, &interner.intern(&waf("SecRuleEngine Off")).expect("it compiles")));
        assert!(interner.intern(&waf("SecRuleEngine Maybe")).is_err());
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let mut interner = RuleSetInterner::default();
        let mut held: Vec<_> = (0..MAX_RULE_SETS)
            .map(|number| interner.intern(&waf(&format!("# {number}"))).expect("there is room"))
            .collect();
        assert_eq!(interner.intern(&waf("# more")).expect_err("it is full"), InvalidRules::TooMany(MAX_RULE_SETS));
        held.pop();
        assert!(interner.intern(&waf("# more")).is_ok());
    }
}
