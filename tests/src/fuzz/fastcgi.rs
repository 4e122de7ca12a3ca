//! What programs of FastCGI send: it is read as a simple-minded reader does, however it comes, and no head makes more
//! headers than it has.

use bytes::BytesMut;
use gateway::fastcgi::{CgiHead, HeadReader, Piece, RecordReader};

/// The input is what comes of a program.
pub fn fuzz(input: &[u8]) {
    records_are_read_one_way(input);
    heads_are_read_one_way(input);
}

/// What the records hold, and whether the response has ended; `None` if one is malformed.
type Read = Option<(Vec<u8>, Vec<u8>, bool)>;

/// Records are taken apart as by a simple-minded reader.
pub fn records_are_read_one_way(bytes: &[u8]) {
    let expected = naive(bytes);
    for step in [1, 2, 7, bytes.len().max(1)] {
        assert_eq!(read(bytes, step), expected, "by {step}: {}", bytes.escape_ascii());
    }
}

fn read(bytes: &[u8], step: usize) -> Read {
    let (mut reader, mut input) = (RecordReader::default(), BytesMut::new());
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(step) {
        input.extend_from_slice(piece);
        while let Some(piece) = reader.next(&mut input).ok()? {
            match piece {
                Piece::Output(bytes) => output.extend_from_slice(&bytes),
                Piece::ErrorOutput(bytes) => errors.extend_from_slice(&bytes),
                Piece::End => assert!(reader.is_done()),
            }
        }
    }
    Some((output, errors, reader.is_done()))
}

/// Reads whole records, and what there is of the last.
fn naive(mut rest: &[u8]) -> Read {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [version, kind, number @ .., high, low, padding, _] = *head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = &after[..length.min(after.len())];
        match (version, number, kind) {
            (1, [0, 1], 6) => output.extend_from_slice(content),
            (1, [0, 1], 7) => errors.extend_from_slice(content),
            (1, [0, 1], 3) if length == 8 && content.len() < 8 => {}
            (1, [0, 1], 3) if length == 8 && content[4] == 0 => return Some((output, errors, true)),
            _ => return None,
        }
        rest = after.get(length + usize::from(padding)..).unwrap_or_default();
    }
    Some((output, errors, false))
}

/// A head is the same however it comes, ends where the first empty line does, and holds no line end.
pub fn heads_are_read_one_way(bytes: &[u8]) {
    let at_once = head(bytes, bytes.len().max(1));
    for step in [1, 2, 7] {
        assert_eq!(head(bytes, step), at_once, "by {step}: {}", bytes.escape_ascii());
    }
    let Some(Some((head, rest))) = at_once else { return };
    let lines = bytes[..bytes.len() - rest.len()].split(|byte| *byte == b'\n').collect::<Vec<_>>();
    let is_empty = |line: &&[u8]| matches!(*line, b"" | b"\r");
    assert_eq!(lines.iter().position(is_empty), Some(lines.len() - 2), "{}", bytes.escape_ascii());
    assert!(head.headers.len() <= lines.len() - 2, "{}", bytes.escape_ascii());
    assert!(!head.status.is_informational());
    let is_line = |text: &[u8]| !text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0'));
    assert!(is_line(&head.reason));
    for (name, value) in &head.headers {
        assert!(is_line(name) && is_line(value.as_bytes()) && !name.contains(&b':'), "{}", bytes.escape_ascii());
    }
}

/// The head, and what comes behind it; `None` if it is malformed, `Some(None)` if it is not complete.
fn head(bytes: &[u8], step: usize) -> Option<Option<(CgiHead, Vec<u8>)>> {
    let mut reader = HeadReader::default();
    let mut pieces = bytes.chunks(step);
    while let Some(piece) = pieces.next() {
        if let Some((head, rest)) = reader.push(piece).ok()? {
            let behind: Vec<u8> = rest.iter().chain(pieces.flatten()).copied().collect();
            return Some(Some((head, behind)));
        }
    }
    Some(None)
}
