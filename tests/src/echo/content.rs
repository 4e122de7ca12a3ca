//! Content that tells where each of its bytes belongs, so that nothing can be lost, doubled or swapped unseen.

use bytes::Bytes;

/// The bytes of a line, with its end.
const LINE: u64 = 16;

/// `length` bytes of content from this offset on. It is lines of 16 bytes, and each is its own offset in decimal digits.
pub fn content(offset: u64, length: usize) -> Bytes {
    let skipped = offset % LINE;
    let mut lines = Vec::with_capacity(length + 2 * LINE as usize);
    let mut start = offset - skipped;
    while (lines.len() as u64) < skipped + length as u64 {
        lines.extend(format!("{start:015}\n").as_bytes());
        start += LINE;
    }
    let skipped = skipped as usize;
    Bytes::from(lines).slice(skipped..skipped + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_their_offsets() {
        assert_eq!(content(0, 35), "000000000000000\n000000000000016\n000");
        assert_eq!(content(0, 0), "");
    }

    proptest! {
        #[test]
        fn pieces_make_up_the_whole(first in 0..100_usize, second in 0..100_usize) {
            let pieces = [content(0, first), content(first as u64, second)].concat();
            prop_assert_eq!(content(0, first + second), pieces);
        }
    }
}
