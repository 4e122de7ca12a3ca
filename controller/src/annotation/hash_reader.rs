//! `upstream-hash-by`, once all annotations are read.

use super::entry::Effect;
use super::hash_settings::Balancing;
use super::read::Reader;
use crate::diagnostic::Reason;

const KEY: &str = "upstream-hash-by";
const SUBSET: &str = "upstream-hash-by-subset";
const SIZE: &str = "upstream-hash-by-subset-size";

impl Reader<'_> {
    /// What several annotations together say of the keys that endpoints are chosen by.
    pub(super) fn hashing(&mut self) {
        let asked = std::mem::take(&mut self.reading.settings.hashing);
        let (balance, in_subsets) = (asked.balance, asked.in_subsets);
        self.reading.settings.upstream.hash_by = asked.build().unwrap_or_else(|error| {
            self.warn(KEY, self.value(KEY), Reason::Ignored, &format!("{error}: load-balance decides instead"));
            self.set_effect(KEY, &Effect::None);
            None
        });
        let by_key = self.reading.settings.upstream.hash_by.is_some();
        let by_session = self.reading.settings.affinity.cookie.is_some();
        if !by_key && in_subsets {
            self.without_effect(SUBSET, &without(KEY));
        }
        if !by_key || !in_subsets {
            self.without_effect(SIZE, &without(if by_key { SUBSET } else { KEY }));
        }
        let missing = match balance {
            Some(Balancing::ByKey) if !by_key => KEY,
            Some(Balancing::BySession) if !by_session => "affinity: cookie",
            _ => return,
        };
        self.without_effect("load-balance", &format!("{}; the default is used instead", without(missing)));
    }
}

fn without(missing: &str) -> String {
    format!("has no effect without {missing}")
}
