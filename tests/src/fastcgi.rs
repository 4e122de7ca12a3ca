//! FastCGI as a program speaks it: a request in, records out.

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt};

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

/// The params of a request, in order.
pub type Params = Vec<(String, String)>;

/// Reads the start of a request, as strictly as no program does: it is for a responder, and the connection for no other.
///
/// # Errors
/// If the connection ends, or holds something else.
pub async fn params(stream: &mut (impl AsyncRead + Unpin)) -> Result<Params> {
    let (kind, begin) = read_record(stream).await?;
    ensure!(
        (kind, &*begin) == (BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0][..]),
        "a request begins with {kind} {begin:?}"
    );
    let encoded = stream_of(PARAMS, stream).await?;
    let mut rest = &encoded[..];
    let mut params = Params::new();
    while !rest.is_empty() {
        let (name, value) = (length(&mut rest)?, length(&mut rest)?);
        ensure!(rest.len() >= name + value, "a param is cut");
        params.push((text(&rest[..name]), text(&rest[name..name + value])));
        rest = &rest[name + value..];
    }
    Ok(params)
}

/// The value of a param, which stands there once.
pub fn param<'p>(params: &'p Params, name: &str) -> Option<&'p str> {
    let mut values = params.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let value = values.next();
    assert_eq!(values.next(), None, "{name} stands there twice");
    value
}

/// Reads the body of a request whose params have been read.
///
/// # Errors
/// As [`params`].
pub async fn body(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
    stream_of(STDIN, stream).await
}

/// Records with a piece of a response.
pub fn output(content: impl AsRef<[u8]>) -> Vec<u8> {
    content.as_ref().chunks(0xffff).flat_map(|content| record(STDOUT, content, 3)).collect()
}

/// A record with a text for the log.
pub fn error_output(content: impl AsRef<[u8]>) -> Vec<u8> {
    record(STDERR, content.as_ref(), 0)
}

/// The records that end a response.
pub fn end() -> Vec<u8> {
    [record(STDOUT, &[], 0), record(END_REQUEST, &[0; 8], 0)].concat()
}

/// A record of the only request.
pub fn record(kind: u8, content: &[u8], padding: u8) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[1, kind, 0, 1, length[0], length[1], padding, 0][..], content, &vec![0; padding.into()]].concat()
}

/// What the records of one kind hold, up to an empty one.
async fn stream_of(expected: u8, stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        match read_record(stream).await? {
            (kind, content) if kind == expected && content.is_empty() => return Ok(all),
            (kind, content) if kind == expected => all.extend(content),
            (kind, _) => bail!("a record of type {kind} instead of {expected}"),
        }
    }
}

async fn read_record(stream: &mut (impl AsyncRead + Unpin)) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 8];
    stream.read_exact(&mut head).await?;
    let [version, kind, 0, 1, high, low, padding, _] = head else { bail!("a record begins with {head:?}") };
    ensure!(version == 1, "version {version}");
    let mut content = vec![0; usize::from(u16::from_be_bytes([high, low])) + usize::from(padding)];
    stream.read_exact(&mut content).await?;
    content.truncate(content.len() - usize::from(padding));
    Ok((kind, content))
}

fn length(bytes: &mut &[u8]) -> Result<usize> {
    let (taken, length) = match **bytes {
        [short @ 0..=127, ..] => (1, short.into()),
        [a, b, c, d, ..] => (4, u32::from_be_bytes([a & 0x7f, b, c, d])),
        _ => bail!("a length is cut"),
    };
    *bytes = &bytes[taken..];
    Ok(usize::try_from(length)?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
