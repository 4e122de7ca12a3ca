//! The encoders, which take a body piece by piece.

use super::{Coding, Encoded};
use bytes::Bytes;
use flate2::{Compress, FlushCompress, Status};
use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};

/// Bits of the largest window, 256 KiB, for Brotli and Zstandard: what a client has to keep as well.
const WINDOW_BITS: u8 = 18;
/// The same for gzip, which has no larger one.
const GZIP_WINDOW_BITS: u8 = 15;
/// Bytes that the encoders of a worker take at most. Responses that come then are not compressed.
const BUDGET: usize = 64 << 20;

thread_local! {
    /// Bytes that the encoders of this worker take.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Compresses the body of one response.
pub struct Encoder {
    encoded: Encoded,
    /// Made for the first piece, and gone after the last.
    stream: Option<Stream>,
    /// Bytes of the body so far, and what has come of them.
    received: u64,
    sent: u64,
    _room: Room,
}

enum Stream {
    Gzip(Compress),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

/// The body cannot be compressed: there is no memory, or it has another length than its head said.
#[derive(Debug, thiserror::Error)]
#[error("the response cannot be compressed: {0}")]
pub struct EncodingFailed(#[from] io::Error);

impl Encoder {
    /// An encoder that has seen nothing yet. `None` if those of this worker take too much memory already.
    pub fn new(encoded: Encoded) -> Option<Self> {
        let room = Room::take(size(encoded))?;
        Some(Self { encoded, stream: None, received: 0, sent: 0, _room: room })
    }

    /// What it does.
    pub fn encoded(&self) -> Encoded {
        self.encoded
    }

    /// Bytes of the body so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes that have come of them.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Compresses the next piece. All of it is in what comes back, as nginx flushes what it does not buffer: a client need not
    /// wait for more to read it.
    ///
    /// # Errors
    /// The response has to be cut off.
    pub fn encode(&mut self, piece: &[u8], is_last: bool) -> Result<Bytes, EncodingFailed> {
        if piece.is_empty() && !is_last {
            return Ok(Bytes::new());
        }
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => Stream::new(self.encoded)?,
        };
        let output = if is_last {
            stream.finish(piece)?
        } else {
            let output = stream.flush(piece)?;
            self.stream = Some(stream);
            output
        };
        self.received += piece.len() as u64;
        self.sent += output.len() as u64;
        Ok(output.into())
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("encoded", &self.encoded).finish_non_exhaustive()
    }
}

impl Stream {
    fn new(Encoded { coding, level, length }: Encoded) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => {
                // Level 1 of zlib-ng is much faster than zlib's, but compresses less; level 2 does both better.
                let level = flate2::Compression::new(u32::from(level).max(2));
                Self::Gzip(Compress::new_gzip(level, GZIP_WINDOW_BITS))
            }
            Coding::Brotli => {
                const BUFFER: usize = 4 << 10;
                let (output, window) = (Vec::new(), WINDOW_BITS.into());
                Self::Brotli(Box::new(brotli::CompressorWriter::new(output, BUFFER, level.into(), window)))
            }
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level.into())?;
                encoder.window_log(WINDOW_BITS.into())?;
                encoder.set_pledged_src_size(length)?; // its tables are smaller then
                Self::Zstd(encoder)
            }
        })
    }

    fn flush(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(gzip) => deflate(gzip, piece, FlushCompress::Sync),
            Self::Brotli(brotli) => {
                brotli.write_all(piece)?;
                brotli.flush()?;
                Ok(std::mem::take(brotli.get_mut()))
            }
            Self::Zstd(zstd) => {
                zstd.write_all(piece)?;
                zstd.flush()?;
                Ok(std::mem::take(zstd.get_mut()))
            }
        }
    }

    fn finish(self, piece: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(mut gzip) => deflate(&mut gzip, piece, FlushCompress::Finish),
            Self::Brotli(mut brotli) => {
                brotli.write_all(piece)?;
                Ok(brotli.into_inner())
            }
            Self::Zstd(mut zstd) => {
                zstd.write_all(piece)?;
                zstd.finish()
            }
        }
    }
}

/// Compresses all of a piece.
fn deflate(gzip: &mut Compress, mut piece: &[u8], flush: FlushCompress) -> io::Result<Vec<u8>> {
    /// Room for what zlib adds: the head and the end of a body, and a flush.
    const FRAME: usize = 64;
    let mut output = Vec::with_capacity(piece.len() / 2 + FRAME);
    loop {
        let before = gzip.total_in();
        let status = gzip.compress_vec(piece, &mut output, flush).map_err(io::Error::other)?;
        piece = &piece[usize::try_from(gzip.total_in() - before).unwrap_or(piece.len())..];
        // There is more to come while there was no room for it.
        if status == Status::StreamEnd || (flush == FlushCompress::Sync && output.len() < output.capacity()) {
            return Ok(output);
        }
        output.reserve(output.capacity());
    }
}

/// Bytes that an encoder takes, measured.
fn size(Encoded { coding, level, .. }: Encoded) -> usize {
    let kilobytes = match (coding, level) {
        (Coding::Gzip, _) => 320,
        (Coding::Brotli, ..=1) => 128,
        (Coding::Brotli, ..=4) => 1100,
        (Coding::Brotli, 5) => 1700,
        (Coding::Brotli, _) => 2700,
        (Coding::Zstd, ..=1) => 320,
        (Coding::Zstd, ..=3) => 1150,
        (Coding::Zstd, _) => 2900,
    };
    kilobytes << 10
}

/// Memory of a worker that is set aside.
#[derive(Debug)]
struct Room(usize);

impl Room {
    fn take(size: usize) -> Option<Self> {
        let held = HELD.get() + size;
        (held <= BUDGET).then(|| {
            HELD.set(held);
            Self(size)
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        HELD.set(HELD.get() - self.0);
    }
}
