use crate::object::{Age, ObjectKey};

/// The place of an object of Gateway API among others of its kind: the oldest comes first and wins conflicts, then by namespace
/// and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) age: Age,
    pub(super) key: ObjectKey,
}
