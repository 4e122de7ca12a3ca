//! Reads the header blocks of a client before h2 does, and lets no field reach it that would end the connection.
//!
//! h2 decodes and checks a field in one step. Where a field is unsound (a byte of another kind in its name or value, a
//! `:path` that is no UTF-8) it leaves the rest of the block, so that its dynamic table is no longer the client's, and has
//! to end the connection with all other streams. Here such a field is replaced by a sound one of the same size: tables stay
//! equal. What has been replaced is told behind the other fields, as a [`NOTE`], which no client can send.

mod huffman;
mod rules;
mod table;

pub(super) use rules::NOTE;

use rules::{Odd, Rule};
use table::{Name, Table};

/// An indexed field, `transfer-encoding`, that no header block may have: h2 resets the stream.
const FORBIDDEN: u8 = 0x80 | 57;

/// Bits of a representation's first byte (RFC 7541, section 6).
const INDEXED: u8 = 0x80;
const WITH_INDEXING: u8 = 0x40;
const SIZE_UPDATE: u8 = 0x20;
/// A string is Huffman-coded.
const HUFFMAN: u8 = 0x80;

/// A header block that h2 cannot decode either: the connection ends.
#[derive(Debug)]
pub(super) struct Undecodable;

/// The fields of all header blocks of a connection, in their order.
#[derive(Debug)]
pub(super) struct Fields {
    table: Table,
    name: Vec<u8>,
    value: Vec<u8>,
}

/// A field of a block.
#[derive(Default)]
struct Field {
    odd: Option<Odd>,
    /// What h2 gets in its place.
    stand_in: Option<Vec<u8>>,
}

impl Fields {
    pub(super) fn new() -> Self {
        Self { table: Table::new(), name: Vec::new(), value: Vec::new() }
    }

    /// Reads the next header block, of a head or of trailers. Returns what h2 gets in its place, if anything is odd.
    pub(super) fn check(&mut self, block: &[u8], trailers: bool) -> Result<Option<Vec<u8>>, Undecodable> {
        let mut reader = Reader { block, at: 0 };
        let (mut changed, mut odd) = (None, None);
        while reader.at < block.len() {
            let start = reader.at;
            let field = self.field(&mut reader).ok_or(Undecodable)?;
            if field.odd.is_some() && odd != Some(Odd::Malformed) {
                odd = field.odd;
            }
            match (&mut changed, field.stand_in) {
                (None, None) => {}
                (None, Some(stand_in)) => changed = Some([&block[..start], &stand_in].concat()),
                (Some(changed), None) => changed.extend_from_slice(&block[start..reader.at]),
                (Some(changed), Some(stand_in)) => changed.extend(stand_in),
            }
        }
        Ok(odd.map(|odd| {
            let mut changed = changed.unwrap_or_else(|| block.to_vec());
            if trailers {
                changed.push(FORBIDDEN);
            } else {
                note(&mut changed, &odd);
            }
            changed
        }))
    }

    fn field(&mut self, reader: &mut Reader<'_>) -> Option<Field> {
        let first = reader.first()?;
        if first & INDEXED != 0 {
            let index = reader.integer(7)?;
            return Some(Field { odd: self.table.odd(index)?, stand_in: None });
        }
        if first & WITH_INDEXING != 0 {
            return self.literal(reader, WITH_INDEXING, 6);
        }
        if first & SIZE_UPDATE != 0 {
            let limit = reader.integer(5)?;
            return self.table.resize(limit).map(|()| Field::default());
        }
        self.literal(reader, 0, 4)
    }

    fn literal(&mut self, reader: &mut Reader<'_>, indexing: u8, prefix: u32) -> Option<Field> {
        let start = reader.at;
        let name = match reader.integer(prefix)? {
            0 => {
                reader.string(&mut self.name)?;
                Name { length: self.name.len(), rule: Rule::of(&self.name) }
            }
            index => self.table.name(index)?,
        };
        let name_ends = reader.at;
        reader.string(&mut self.value)?;
        let odd = name.rule.odd(&self.value);
        let length = self.value.len();
        let stand_in = odd.is_some().then(|| match name.rule.stand_in(length) {
            Some(value) => [&reader.block[start..name_ends], &string(&value)].concat(),
            None => sound_literal(indexing, name.length, length),
        });
        if indexing != 0 {
            self.table.insert(name, length, odd.clone());
        }
        Some(Field { odd, stand_in })
    }
}

/// A literal that h2 takes, with a name and a value of these lengths. It takes no empty name, so that a byte of the value is
/// in the name then; where there is none either, and the table has to have the field, the connection ends.
fn sound_literal(indexing: u8, name: usize, value: usize) -> Vec<u8> {
    let (name, value) = match (name, value) {
        (0, 1..) => (1, value - 1),
        (0, 0) if indexing == 0 => (1, 0),
        lengths => lengths,
    };
    [&[indexing][..], &string(&vec![b'a'; name]), &string(&vec![b'a'; value])].concat()
}

/// Appends the [`NOTE`].
fn note(block: &mut Vec<u8>, odd: &Odd) {
    let target = match odd {
        Odd::Malformed => &[],
        Odd::Target(target) => &target[..],
    };
    block.push(0);
    block.extend(string(NOTE.as_str().as_bytes()));
    block.extend(string(target));
}

/// A string as a literal that is not Huffman-coded.
fn string(text: &[u8]) -> Vec<u8> {
    const PREFIX: usize = 127;
    let mut literal = Vec::with_capacity(text.len() + 6);
    literal.push(text.len().min(PREFIX) as u8);
    if text.len() >= PREFIX {
        let mut rest = text.len() - PREFIX;
        while rest >= 128 {
            literal.push(rest as u8 | 128);
            rest >>= 7;
        }
        literal.push(rest as u8);
    }
    literal.extend_from_slice(text);
    literal
}

/// Reads the integers and strings of a block (RFC 7541, section 5). `None` is a block that h2 cannot read either.
struct Reader<'a> {
    block: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn first(&self) -> Option<u8> {
        self.block.get(self.at).copied()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.first()?;
        self.at += 1;
        Some(byte)
    }

    /// An integer whose prefix has so many bits; as h2, of five bytes at most.
    fn integer(&mut self, prefix: u32) -> Option<usize> {
        let mask = (1 << prefix) - 1;
        let mut value = usize::from(self.byte()?) & mask;
        if value < mask {
            return Some(value);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value += usize::from(byte & 127) << shift;
            if byte & 128 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn string(&mut self, into: &mut Vec<u8>) -> Option<()> {
        into.clear();
        let coded = self.first()? & HUFFMAN != 0;
        let length = self.integer(7)?;
        let bytes = self.block.get(self.at..)?.get(..length)?;
        self.at += length;
        if coded {
            return huffman::decode(bytes, into);
        }
        into.extend_from_slice(bytes);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(indexing: u8, name: &str, value: &[u8]) -> Vec<u8> {
        [&[indexing][..], &string(name.as_bytes()), &string(value)].concat()
    }

    fn malformed() -> Vec<u8> {
        literal(0, NOTE.as_str(), b"")
    }

    #[test]
    fn sound_blocks_stay_as_they_are() {
        let mut fields = Fields::new();
        let block =
            [&[0x82, 0x86, 0x84][..], &literal(WITH_INDEXING, "x-a", b"1"), &literal(0x10, "x-b", b"2")].concat();
        assert_eq!(fields.check(&block, false).expect("decodes"), None);
        assert_eq!(fields.check(&[0x3f, 0xe1, 0x1f, 0xbe], false).expect("decodes"), None, "its entry is there");
        assert!(fields.check(&[0xbf], false).is_err(), "and no other");
    }

    #[test]
    fn an_odd_field_is_replaced_by_one_of_its_size() {
        let mut fields = Fields::new();
        let block = [&[0x82][..], &literal(WITH_INDEXING, "x@y", b"12"), &[0x84]].concat();
        let expected = [&[0x82][..], &literal(WITH_INDEXING, "aaa", b"aa"), &[0x84], &malformed()].concat();
        assert_eq!(fields.check(&block, false).expect("decodes"), Some(expected));
        // Whoever refers to it, or to its name alone, is refused as well.
        assert_eq!(fields.check(&[0xbe], false).expect("decodes"), Some([&[0xbe], &malformed()[..]].concat()));
        let by_name = fields.check(&[0x7e, 1, b'v'], false).expect("decodes");
        assert_eq!(by_name, Some([literal(WITH_INDEXING, "aaa", b"a"), malformed()].concat()));
        assert_eq!(fields.check(&[0xbe], true).expect("decodes"), Some(vec![0xbe, FORBIDDEN]), "trailers");
    }

    #[test]
    fn a_field_without_a_name_is_replaced_by_one_of_its_size() {
        let mut fields = Fields::new();
        let mut check = |block: &[u8]| fields.check(block, false).expect("decodes");
        let with = |literal: Vec<u8>| Some([literal, malformed()].concat());
        assert_eq!(check(&literal(WITH_INDEXING, "", b"12")), with(literal(WITH_INDEXING, "a", b"a")));
        assert_eq!(check(&[0x7e, 1, b'v']), with(literal(WITH_INDEXING, "a", b"")), "by the name of the one before");
        assert_eq!(check(&literal(0, "", b"")), with(literal(0, "a", b"")));
    }

    #[test]
    fn an_odd_value_keeps_its_name() {
        let mut fields = Fields::new();
        let odd = fields.check(&[0x7a, 2, b'a', 0], false).expect("decodes");
        assert_eq!(odd, Some([&[0x7a, 2, b'a', b'a'], &malformed()[..]].concat()));
        assert_eq!(fields.check(&[0x7e, 1, b'v'], false).expect("decodes"), None, "the name is sound");
    }

    #[test]
    fn a_target_is_told_as_it_came() {
        let mut fields = Fields::new();
        let note = literal(0, NOTE.as_str(), b"/<\xff");
        let odd = fields.check(&[0x44, 3, b'/', b'<', 0xff], false).expect("decodes");
        assert_eq!(odd, Some([&[0x44, 3, b'/', b'-', b'-'], &note[..]].concat()));
        assert_eq!(fields.check(&[0xbe], false).expect("decodes"), Some([&[0xbe], &note[..]].concat()));
    }

    #[test]
    fn what_h2_cannot_decode_either() {
        for block in
            [&[0x80][..], &[0xbe], &[0x40], &[0x44, 5, b'/'], &[0x3f, 0xff, 0xff, 0xff, 0xff, 1], &[0x44, 0x84, 255]]
        {
            assert!(Fields::new().check(block, false).is_err(), "{block:?}");
        }
    }

    #[test]
    fn long_strings_have_long_lengths() {
        for length in [126, 127, 128, 254, 255, 20_000] {
            let literal = string(&vec![b'x'; length]);
            let mut text = Vec::new();
            Reader { block: &literal, at: 0 }.string(&mut text).expect("a string");
            assert_eq!(text.len(), length);
        }
    }
}
