use crate::object::{Age, ObjectKey};

/// The place of an object of Gateway API among others of its kind: the oldest comes first and wins conflicts, then by namespace
/// and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::translate) struct Rank {
    pub(in crate::translate) age: Age,
    pub(in crate::translate) key: ObjectKey,
}
