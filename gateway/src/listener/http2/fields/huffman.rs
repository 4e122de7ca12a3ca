//! The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: the lengths of its codes give the codes.

/// Bits of the code for each byte, and for the end of a string.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];
const END: u16 = 256;
const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// The codes by their lengths; a code is compared as the first bits of a window of 32.
struct Code {
    /// The window of the first code of a length.
    first: [u64; LONGEST + 1],
    /// The window behind the last code of a length, and of all shorter ones.
    behind: [u64; LONGEST + 1],
    /// Where the symbols of a length begin.
    offset: [usize; LONGEST + 1],
    symbols: [u16; LENGTHS.len()],
}

static CODE: Code = code();

const fn code() -> Code {
    let none = [0; LONGEST + 1];
    let mut code = Code { first: none, behind: none, offset: [0; LONGEST + 1], symbols: [0; LENGTHS.len()] };
    let (mut window, mut count, mut length) = (0, 0, SHORTEST);
    while length <= LONGEST {
        code.first[length] = window;
        code.offset[length] = count;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                code.symbols[count] = symbol as u16;
                count += 1;
                window += 1 << (32 - length);
            }
            symbol += 1;
        }
        code.behind[length] = window;
        length += 1;
    }
    code
}

/// For each byte that a window may begin with, the symbol whose code it begins with and the length of that code; 0 if the
/// code is longer than a byte. Most text has only such symbols.
static SHORT: [(u8, u8); 256] = short();

const fn short() -> [(u8, u8); 256] {
    let mut short = [(0, 0); 256];
    let code = code();
    let (mut byte, mut length) = (0, SHORTEST);
    while length <= 8 {
        let mut nth = 0;
        while code.first[length] + (nth << (32 - length)) < code.behind[length] {
            let symbol = code.symbols[code.offset[length] + nth as usize];
            let end = byte + (1 << (8 - length));
            while byte < end {
                short[byte] = (symbol as u8, length as u8);
                byte += 1;
            }
            nth += 1;
        }
        length += 1;
    }
    short
}

/// Appends the string that these bytes encode. `None` if they encode none.
pub(super) fn decode(bytes: &[u8], string: &mut Vec<u8>) -> Option<()> {
    let mut bytes = bytes.iter();
    // The bits that are left, at the upper end.
    let (mut bits, mut count) = (0_u64, 0);
    loop {
        while count <= 56
            && let Some(byte) = bytes.next()
        {
            bits |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        let (symbol, length) = SHORT[(bits >> 56) as usize];
        if length > 0 && usize::from(length) <= count {
            string.push(symbol);
            bits <<= length;
            count -= usize::from(length);
            continue;
        }
        let window = bits >> 32;
        let length = (SHORTEST..=LONGEST).find(|length| window < CODE.behind[*length]).unwrap_or(LONGEST);
        if length > count {
            return is_padding(bits, count).then_some(());
        }
        let nth = usize::try_from((window - CODE.first[length]) >> (32 - length)).ok()?;
        let symbol = *CODE.symbols.get(CODE.offset[length] + nth)?;
        if symbol == END {
            return None;
        }
        string.push(symbol as u8);
        bits <<= length;
        count -= length;
    }
}

/// Whether these are fewer than eight bits, all set.
fn is_padding(bits: u64, count: usize) -> bool {
    count < 8 && bits.leading_ones() as usize >= count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut string = Vec::new();
        decode(bytes, &mut string).map(|()| string)
    }

    /// Encodes with the same table, bit by bit.
    fn encoded(string: &[u8]) -> Vec<u8> {
        let mut bits = String::new();
        for byte in string {
            let length = usize::from(LENGTHS[usize::from(*byte)]);
            let nth = (0..*byte).filter(|other| usize::from(LENGTHS[usize::from(*other)]) == length).count() as u64;
            bits += &format!("{:0length$b}", (CODE.first[length] >> (32 - length)) + nth);
        }
        bits += &"1".repeat(bits.len().next_multiple_of(8) - bits.len());
        let bytes = bits.as_bytes().chunks(8).map(|bits| std::str::from_utf8(bits).expect("digits"));
        bytes.map(|bits| u8::from_str_radix(bits, 2).expect("a byte")).collect()
    }

    #[test]
    fn examples_of_the_specification() {
        // RFC 7541, appendix C.4.1, C.4.2 and C.4.3
        let host = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&host).as_deref(), Some(&b"www.example.com"[..]));
        assert_eq!(decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).as_deref(), Some(&b"no-cache"[..]));
        let value = [0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf];
        assert_eq!(decoded(&value).as_deref(), Some(&b"custom-value"[..]));
    }

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=255 {
            for string in [vec![byte], vec![byte, b'a', byte, byte]] {
                assert_eq!(decoded(&encoded(&string)), Some(string));
            }
        }
        assert_eq!(decoded(&[]), Some(vec![]));
    }

    #[test]
    fn what_is_no_string() {
        assert_eq!(decoded(&[0xff; 4]), None, "the end of a string is no symbol");
        assert_eq!(decoded(&[0x1f, 0xff]), None, "eight bits of padding");
        assert_eq!(decoded(&[0x18]), None, "padding that is not all ones");
    }
}
