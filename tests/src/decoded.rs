//! Bodies with a content coding, as a client reads them.

use crate::wire::{Headers, header};
use anyhow::{Result, bail};
use std::io::Read;

/// What there is of a body without its coding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What can be read so far.
    pub body: Vec<u8>,
    /// Whether its end has come.
    pub is_whole: bool,
}

/// Decodes as much of a body as there is.
///
/// # Errors
/// If the coding is not known.
pub fn decode(coding: &str, encoded: &[u8]) -> Result<Decoded> {
    const BUFFER: usize = 4 << 10;
    let mut decoder: Box<dyn Read + '_> = match coding {
        "gzip" => Box::new(flate2::read::GzDecoder::new(encoded)),
        "br" => Box::new(brotli::Decompressor::new(encoded, BUFFER)),
        "zstd" => Box::new(zstd::stream::read::Decoder::new(encoded)?),
        _ => bail!("{coding:?} is not a coding"),
    };
    let (mut body, mut piece) = (Vec::new(), [0; BUFFER]);
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => return Ok(Decoded { body, is_whole: true }),
            Ok(length) => body.extend_from_slice(&piece[..length]),
            Err(_) => return Ok(Decoded { body, is_whole: false }),
        }
    }
}

/// A response's body without its coding; as it is, where it has none or is not what its head says.
pub(crate) fn body(headers: &Headers, encoded: Vec<u8>) -> Vec<u8> {
    let decoded = header(headers, "content-encoding").and_then(|coding| decode(&coding, &encoded).ok());
    decoded.filter(|decoded| decoded.is_whole).map_or(encoded, |decoded| decoded.body)
}
