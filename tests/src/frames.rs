//! Frames of HTTP/2 as bytes, for clients that no library would be.

use crate::connection::{Connection, Input, PATIENCE};
use crate::wire::{Reader, Remaining};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// What a client sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `ACK` of a SETTINGS or PING frame.
pub const ACK: u8 = 0x1;
/// `END_STREAM` of a HEADERS or DATA frame.
pub const END_STREAM: u8 = 0x1;
/// `END_HEADERS` of a HEADERS or CONTINUATION frame.
pub const END_HEADERS: u8 = 0x4;

/// The type of a frame (RFC 9113, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    Data = 0,
    Headers = 1,
    Priority = 2,
    RstStream = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// A frame as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The type's number.
    pub kind: u8,
    /// The flags.
    pub flags: u8,
    /// The stream.
    pub stream: u32,
    /// The payload.
    pub payload: Vec<u8>,
}

/// A frame's bytes.
///
/// # Panics
/// If the payload is longer than a frame can be.
pub fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [0, length @ ..] = u32::try_from(payload.len()).expect("a small payload").to_be_bytes() else {
        panic!("a payload of {} bytes", payload.len());
    };
    [&length[..], &[kind as u8, flags], &stream.to_be_bytes(), payload].concat()
}

/// The beginning of a connection: the preface and settings that change nothing.
pub fn beginning() -> Vec<u8> {
    [PREFACE, &frame(Kind::Settings, 0, 0, &[])].concat()
}

/// The header block of a request for `/` of a host, in plain literals and entries of the static table (RFC 7541).
///
/// # Panics
/// If the host is longer than 126 bytes.
pub fn head(method: &str, host: &str) -> Vec<u8> {
    const AUTHORITY: u8 = 0x41;
    const METHOD: u8 = 0x42;
    const PATH_SLASH: u8 = 0x84;
    const SCHEME_HTTP: u8 = 0x86;
    let text = |text: &str| [&[u8::try_from(text.len()).expect("a short text")], text.as_bytes()].concat();
    [&[METHOD][..], &text(method), &[SCHEME_HTTP, PATH_SLASH, AUTHORITY], &text(host)].concat()
}

/// The header block of a request for host `h`, with these fields behind `:method`, `:scheme` and `:authority`, in plain
/// literals.
///
/// # Panics
/// If a name or a value is longer than 126 bytes.
pub fn block(method: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let pseudo = [(":method", method.as_bytes()), (":scheme", b"http"), (":authority", b"h")];
    pseudo.iter().chain(fields).flat_map(|(name, value)| literal(0, name.as_bytes(), value)).collect()
}

/// A field as a plain literal: `first` is 0, or 0x40 to have it in the dynamic table, too.
///
/// # Panics
/// If its name or value is longer than 126 bytes.
pub fn literal(first: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| [u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text")];
    [&[first], &length(name)[..], name, &length(value), value].concat()
}

/// How a server has answered a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With a response that has this status, where it is one of HPACK's static table.
    Status(u16),
    /// With a reset.
    Reset(u32),
}

/// Reads on until so many streams are answered. Returns how, by the stream.
///
/// # Errors
/// If the connection ends before, or nothing comes in time.
pub async fn answers(connection: &mut Connection, count: usize) -> Result<BTreeMap<u32, Answer>> {
    let mut answers = BTreeMap::new();
    while answers.len() < count {
        let Frame { kind, stream, payload, .. } = next(connection).await?;
        if kind == Kind::GoAway as u8 {
            bail!("GOAWAY {payload:?}");
        }
        if kind == Kind::RstStream as u8 {
            let code = u32::from_be_bytes(payload[..].try_into()?);
            answers.entry(stream).or_insert(Answer::Reset(code));
        }
        if kind == Kind::Headers as u8 {
            answers.entry(stream).or_insert(Answer::Status(status(&payload)?));
        }
    }
    Ok(answers)
}

fn status(block: &[u8]) -> Result<u16> {
    Ok(match block.first() {
        Some(0x88) => 200,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        Some(0x8e) => 500,
        first => bail!("a status as {first:?}"),
    })
}

/// The next frame.
///
/// # Errors
/// If the connection ends before, or nothing comes in time.
pub async fn next(connection: &mut Connection) -> Result<Frame> {
    timeout(PATIENCE, read(&mut connection.reader)).await.context("no frame in time")?
}

/// Reads on until a GOAWAY. Returns its code.
///
/// # Errors
/// If the connection ends before, or nothing comes in time.
pub async fn go_away(connection: &mut Connection) -> Result<u32> {
    timeout(PATIENCE, read_go_away(&mut connection.reader)).await.context("no GOAWAY in time")?
}

/// Sends the same bytes until there is a GOAWAY. Returns its code.
///
/// # Errors
/// If the connection ends before, or does not end in time.
pub async fn flood(connection: &mut Connection, bytes: &[u8]) -> Result<u32> {
    let Connection { reader, writer, .. } = connection;
    let flood = async {
        while writer.write_all(bytes).await.is_ok() {}
        std::future::pending().await
    };
    let until_told = async {
        tokio::select! {
            code = read_go_away(reader) => code,
            code = flood => code,
        }
    };
    timeout(PATIENCE, until_told).await.context("no GOAWAY in time")?
}

async fn read_go_away(reader: &mut Reader<Input>) -> Result<u32> {
    loop {
        let frame = read(reader).await.context("the connection ended without GOAWAY")?;
        if frame.kind == Kind::GoAway as u8 {
            return Ok(u32::from_be_bytes(frame.payload[4..8].try_into()?));
        }
    }
}

async fn read(reader: &mut Reader<Input>) -> Result<Frame> {
    let head = bytes(reader, 9).await?;
    let [a, b, c, kind, flags, stream @ ..] = &head[..] else { bail!("a frame of {} bytes", head.len()) };
    let stream = u32::from_be_bytes(stream.try_into()?);
    let payload = bytes(reader, u32::from_be_bytes([0, *a, *b, *c])).await?;
    Ok(Frame { kind: *kind, flags: *flags, stream, payload })
}

async fn bytes(reader: &mut Reader<Input>, count: u32) -> Result<Vec<u8>> {
    let (mut all, mut remaining) = (Vec::new(), Remaining::Bytes(count.into()));
    while let Some(piece) = reader.body(&mut remaining).await? {
        all.extend(piece);
    }
    Ok(all)
}
