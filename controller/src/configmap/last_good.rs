use super::entry::Key;
use crate::diagnostic::shown;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What each key of the ConfigMap said last that could be used: it stays in effect where a change to the key cannot. A key
/// that is taken away is forgotten, and a process that starts knows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastGood(BTreeMap<&'static str, Arc<str>>);

impl LastGood {
    pub(super) fn keep(&mut self, key: &Key, text: &str) {
        self.0.insert(key.name, text.into());
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.0.remove(key.name);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is known, as the data of a ConfigMap.
    pub(super) fn data(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(name, text)| ((*name).to_owned(), text.to_string())).collect()
    }

    /// What a key may fall back to. Of a setting without which requests are not safe that is no more than what protects: who
    /// sets it for the first time relies on it, and nothing is known that does what is relied on.
    pub(super) fn of(&self, key: &Key, is_security: bool) -> Option<&Arc<str>> {
        self.0.get(key.name).filter(|text| !is_security || !key.asks_for_nothing(text))
    }
}

/// Says what is in effect in place of a value, behind what is wrong with it.
pub(super) fn stays(former: &str) -> String {
    format!("the last valid value, {:?}, stays in effect", shown(former))
}
