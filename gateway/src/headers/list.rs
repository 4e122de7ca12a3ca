//! Headers in the order in which they are written, with their names as they are written.

use super::fields::Fields;
use super::name::{Name, NameSet, Tag};
use bytes::{BufMut, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::OnceLock;

/// The headers of a head that is passed on. Those that were received are places in its text; those that were set stand behind
/// them. Names have any case, and are the same in all of them.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    text: Bytes,
    received: Lines,
    set: Vec<SetHeader>,
    names: NameSet,
    /// The same, for who asks for a map. Made when it is asked for.
    map: OnceLock<Box<HeaderMap>>,
}

/// Where the headers stand in the text of a head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Vec<Line>);

/// Where a header stands.
#[derive(Clone, Copy, Debug)]
struct Line {
    name: u32,
    value: u32,
    value_length: u32,
    name_length: u16,
    tag: Tag,
    is_removed: bool,
}

/// A header of our own.
#[derive(Clone, Debug)]
struct SetHeader {
    tag: Tag,
    name: Name,
    value: HeaderValue,
}

/// Headers of our own that a head gets at most, as a rule.
const ADDED: usize = 12;

impl Lines {
    /// Those that were parsed from `text`. `None` if one is too far from its beginning, or its name too long.
    pub(crate) fn of(text: &[u8], headers: &[httparse::Header<'_>]) -> Option<Self> {
        let place = |part: &[u8]| u32::try_from((part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?).ok();
        let line = |header: &httparse::Header<'_>| {
            Some(Line {
                name: place(header.name.as_bytes())?,
                value: place(header.value)?,
                value_length: u32::try_from(header.value.len()).ok()?,
                name_length: u16::try_from(header.name.len()).ok()?,
                tag: Tag::of(header.name.as_bytes()),
                is_removed: false,
            })
        };
        let mut lines = Vec::with_capacity(headers.len()); // which collecting options would not do
        for header in headers {
            lines.push(line(header)?);
        }
        Some(Self(lines))
    }
}

impl Line {
    fn name_end(self) -> usize {
        self.name as usize + usize::from(self.name_length)
    }

    fn value_end(self) -> usize {
        (self.value + self.value_length) as usize
    }

    fn name(self, text: &[u8]) -> &[u8] {
        text.get(self.name as usize..self.name_end()).unwrap_or_default()
    }

    fn value(self, text: &[u8]) -> &[u8] {
        text.get(self.value as usize..self.value_end()).unwrap_or_default()
    }

    /// The value on its own, which keeps the text instead of a copy.
    fn shared_value(self, text: &Bytes) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(text.slice(self.value as usize..self.value_end())).ok()
    }

    /// All of the line, if it stands in the text as we would write it.
    fn as_written(self, text: &[u8]) -> Option<&[u8]> {
        let line = text.get(self.name as usize..self.value_end() + 2)?;
        let is_plain = self.name_end() + 2 == self.value as usize
            && line[usize::from(self.name_length)..].starts_with(b": ")
            && line.ends_with(b"\r\n");
        is_plain.then_some(line)
    }
}

impl Headers {
    /// The headers that stand at these places of a text.
    pub(crate) fn received(text: Bytes, received: Lines) -> Self {
        let mut names = NameSet::default();
        received.0.iter().for_each(|line| names.add(line.tag));
        Self { text, received, names, ..Self::default() }
    }

    /// Their number.
    pub(crate) fn count(&self) -> usize {
        self.lines().count() + self.set.len()
    }

    fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.received.0.iter().filter(|line| !line.is_removed)
    }

    /// The bytes that they are written in.
    pub(crate) fn length(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + ": \r\n".len() + value.len()).sum()
    }

    /// The same or more, without looking at each of those that were received.
    pub(crate) fn length_at_most(&self) -> usize {
        let set = |header: &SetHeader| header.name.len() + ": \r\n".len() + header.value.len();
        // One may have been received without the blank that it gets.
        self.text.len() + self.received.0.len() + self.set.iter().map(set).sum::<usize>()
    }

    /// Writes them as HTTP/1 does.
    pub(crate) fn write(&self, output: &mut impl BufMut) {
        let mut run = 0..0; // of lines that stand one behind the other in the text
        for line in self.lines() {
            let start = line.name as usize;
            match line.as_written(&self.text) {
                Some(written) if run.end == start => run.end += written.len(),
                Some(written) => {
                    output.put_slice(&self.text[std::mem::replace(&mut run, start..start + written.len())]);
                }
                None => {
                    output.put_slice(&self.text[std::mem::replace(&mut run, 0..0)]);
                    write_line(line.name(&self.text), line.value(&self.text), output);
                }
            }
        }
        output.put_slice(&self.text[run]);
        self.set.iter().for_each(|set| write_line(&set.name, set.value.as_bytes(), output));
    }

    /// Their names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let received = self.lines().map(|line| (line.name(&self.text), line.value(&self.text)));
        received.chain(self.set.iter().map(|set| (&*set.name, set.value.as_bytes())))
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().map(|(name, _)| name)
    }

    /// Their names in lower case, and their values.
    pub(crate) fn parsed(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let received = self.lines().filter_map(|line| {
            let name = HeaderName::from_bytes(line.name(&self.text)).ok()?;
            Some((name, line.shared_value(&self.text)?))
        });
        received.chain(self.set.iter().filter_map(|set| Some((set.name.parsed()?, set.value.clone()))))
    }

    /// The same headers by their names in lower case. The first time, this costs an allocation and a bit for each of them.
    pub fn map(&self) -> &HeaderMap {
        self.map.get_or_init(|| Box::new(self.parsed().collect()))
    }

    /// Keeps the headers for whose name this holds.
    pub(crate) fn retain(&mut self, mut is_kept: impl FnMut(&[u8]) -> bool) {
        self.map.take();
        for line in &mut self.received.0 {
            line.is_removed |= !is_kept(line.name(&self.text));
        }
        self.set.retain(|set| is_kept(&set.name));
    }

    /// Removes the headers of this name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.remove_tagged(name.as_bytes(), Tag::of(name.as_bytes()));
    }

    fn remove_tagged(&mut self, name: &[u8], tag: Tag) {
        if !self.names.may_have(tag) {
            return;
        }
        self.map.take();
        for line in &mut self.received.0 {
            line.is_removed |= line.tag == tag && line.name(&self.text).eq_ignore_ascii_case(name);
        }
        self.set.retain(|set| set.tag != tag || !set.name.eq_ignore_ascii_case(name));
    }

    /// Adds a header, beside those of the name.
    pub(crate) fn append(&mut self, name: Name, value: HeaderValue) {
        let tag = Tag::of(&name);
        self.append_tagged(SetHeader { tag, name, value });
    }

    fn append_tagged(&mut self, header: SetHeader) {
        self.map.take();
        self.names.add(header.tag);
        if self.set.capacity() == 0 {
            self.set.reserve(ADDED);
        }
        self.set.push(header);
    }

    /// Replaces the headers of this name, or adds it.
    #[inline] // so that the tags of names of ours are computed by the compiler
    pub(crate) fn set(&mut self, name: Name, value: HeaderValue) {
        let tag = Tag::of(&name);
        self.set_tagged(SetHeader { tag, name, value });
    }

    fn set_tagged(&mut self, header: SetHeader) {
        self.remove_tagged(&header.name, header.tag);
        self.append_tagged(header);
    }
}

fn write_line(name: &[u8], value: &[u8], output: &mut impl BufMut) {
    for part in [name, b": ", value, b"\r\n"] {
        output.put_slice(part);
    }
}

impl Headers {
    /// The headers of this name that were received, and those that were set.
    fn of_name<'f>(
        &'f self,
        name: &'f [u8],
    ) -> (impl DoubleEndedIterator<Item = &'f Line>, impl DoubleEndedIterator<Item = &'f SetHeader>) {
        let tag = Tag::of(name);
        let (received, set) = match self.names.may_have(tag) {
            true => (&self.received.0[..], &self.set[..]),
            false => (&[][..], &[][..]),
        };
        let is_name = |other: &[u8]| other.eq_ignore_ascii_case(name);
        let received =
            received.iter().filter(move |line| line.tag == tag && !line.is_removed && is_name(line.name(&self.text)));
        (received, set.iter().filter(move |set| set.tag == tag && is_name(&set.name)))
    }
}

impl Fields for Headers {
    fn values<'f>(&'f self, name: &'f str) -> impl DoubleEndedIterator<Item = &'f [u8]> {
        let (received, set) = self.of_name(name.as_bytes());
        received.map(|line| line.value(&self.text)).chain(set.map(|set| set.value.as_bytes()))
    }

    fn value(&self, name: &str) -> Option<HeaderValue> {
        let (mut received, mut set) = self.of_name(name.as_bytes());
        match received.next() {
            Some(line) => line.shared_value(&self.text),
            None => set.next().map(|set| set.value.clone()),
        }
    }
}

impl From<&HeaderMap> for Headers {
    fn from(headers: &HeaderMap) -> Self {
        headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for Headers {
    fn from_iter<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(headers: I) -> Self {
        let mut all = Self::default();
        headers.into_iter().for_each(|(name, value)| all.append(Name::Parsed(name), value));
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(headers: &Headers) -> String {
        let mut text = Vec::new();
        headers.write(&mut text);
        assert_eq!(text.len(), headers.length());
        assert!(text.len() <= headers.length_at_most(), "{headers:?}");
        String::from_utf8(text).expect("text")
    }

    /// Headers that were received in these lines.
    fn received(lines: &str) -> Headers {
        let text = Bytes::from(format!("GET / HTTP/1.1\r\n{lines}\r\n"));
        let mut parsed = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut parsed);
        assert!(request.parse(&text).expect("a head").is_complete());
        let lines = Lines::of(&text, request.headers).expect("a short head");
        Headers::received(text.clone(), lines)
    }

    fn configured(names: &[&str]) -> Headers {
        let mut headers = Headers::default();
        names.iter().for_each(|name| headers.append(Name::Configured((*name).into()), HeaderValue::from_static("1")));
        headers
    }

    #[test]
    fn what_is_not_edited_is_written_as_it_was_received() {
        let text = "Host: h\r\nx-LOWER: 1\r\nAccept: a\r\nACCEPT: b\r\nEmpty: \r\n";
        assert_eq!(written(&received(text)), text);
        assert_eq!(written(&received("a:1\r\nB: \t2 \r\nc: 3\r\n")), "a: 1\r\nB: 2\r\nc: 3\r\n");
        assert_eq!(written(&received("a:\r\nB: \t\r\nc: \r\n")), "a: \r\nB: \r\nc: \r\n");
    }

    #[test]
    fn edits_replace_all_headers_of_a_name() {
        let mut headers = received("a: 1\r\nX-b: 2\r\nc: 3\r\nx-B: 4\r\nd: 5\r\n");
        headers.set(Name::Static("x-b"), HeaderValue::from_static("6"));
        assert_eq!(written(&headers), "a: 1\r\nc: 3\r\nd: 5\r\nx-b: 6\r\n");
        headers.set(Name::Static("X-B"), HeaderValue::from_static("7"));
        headers.append(Name::Static("X-B"), HeaderValue::from_static("8"));
        headers.remove("c");
        assert_eq!(written(&headers), "a: 1\r\nd: 5\r\nX-B: 7\r\nX-B: 8\r\n");
        assert_eq!((headers.count(), headers.values("x-b").count(), headers.first("x-b")), (4, 2, Some(&b"7"[..])));
        headers.retain(|name| name != b"X-B");
        assert!(!headers.has("x-b") && headers.has("a"));
    }

    #[test]
    fn a_map_keeps_all_values() {
        let mut headers = received("a: 1\r\nB: 2\r\na: 3\r\n");
        headers.append(Name::Static("A"), HeaderValue::from_static("4"));
        let map = headers.map().clone();
        assert_eq!((map.get_all("a").iter().count(), map.get_all("b").iter().count()), (3, 1));
        assert_eq!(written(&Headers::from(&map)), written(&Headers::from(map.clone())));
        assert_eq!(Headers::from(map).values("A").count(), 3);
        headers.remove("a");
        assert!(!headers.map().contains_key("a"), "an edit is one of the map, too");
    }

    proptest! {
        #[test]
        fn edits_are_those_of_a_map(
            first in prop::collection::vec("[a-cA-C-]{1,2}", 0..8),
            names in prop::collection::vec("[a-cA-C-]{1,2}", 0..8),
            set in "[a-c-]{1,2}",
            removed in "[a-c-]{1,2}",
        ) {
            let lines: String = first.iter().map(|name| format!("{name}: 1\r\n")).collect();
            let mut headers = received(&lines);
            let own: Vec<&str> = names.iter().map(String::as_str).collect();
            configured(&own).set.into_iter().for_each(|set| headers.append(set.name, set.value));
            headers.set(Name::Configured(set.as_str().into()), HeaderValue::from_static("2"));
            headers.remove(&removed);
            prop_assert_eq!(headers.values(&removed).count(), 0);
            prop_assert_eq!(headers.values(&set).count(), usize::from(set != removed));
            let others = first.iter().chain(&names);
            let others = others.filter(|name| ![&set, &removed].iter().any(|edited| name.eq_ignore_ascii_case(edited)));
            prop_assert_eq!(headers.iter().count(), others.count() + usize::from(set != removed));
            prop_assert_eq!(headers.map().len(), headers.count());
            prop_assert_eq!(written(&headers).lines().count(), headers.count());
        }
    }
}
