use crate::object::{Age, ObjectKey};
use std::cmp::Ordering;

/// The place of an Ingress among all: the oldest comes first and wins conflicts. Ties go by `namespace/name`,
/// descending, as in ingress-nginx (I17).
#[derive(Clone, Debug)]
pub(super) struct Rank {
    pub(super) age: Age,
    pub(super) key: ObjectKey,
}

impl Rank {
    /// The bytes of `namespace/name`.
    fn name(&self) -> impl Iterator<Item = u8> {
        self.key.namespace.bytes().chain([b'/']).chain(self.key.name.bytes())
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        self.age.cmp(&other.age).then_with(|| other.name().cmp(self.name()))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rank {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Kind;

    fn rank(created: i64, namespace: &str, name: &str) -> Rank {
        Rank { age: Age { created: Some(created), place: None }, key: ObjectKey::new(Kind::Ingress, namespace, name) }
    }

    #[test]
    fn the_oldest_comes_first_then_the_last_name() {
        assert!(rank(1, "ns", "a") < rank(2, "ns", "b"));
        assert!(rank(1, "ns", "b") < rank(1, "ns", "a"));
        // "a-b/x" is before "a/x" as text, and so after it here.
        assert!(rank(1, "a", "x") < rank(1, "a-b", "x"));
    }
}
