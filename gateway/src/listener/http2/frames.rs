//! Finds the header blocks in what a client sends, and has their fields checked.

use super::PREFACE;
use super::fields::{Fields, Undecodable};
use std::borrow::Cow;

const FRAME_HEAD: usize = 9;
/// The largest payload: h2's default, which our SETTINGS leave as it is.
const PAYLOAD: usize = 16 << 10;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// Bytes of a stream dependency and its weight.
const DEPENDENCY: usize = 5;

/// The frames of a client, from its preface on.
#[derive(Debug)]
pub(super) struct Frames {
    fields: Fields,
    /// Bytes that are to come before the next frame's head.
    passing: usize,
    /// The last stream that a head has come for: a header block for an older one is its trailers.
    last_stream: u32,
    /// CONTINUATION frames of a block that h2 takes.
    continuations: usize,
    /// h2 ends the connection for what it has got.
    ended: bool,
}

/// What becomes of bytes that were received.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// So many pass as they are.
    pub(super) pass: usize,
    /// So many behind them are replaced. The rest is for later: it is not complete.
    pub(super) replace: usize,
    pub(super) by: Vec<u8>,
}

impl Found {
    fn passes(pass: usize) -> Self {
        Self { pass, replace: 0, by: Vec::new() }
    }
}

/// The frame, or the frames, at the beginning of some bytes.
enum Next<'a> {
    /// Not all of it is there.
    Incomplete,
    /// A frame without fields, so long.
    Plain(usize),
    /// A header block, in frames that are so long together.
    Block(usize, Block<'a>),
    /// Frames that h2 ends the connection for.
    Fatal,
}

struct Block<'a> {
    stream: u32,
    /// Of its HEADERS, those that are no part of the framing.
    flags: u8,
    /// Its stream dependency, if there is one.
    dependency: &'a [u8],
    fields: Cow<'a, [u8]>,
}

impl Frames {
    /// Those of a client whose heads may be so long.
    pub(super) fn new(head_limit: usize) -> Self {
        let least = (head_limit / PAYLOAD).max(1);
        Self {
            fields: Fields::new(),
            passing: PREFACE.len(),
            last_stream: 0,
            continuations: (least + least / 4).max(5), // h2: calc_max_continuation_frames
            ended: false,
        }
    }

    /// Whether nothing of what may come is of interest any more.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Finds the first header block that has to be replaced.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Found {
        let mut at = 0;
        loop {
            let passing = self.passing.min(bytes.len() - at);
            self.passing -= passing;
            at += passing;
            if at == bytes.len() {
                return Found::passes(at);
            }
            match next(&bytes[at..], self.continuations) {
                Next::Incomplete => return Found::passes(at),
                Next::Plain(length) => self.passing = length,
                Next::Fatal => {
                    self.ended = true;
                    return Found::passes(bytes.len());
                }
                Next::Block(length, block) => match self.check(&block) {
                    Ok(None) => self.passing = length,
                    Ok(Some(fields)) => return Found { pass: at, replace: length, by: block.framed(&fields) },
                    Err(Undecodable) => {
                        self.ended = true;
                        let replace = bytes.len() - at - length;
                        return Found { pass: at + length, replace, by: Vec::new() };
                    }
                },
            }
        }
    }

    fn check(&mut self, block: &Block<'_>) -> Result<Option<Vec<u8>>, Undecodable> {
        let trailers = block.stream <= self.last_stream;
        self.last_stream = self.last_stream.max(block.stream);
        self.fields.check(&block.fields, trailers)
    }
}

fn next(bytes: &[u8], continuations: usize) -> Next<'_> {
    let Some(head) = FrameHead::of(bytes) else { return Next::Incomplete };
    if head.kind != HEADERS {
        return Next::Plain(FRAME_HEAD + head.length);
    }
    if head.length > PAYLOAD {
        return Next::Fatal;
    }
    let Some(payload) = head.payload(bytes) else { return Next::Incomplete };
    let Some(mut block) = head.block(payload) else { return Next::Fatal };
    if block.depends_on_itself() {
        return Next::Plain(FRAME_HEAD + head.length); // h2 resets the stream and reads no field
    }
    let (mut at, mut flags) = (FRAME_HEAD + head.length, head.flags);
    for _ in 0..=continuations {
        if flags & END_HEADERS != 0 {
            return Next::Block(at, block);
        }
        let rest = &bytes[at..];
        let Some(head) = FrameHead::of(rest) else { return Next::Incomplete };
        if head.kind != CONTINUATION || head.stream != block.stream || head.length > PAYLOAD {
            return Next::Fatal;
        }
        let Some(payload) = head.payload(rest) else { return Next::Incomplete };
        block.fields.to_mut().extend_from_slice(payload);
        at += FRAME_HEAD + head.length;
        flags = head.flags;
    }
    Next::Fatal
}

struct FrameHead {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

impl FrameHead {
    fn of(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, d, e, f, g, ..] = *bytes else { return None };
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        Some(Self { length, kind, flags, stream: u32::from_be_bytes([d & 0x7f, e, f, g]) })
    }

    fn payload<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.get(FRAME_HEAD..FRAME_HEAD + self.length)
    }

    /// The beginning of the header block in the payload of a HEADERS frame; `None` if there can be none.
    fn block<'a>(&self, mut payload: &'a [u8]) -> Option<Block<'a>> {
        if self.flags & PADDED != 0 {
            let (padding, rest) = payload.split_first()?;
            payload = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
        }
        let dependency = if self.flags & PRIORITY != 0 { DEPENDENCY } else { 0 };
        let (dependency, fields) = payload.split_at_checked(dependency)?;
        let flags = self.flags & !(PADDED | END_HEADERS);
        Some(Block { stream: self.stream, flags, dependency, fields: fields.into() })
    }
}

impl Block<'_> {
    fn depends_on_itself(&self) -> bool {
        let [a, b, c, d, _] = *self.dependency else { return false };
        u32::from_be_bytes([a & 0x7f, b, c, d]) == self.stream
    }

    /// Frames of this block with other fields.
    fn framed(&self, fields: &[u8]) -> Vec<u8> {
        let payload = [self.dependency, fields].concat();
        let count = payload.len().div_ceil(PAYLOAD);
        let mut frames = Vec::with_capacity(payload.len() + count * FRAME_HEAD);
        for (number, payload) in payload.chunks(PAYLOAD).enumerate() {
            let (kind, flags) = if number == 0 { (HEADERS, self.flags) } else { (CONTINUATION, 0) };
            let end = if number + 1 == count { END_HEADERS } else { 0 };
            frames.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
            frames.extend_from_slice(&[kind, flags | end]);
            frames.extend_from_slice(&self.stream.to_be_bytes());
            frames.extend_from_slice(payload);
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &[u8] = &[0x82, 0x00, 1, b'@', 0];
    const REPLACED: &[u8] = &[0x82, 0x00, 1, b'a', 0, 0, 5, b'!', b'n', b'o', b't', b'e', 0];

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    }

    fn begun() -> Frames {
        let mut frames = Frames::new(32 << 10);
        assert_eq!(frames.find(PREFACE), Found::passes(PREFACE.len()));
        frames
    }

    fn replaced(block: &[u8]) -> Vec<u8> {
        let found = begun().find(block);
        assert_eq!((found.pass, found.replace), (0, block.len()));
        found.by
    }

    #[test]
    fn what_is_sound_passes() {
        let mut frames = begun();
        let sound = [frame(4, 0, 0, &[]), frame(HEADERS, 5, 1, &[0x82]), frame(0, 0, 1, ODD)].concat();
        assert_eq!(frames.find(&sound), Found::passes(sound.len()));
        assert_eq!(frames.find(&sound[..12]), Found::passes(9), "a head that is not complete waits");
        assert_eq!(frames.find(&frame(0, 0, 1, &[1; 100])[..20]), Found::passes(20), "data do not");
        assert!(!frames.ended());
    }

    #[test]
    fn an_odd_head_is_replaced() {
        let expected = frame(HEADERS, 5, 3, REPLACED);
        assert_eq!(replaced(&frame(HEADERS, 5, 3, ODD)), expected);
        let padded = [&[2][..], ODD, &[0, 0]].concat();
        assert_eq!(replaced(&frame(HEADERS, 5 | PADDED, 3, &padded)), expected);
        let dependent = |fields: &[u8]| frame(HEADERS, 5 | PRIORITY, 3, &[&[0, 0, 0, 1, 16][..], fields].concat());
        assert_eq!(replaced(&dependent(ODD)), dependent(REPLACED));
        let pieces = [frame(HEADERS, 1, 3, &ODD[..2]), frame(9, 0, 3, &ODD[2..4]), frame(9, 4, 3, &ODD[4..])].concat();
        assert_eq!(replaced(&pieces), expected);
    }

    #[test]
    fn odd_trailers_are_a_stream_error() {
        let mut frames = begun();
        frames.find(&frame(HEADERS, 4, 3, &[0x82]));
        let trailers = frames.find(&frame(HEADERS, 5, 3, ODD)).by;
        assert_eq!(trailers, frame(HEADERS, 5, 3, &[0x82, 0x00, 1, b'a', 0, 0x80 | 57]));
    }

    #[test]
    fn a_block_that_grows_beyond_a_frame_becomes_two() {
        let field = [&[0x00, 1, b'x', 127][..], &[0xff, 0x7e], &[b'v'; 127 + 16_255]].concat();
        let head = [&field[..], &[0x00, 1, b'@', 0]].concat();
        let block = [frame(HEADERS, 1, 1, &head[..PAYLOAD]), frame(9, 4, 1, &head[PAYLOAD..])].concat();
        let frames = replaced(&block);
        let second = &frames[FRAME_HEAD + PAYLOAD..];
        assert_eq!((frames[4], second[3], second[4]), (1, CONTINUATION, END_HEADERS));
    }

    #[test]
    fn what_h2_ends_the_connection_for_passes_and_nothing_after_it() {
        let start = frame(HEADERS, 1, 1, &[0x82]);
        let without_end = [&start[..], &frame(9, 0, 1, &[]).repeat(7)].concat();
        let interrupted = [&start[..], &frame(0, 0, 1, &[])].concat();
        for bytes in [without_end, interrupted, frame(HEADERS, 5, 1, &[0; PAYLOAD + 1]), frame(HEADERS, 13, 1, &[9])] {
            let mut frames = begun();
            assert_eq!(frames.find(&bytes), Found::passes(bytes.len()));
            assert!(frames.ended());
        }
        let mut frames = begun();
        let undecodable = frame(HEADERS, 5, 1, &[0x80]);
        let found = frames.find(&[&undecodable[..], ODD].concat());
        assert_eq!((found.pass, found.replace, found.by.len()), (undecodable.len(), ODD.len(), 0));
        assert!(frames.ended());
    }
}
