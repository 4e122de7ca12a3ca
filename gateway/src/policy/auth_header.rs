//! Headers that an auth server changes of its own accord.

use http::{HeaderName, HeaderValue};

/// A header of a message on its way, as an auth server wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthHeader {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
    pub(crate) manner: Manner,
}

/// What becomes of a header that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It is replaced.
    Set,
    /// The value comes behind its own.
    Append,
    /// It stays.
    SetIfAbsent,
    /// It is replaced; where there is none, none comes.
    SetIfPresent,
}

impl AuthHeader {
    /// The value that the header has then. `None`: it stays as it is.
    pub(crate) fn applied(&self, present: Option<&HeaderValue>) -> Option<HeaderValue> {
        match (self.manner, present) {
            (Manner::SetIfAbsent, Some(_)) | (Manner::SetIfPresent, None) => None,
            (Manner::Append, Some(present)) => {
                let both = [present.as_bytes(), b", ", self.value.as_bytes()].concat();
                HeaderValue::from_bytes(&both).ok()
            }
            _ => Some(self.value.clone()),
        }
    }

    /// Whether some backend takes a header of this name for it: `X_User` and `X.User` for `X-User`.
    pub(crate) fn is_like(&self, name: &HeaderName) -> bool {
        letters(name).eq(letters(&self.name))
    }
}

/// Letters and digits of a name.
pub(super) fn letters(name: &HeaderName) -> impl Iterator<Item = u8> {
    name.as_str().bytes().filter(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_or_goes() {
        for (manner, absent, present) in [
            (Manner::Set, Some("b"), Some("b")),
            (Manner::Append, Some("b"), Some("a, b")),
            (Manner::SetIfAbsent, Some("b"), None),
            (Manner::SetIfPresent, None, Some("b")),
        ] {
            let (name, value) = (HeaderName::from_static("x-user"), HeaderValue::from_static("b"));
            let header = AuthHeader { name, value, manner };
            let before = HeaderValue::from_static("a");
            assert_eq!(header.applied(None), absent.map(HeaderValue::from_static), "{manner:?}");
            assert_eq!(header.applied(Some(&before)), present.map(HeaderValue::from_static), "{manner:?}");
            assert!(header.is_like(&HeaderName::from_static("x_user")));
        }
    }
}
