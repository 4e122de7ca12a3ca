use http::{HeaderMap, HeaderValue};

/// Headers that are looked up by name: in whatever form they are.
pub trait Fields {
    /// The values of all headers of this name, which is in lower case.
    fn values<'f>(&'f self, name: &'f str) -> impl DoubleEndedIterator<Item = &'f [u8]>;

    /// The value of the first header of this name.
    fn first<'f>(&'f self, name: &'f str) -> Option<&'f [u8]> {
        self.values(name).next()
    }

    /// Whether there is a header of this name.
    fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The first value, to be the value of another header.
    fn value(&self, name: &str) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.first(name)?).ok()
    }
}

impl Fields for HeaderMap {
    fn values<'f>(&'f self, name: &'f str) -> impl DoubleEndedIterator<Item = &'f [u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}
