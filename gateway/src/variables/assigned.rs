use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of one value.
const VALUE_LIMIT: usize = 16 << 10;
/// Bytes of all values of a request.
const TOTAL_LIMIT: usize = 64 << 10;

/// A value is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// What snippets have set for a request: variables by name, and the groups of the last regular expression. They last as
/// long as the request.
#[derive(Debug, Default)]
pub struct Assigned {
    named: Vec<(Arc<str>, Box<[u8]>)>,
    /// Of the whole match and each group; empty where the expression has not matched.
    groups: Vec<Box<[u8]>>,
    /// A variable that is made of others, or of a database, could not be made.
    has_overrun: AtomicBool,
}

/// The groups of a match.
#[derive(Debug)]
pub struct Groups(Vec<Box<[u8]>>);

impl Assigned {
    /// Sets a variable.
    ///
    /// # Errors
    /// The value has more than 16 KiB, or all together have more than 64 KiB.
    pub fn set(&mut self, name: &Arc<str>, value: &[u8]) -> Result<(), TooLong> {
        let others = self.named.iter().filter(|(other, _)| other != name).map(|(_, value)| value.len());
        if value.len() > VALUE_LIMIT || others.sum::<usize>() + value.len() > TOTAL_LIMIT {
            return Err(TooLong);
        }
        match self.named.iter_mut().find(|(other, _)| other == name) {
            Some((_, former)) => *former = value.into(),
            None => self.named.push((name.clone(), value.into())),
        }
        Ok(())
    }

    /// Sets the groups of a match; none where there was no match.
    pub fn set_groups(&mut self, groups: &[&[u8]]) {
        self.groups = groups.iter().take(10).map(|group| Box::from(*group)).collect();
    }

    /// Takes all groups away, to [restore](Self::restore_groups) them.
    pub fn take_groups(&mut self) -> Groups {
        Groups(std::mem::take(&mut self.groups))
    }

    /// Sets the groups that were taken away.
    pub fn restore_groups(&mut self, Groups(groups): Groups) {
        self.groups = groups;
    }

    /// A variable that is made of others could not be made, because that takes too much, or one of a GeoIP2 database, because
    /// that is not there. It has no value.
    pub fn overrun(&self) {
        self.has_overrun.store(true, Ordering::Relaxed);
    }

    /// Whether that has happened.
    pub fn has_overrun(&self) -> bool {
        self.has_overrun.load(Ordering::Relaxed)
    }

    /// The value of a variable.
    pub fn named(&self, name: &str) -> Option<&[u8]> {
        self.named.iter().find(|(other, _)| **other == *name).map(|(_, value)| &**value)
    }

    /// What a group has taken.
    pub fn group(&self, number: u8) -> Option<&[u8]> {
        self.groups.get(usize::from(number)).map(|group| &**group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bounded() {
        let mut assigned = Assigned::default();
        assert_eq!(assigned.set(&"a".into(), &[b'x'; VALUE_LIMIT + 1]), Err(TooLong));
        for name in ["a", "b", "c", "d", "a"] {
            assert_eq!(assigned.set(&name.into(), &[b'x'; VALUE_LIMIT]), Ok(()));
        }
        assert_eq!(assigned.set(&"e".into(), b"x"), Err(TooLong));
        assert_eq!(assigned.set(&"a".into(), b""), Ok(()));
        assert_eq!((assigned.named("a"), assigned.named("e")), (Some(&b""[..]), None));
    }

    #[test]
    fn groups_are_those_of_the_last_match() {
        let mut assigned = Assigned::default();
        assigned.set_groups(&[b"ab", b"b"]);
        assert_eq!((assigned.group(1), assigned.group(2)), (Some(&b"b"[..]), None));
        assigned.set_groups(&[]);
        assert_eq!(assigned.group(1), None);
    }
}
