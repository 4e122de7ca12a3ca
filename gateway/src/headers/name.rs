use bytes::Bytes;
use http::HeaderName;
use std::ops::Deref;
use std::sync::Arc;

/// A header's name as it is written. Derefs to its bytes, which are those of a token.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Received(Bytes),
    /// Of HTTP/2, in lower case.
    Parsed(HeaderName),
    /// Ours.
    Static(&'static str),
    Configured(Arc<str>),
}

impl Name {
    /// A name that the user wrote. `None` if it is not one.
    pub(crate) fn configured(name: &Arc<str>) -> Option<Self> {
        HeaderName::from_bytes(name.as_bytes()).is_ok().then(|| Self::Configured(name.clone()))
    }

    /// The name in lower case.
    pub(super) fn parsed(&self) -> Option<HeaderName> {
        match self {
            Self::Parsed(name) => Some(name.clone()),
            name => HeaderName::from_bytes(name).ok(),
        }
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Received(name) => name,
            Self::Parsed(name) => name.as_str().as_bytes(),
            Self::Static(name) => name.as_bytes(),
            Self::Configured(name) => name.as_bytes(),
        }
    }
}

/// A hash of a name regardless of its case: names with different tags are different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u8);

impl Tag {
    /// By the length and three of the letters.
    pub(super) fn of(name: &[u8]) -> Self {
        let [first, .., last] = name else { return Self(name.len() as u8) };
        let [first, middle, last] = [first, &name[name.len() / 2], last].map(|letter| letter | 0x20);
        let length = (name.len() as u8).wrapping_mul(37);
        Self(length ^ first.wrapping_mul(5) ^ middle.wrapping_mul(23) ^ last.wrapping_mul(91))
    }
}

/// Which names there may be. Most headers that are looked for are not there, and this is enough to know it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameSet([u64; 4]);

impl NameSet {
    pub(super) fn add(&mut self, Tag(tag): Tag) {
        self.0[usize::from(tag >> 6)] |= 1 << (tag & 63);
    }

    pub(super) fn may_have(&self, Tag(tag): Tag) -> bool {
        self.0[usize::from(tag >> 6)] & 1 << (tag & 63) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_no_case() {
        for (name, same) in [("", ""), ("A", "a"), ("X-Real-IP", "x-REAL-ip"), ("te", "TE"), ("_a-", "_A-")] {
            assert_eq!(Tag::of(name.as_bytes()), Tag::of(same.as_bytes()), "{name}");
        }
        assert_ne!(Tag::of(b"x-forwarded-for"), Tag::of(b"x-forwarded-host"));
    }

    #[test]
    fn what_is_no_name_is_not_written() {
        assert!(Name::configured(&"X: 1\r\nY".into()).is_none());
        assert!(Name::configured(&"X-Y".into()).is_some());
    }
}
