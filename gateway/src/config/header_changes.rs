use std::sync::Arc;

/// What is changed of headers: some are removed, then some are set, then values are added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeaderChanges {
    /// Names, in lower case.
    pub remove: Arc<[Arc<str>]>,
    /// Names with the only value that they have then.
    pub set: Arc<[(Arc<str>, Arc<str>)]>,
    /// Names with a value that comes behind those they have.
    pub add: Arc<[(Arc<str>, Arc<str>)]>,
}
