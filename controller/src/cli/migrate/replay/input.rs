//! The lines of a log, one at a time, whatever its size; decompressed where it begins as gzip does.

use crate::source::directory::STANDARD_INPUT;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

/// The longest line, in bytes. Of a longer one the beginning counts, which is no line of the format.
const LONGEST: u64 = 64 << 10;

/// How much is read at a time, in bytes.
const BLOCK: usize = 256 << 10;

/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The lines of a log.
pub(super) struct Lines {
    reader: Box<dyn BufRead>,
    position: Rc<Cell<u64>>,
    size: Option<u64>,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file, or standard input.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new(STANDARD_INPUT) {
            return Self::of(io::stdin(), None);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Self::of(file, Some(metadata.len()).filter(|_| metadata.is_file()))
    }

    fn of(input: impl Read + 'static, size: Option<u64>) -> io::Result<Self> {
        let position = Rc::new(Cell::new(0));
        let mut input = BufReader::with_capacity(BLOCK, Counted { input, position: position.clone() });
        let is_compressed = input.fill_buf()?.starts_with(&GZIP);
        let reader: Box<dyn BufRead> = match is_compressed {
            true => Box::new(BufReader::with_capacity(BLOCK, MultiGzDecoder::new(input))),
            false => Box::new(input),
        };
        Ok(Self { reader, position, size, line: Vec::new() })
    }

    /// The next line, without its end; `None` at the end of the log.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let read = (&mut self.reader).take(LONGEST).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        if self.line.pop_if(|last| *last == b'\n').is_none() {
            self.reader.skip_until(b'\n')?;
        }
        Ok(Some(&self.line))
    }

    /// How many bytes there are, if that is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many of them have been read.
    pub(super) fn position(&self) -> u64 {
        self.position.get()
    }
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    position: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.position.set(self.position.get().saturating_add(read as u64));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_bound() {
        let long = "x".repeat(3 * LONGEST as usize);
        let mut lines = Lines::of(io::Cursor::new(format!("a\n{long}\nb\r\n\nc")), None).expect("lines");
        let mut found = Vec::new();
        while let Some(line) = lines.next().expect("a line") {
            found.push(line.len());
        }
        assert_eq!(found, [1, LONGEST as usize, 2, 0, 1]);
    }
}
