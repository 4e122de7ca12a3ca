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

/// Which names there may be: a bit for each name's hash. Most headers that are looked for are not there, and this is enough to
/// know it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameSet(u64);

impl NameSet {
    pub(super) fn add(&mut self, name: &[u8]) {
        self.0 |= Self::bit(name);
    }

    pub(super) fn may_have(self, name: &[u8]) -> bool {
        self.0 & Self::bit(name) != 0
    }

    /// By the length, and the first and the last letter without their case.
    fn bit(name: &[u8]) -> u64 {
        let (Some(first), Some(last)) = (name.first(), name.last()) else { return 1 };
        let (first, last) = (usize::from(first | 0x20), usize::from(last | 0x20));
        1 << ((name.len() + 3 * first + 7 * last) % 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_not_written() {
        assert!(Name::configured(&"X: 1\r\nY".into()).is_none());
        assert!(Name::configured(&"X-Y".into()).is_some());
    }
}
