//! Headers in the order in which they are written, with their names as they are written.

use bytes::{BufMut, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::ops::Deref;
use std::sync::Arc;

/// The headers of a head that is passed on. What is not edited borrows the bytes that were read.
#[derive(Clone, Debug, Default)]
pub(in crate::lane) struct Headers {
    list: Vec<Header>,
    names: NameSet,
}

/// Which names there may be: a bit for each name's hash. Most headers that are looked for are not there, and this is enough to
/// know it.
#[derive(Clone, Copy, Debug, Default)]
struct NameSet(u64);

impl NameSet {
    fn add(&mut self, name: &[u8]) {
        self.0 |= Self::bit(name);
    }

    fn may_have(self, name: &[u8]) -> bool {
        self.0 & Self::bit(name) != 0
    }

    /// By the length, and the first and the last letter without their case.
    fn bit(name: &[u8]) -> u64 {
        let (Some(first), Some(last)) = (name.first(), name.last()) else { return 1 };
        let (first, last) = (usize::from(first | 0x20), usize::from(last | 0x20));
        1 << ((name.len() + 3 * first + 7 * last) % 64)
    }
}

/// Headers of our own that a head gets at most, as a rule.
const ADDED: usize = 12;

#[derive(Clone, Debug)]
struct Header {
    name: Name,
    value: HeaderValue,
}

/// A header's name as it is written. Derefs to its bytes, which are those of a token.
#[derive(Clone, Debug)]
pub(in crate::lane) enum Name {
    Received(Bytes),
    /// Of HTTP/2, in lower case.
    Parsed(HeaderName),
    /// Ours.
    Static(&'static str),
    Configured(Arc<str>),
}

impl Headers {
    /// Those that were parsed from `bytes`. `None` if a value is not valid.
    pub(in crate::lane) fn parsed(bytes: &Bytes, headers: &[httparse::Header<'_>]) -> Option<Self> {
        let mut parsed = Self { list: Vec::with_capacity(headers.len() + ADDED), names: NameSet::default() };
        for header in headers {
            let value = HeaderValue::from_maybe_shared(bytes.slice_ref(header.value)).ok()?;
            parsed.append(Name::Received(bytes.slice_ref(header.name.as_bytes())), value);
        }
        Some(parsed)
    }

    /// The bytes that they are written in.
    pub(in crate::lane) fn length(&self) -> usize {
        self.list.iter().map(|header| header.name.len() + ": \r\n".len() + header.value.len()).sum()
    }

    /// Writes them as HTTP/1 does.
    pub(in crate::lane) fn write(&self, output: &mut impl BufMut) {
        for Header { name, value } in &self.list {
            for part in [name, &b": "[..], value.as_bytes(), b"\r\n"] {
                output.put_slice(part);
            }
        }
    }

    /// Their names and values.
    pub(in crate::lane) fn iter(&self) -> impl Iterator<Item = (&Name, &HeaderValue)> {
        self.list.iter().map(|header| (&header.name, &header.value))
    }

    /// The values of all headers of this name.
    pub(in crate::lane) fn all(&self, name: &str) -> impl Iterator<Item = &HeaderValue> {
        let list = if self.names.may_have(name.as_bytes()) { &self.list[..] } else { &[] };
        list.iter().filter(move |header| header.name.is(name.as_bytes())).map(|header| &header.value)
    }

    /// Whether there is a header of this name.
    pub(in crate::lane) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Keeps the headers for whose name this holds.
    pub(in crate::lane) fn retain(&mut self, mut is_kept: impl FnMut(&[u8]) -> bool) {
        self.list.retain(|header| is_kept(&header.name));
    }

    /// Removes the headers of this name.
    pub(in crate::lane) fn remove(&mut self, name: &str) {
        if self.names.may_have(name.as_bytes()) {
            self.list.retain(|header| !header.name.is(name.as_bytes()));
        }
    }

    /// Adds a header, beside those of the name.
    pub(in crate::lane) fn append(&mut self, name: Name, value: HeaderValue) {
        self.names.add(&name);
        self.list.push(Header { name, value });
    }

    /// Replaces the first header of this name and removes the others, or adds it.
    pub(in crate::lane) fn set(&mut self, name: Name, value: HeaderValue) {
        let is_there = self.names.may_have(&name);
        let first = is_there.then(|| self.list.iter().position(|header| header.name.is(&name))).flatten();
        let Some(first) = first else { return self.append(name, value) };
        let mut at = 0;
        self.list.retain(|header| {
            at += 1;
            at <= first + 1 || !header.name.is(&name)
        });
        self.list[first] = Header { name, value };
    }

    /// The same headers by their names in lower case.
    pub(in crate::lane) fn to_map(&self) -> HeaderMap {
        let parsed = |(name, value): (&Name, &HeaderValue)| Some((name.parsed()?, value.clone()));
        self.iter().filter_map(parsed).collect()
    }
}

impl From<&HeaderMap> for Headers {
    fn from(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        headers.iter().for_each(|(name, value)| all.append(Name::Parsed(name.clone()), value.clone()));
        all
    }
}

impl From<HeaderMap> for Headers {
    fn from(headers: HeaderMap) -> Self {
        let (mut all, mut name) = (Self::default(), None);
        for (next, value) in headers {
            // A header has a name only if that is not the name of the one before.
            name = next.or(name);
            if let Some(name) = &name {
                all.append(Name::Parsed(name.clone()), value);
            }
        }
        all
    }
}

impl Name {
    /// A name that the user wrote. `None` if it is not one.
    pub(in crate::lane) fn configured(name: &Arc<str>) -> Option<Self> {
        HeaderName::from_bytes(name.as_bytes()).is_ok().then(|| Self::Configured(name.clone()))
    }

    /// The name in lower case.
    pub(in crate::lane) fn parsed(&self) -> Option<HeaderName> {
        match self {
            Self::Parsed(name) => Some(name.clone()),
            name => HeaderName::from_bytes(name).ok(),
        }
    }

    fn is(&self, name: &[u8]) -> bool {
        self.eq_ignore_ascii_case(name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(headers: &Headers) -> String {
        let mut text = Vec::new();
        headers.write(&mut text);
        assert_eq!(text.len(), headers.length());
        String::from_utf8(text).expect("text")
    }

    fn headers(names: &[&str]) -> Headers {
        let mut headers = Headers::default();
        names.iter().for_each(|name| headers.append(Name::Configured((*name).into()), HeaderValue::from_static("1")));
        headers
    }

    #[test]
    fn a_header_is_replaced_where_it_stands() {
        let mut headers = headers(&["b", "X-a", "c", "x-A", "d"]);
        headers.set(Name::Static("x-a"), HeaderValue::from_static("2"));
        assert_eq!(written(&headers), "b: 1\r\nx-a: 2\r\nc: 1\r\nd: 1\r\n");
        headers.set(Name::Static("E"), HeaderValue::from_static("3"));
        headers.retain(|name| name != b"b" && name != b"d");
        assert_eq!(written(&headers), "x-a: 2\r\nc: 1\r\nE: 3\r\n");
    }

    #[test]
    fn a_map_keeps_all_values() {
        let map = headers(&["a", "B", "a", "A"]).to_map();
        assert_eq!((map.get_all("a").iter().count(), map.get_all("b").iter().count()), (3, 1));
        assert_eq!(written(&Headers::from(&map)), written(&Headers::from(map.clone())));
        assert_eq!(Headers::from(map).all("A").count(), 3);
    }

    #[test]
    fn what_is_no_name_is_not_written() {
        assert!(Name::configured(&"X: 1\r\nY".into()).is_none());
        assert!(Name::configured(&"X-Y".into()).is_some());
    }

    proptest! {
        #[test]
        fn edits_are_those_of_a_map(
            names in prop::collection::vec("[a-cA-C-]{1,2}", 0..8),
            set in "[a-c-]{1,2}",
            removed in "[a-c-]{1,2}",
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut headers = headers(&names);
            headers.set(Name::Configured(set.as_str().into()), HeaderValue::from_static("2"));
            headers.remove(&removed);
            prop_assert_eq!(headers.all(&removed).count(), 0);
            prop_assert_eq!(headers.all(&set).count(), usize::from(set != removed));
            let others = names.iter().filter(|name| ![&set, &removed].iter().any(|edited| name.eq_ignore_ascii_case(edited)));
            prop_assert_eq!(headers.iter().count(), others.count() + usize::from(set != removed));
        }
    }
}
