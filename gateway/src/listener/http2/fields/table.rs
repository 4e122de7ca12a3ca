//! HPACK's tables of names, and as much of its dynamic table as it takes to know what a reference to it means.

use super::rules::{Odd, Rule};
use std::collections::VecDeque;

/// Bytes of the dynamic table: h2's default, which our SETTINGS leave as it is.
const SIZE: usize = 4096;
/// What an entry costs beside its name and value (RFC 7541, section 4.1).
const OVERHEAD: usize = 32;

/// The names of the static table (RFC 7541, appendix A), from index 1.
#[rustfmt::skip]
const STATIC: [&str; 61] = [
    ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status", ":status", ":status",
    ":status", ":status", ":status", ":status", "accept-charset", "accept-encoding", "accept-language",
    "accept-ranges", "accept", "access-control-allow-origin", "age", "allow", "authorization", "cache-control",
    "content-disposition", "content-encoding", "content-language", "content-length", "content-location",
    "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match",
    "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified", "link", "location",
    "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after",
    "server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via",
    "www-authenticate",
];

/// A field's name: its length, and what its values must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) length: usize,
    pub(super) rule: Rule,
}

/// The dynamic table of a client, as h2 has it.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<Entry>,
    size: usize,
    limit: usize,
}

#[derive(Debug)]
struct Entry {
    name: Name,
    size: usize,
    odd: Option<Odd>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), size: 0, limit: SIZE }
    }

    /// The name of an entry; `None` if there is no such entry.
    pub(super) fn name(&self, index: usize) -> Option<Name> {
        match STATIC.get(index.checked_sub(1)?) {
            Some(name) => Some(Name { length: name.len(), rule: Rule::of(name.as_bytes()) }),
            None => Some(self.entry(index)?.name),
        }
    }

    /// What is odd about an entry; `None` if there is no such entry.
    pub(super) fn odd(&self, index: usize) -> Option<Option<Odd>> {
        if index.checked_sub(1)? < STATIC.len() { Some(None) } else { Some(self.entry(index)?.odd.clone()) }
    }

    fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index.checked_sub(STATIC.len() + 1)?)
    }

    pub(super) fn insert(&mut self, name: Name, value: usize, odd: Option<Odd>) {
        let size = name.length + value + OVERHEAD;
        self.shrink(self.limit.saturating_sub(size));
        if size <= self.limit {
            self.size += size;
            self.entries.push_front(Entry { name, size, odd });
        }
    }

    /// Sets the limit of the size that the client has chosen; `None` if it may not.
    pub(super) fn resize(&mut self, limit: usize) -> Option<()> {
        if limit > SIZE {
            return None;
        }
        self.limit = limit;
        self.shrink(limit);
        Some(())
    }

    fn shrink(&mut self, limit: usize) {
        while self.size > limit
            && let Some(entry) = self.entries.pop_back()
        {
            self.size -= entry.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(length: usize) -> Name {
        Name { length, rule: Rule::Value }
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let mut table = Table::new();
        for length in 1..=40 {
            table.insert(name(length), 100 - length, None);
        }
        // 31 of 132 bytes fit.
        assert_eq!(table.name(62).map(|name| name.length), Some(40));
        assert_eq!(table.name(62 + 30).map(|name| name.length), Some(10));
        assert!(table.name(62 + 31).is_none());
        table.resize(132).expect("smaller");
        assert!(table.name(62).is_some() && table.name(63).is_none());
        table.insert(name(100), 1, None);
        assert!(table.name(62).is_none(), "an entry that does not fit empties the table");
        assert!(table.resize(SIZE + 1).is_none());
    }

    #[test]
    fn there_is_no_entry_zero() {
        assert!(Table::new().name(0).is_none() && Table::new().odd(0).is_none());
        assert_eq!(Table::new().name(61).map(|name| name.length), Some("www-authenticate".len()));
    }
}
