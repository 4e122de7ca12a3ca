//! HTTP/1.1 messages, read byte for byte.
//!
//! Neither end of the tests uses an HTTP library: these hide, repair or refuse what the tests are about.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// Headers in order, names in lower case.
pub type Headers = Vec<(String, String)>;

/// Reads messages one after another.
#[derive(Debug)]
pub struct Reader<R> {
    input: BufReader<R>,
}

/// A request's first line and headers.
#[derive(Debug)]
pub struct RequestHead {
    /// The method.
    pub method: String,
    /// The request target as sent.
    pub target: String,
    /// The headers.
    pub headers: Headers,
}

/// A response's first line and headers.
#[derive(Debug)]
pub struct ResponseHead {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
}

/// What of a body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// So many bytes.
    Bytes(u64),
    /// Chunks, with so many bytes left of the current one.
    Chunks(u64),
    /// Whatever comes before the end of the connection.
    UntilClose,
}

/// All values of a header, joined by `, `.
pub fn header(headers: &Headers, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// A reader at the start of a message.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::new(input) }
    }

    /// The next request's head; `None` at the end of the connection.
    ///
    /// # Errors
    /// If the connection fails, ends within the head, or holds something else.
    pub async fn request_head(&mut self) -> Result<Option<RequestHead>> {
        let Some(bytes) = self.head().await? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(text.as_bytes()).with_context(|| format!("request head {text:?}"))?;
        Ok(Some(RequestHead {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            headers: owned(request.headers),
        }))
    }

    /// The next response's head; `None` at the end of the connection.
    ///
    /// # Errors
    /// As [`Self::request_head`].
    pub async fn response_head(&mut self) -> Result<Option<ResponseHead>> {
        let Some(bytes) = self.head().await? else { return Ok(None) };
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(&bytes).with_context(|| format!("response head {:?}", String::from_utf8_lossy(&bytes)))?;
        Ok(Some(ResponseHead { status: response.code.unwrap_or_default(), headers: owned(response.headers) }))
    }

    /// The next bytes of a body as they arrive; `None` after the last.
    ///
    /// # Errors
    /// If the connection fails, ends too early, or holds malformed chunks.
    pub async fn body(&mut self, remaining: &mut Remaining) -> Result<Option<Vec<u8>>> {
        let limit = match *remaining {
            Remaining::Bytes(0) => return Ok(None),
            Remaining::Chunks(0) => match self.next_chunk().await? {
                0 => {
                    *remaining = Remaining::Bytes(0);
                    return Ok(None);
                }
                length => {
                    *remaining = Remaining::Chunks(length);
                    length
                }
            },
            Remaining::Bytes(length) | Remaining::Chunks(length) => length,
            Remaining::UntilClose => u64::MAX,
        };
        let available = self.input.fill_buf().await?;
        let length = available.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        let piece = available[..length].to_vec();
        self.input.consume(length);
        match remaining {
            Remaining::UntilClose if length == 0 => return Ok(None),
            Remaining::UntilClose => {}
            _ if length == 0 => bail!("the connection ended with {limit} bytes missing"),
            Remaining::Bytes(left) => *left -= length as u64,
            Remaining::Chunks(left) => {
                *left -= length as u64;
                if *left == 0 {
                    self.end_of_chunk().await?;
                }
            }
        }
        Ok(Some(piece))
    }

    /// Whether the connection ends here, without another byte.
    pub async fn is_closed(&mut self) -> bool {
        match self.input.fill_buf().await {
            Ok(bytes) => bytes.is_empty(),
            Err(_) => true,
        }
    }

    async fn head(&mut self) -> Result<Option<Vec<u8>>> {
        let mut head = Vec::new();
        loop {
            let line = head.len();
            if self.input.read_until(b'\n', &mut head).await? == 0 {
                ensure!(head.is_empty(), "the connection ended within a head: {:?}", String::from_utf8_lossy(&head));
                return Ok(None);
            }
            if &head[line..] == b"\r\n" {
                return Ok(Some(head));
            }
        }
    }

    /// The size of the next chunk; after the last one, 0, with its trailers read.
    async fn next_chunk(&mut self) -> Result<u64> {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line).await?;
        let Ok(httparse::Status::Complete((_, length))) = httparse::parse_chunk_size(&line) else {
            bail!("{:?} is not the size of a chunk", String::from_utf8_lossy(&line));
        };
        while length == 0 && line != b"\r\n" {
            line.clear();
            ensure!(self.input.read_until(b'\n', &mut line).await? > 0, "the connection ended within trailers");
        }
        Ok(length)
    }

    async fn end_of_chunk(&mut self) -> Result<()> {
        let mut end = [0; 2];
        self.input.read_exact(&mut end).await?;
        ensure!(end == *b"\r\n", "{end:?} follows a chunk instead of a line break");
        Ok(())
    }
}

const MAX_HEADERS: usize = 300;

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    headers.iter().map(|header| (header.name.to_ascii_lowercase(), text(header.value))).collect()
}

impl Remaining {
    /// How a request's body is delimited.
    pub fn of_request(headers: &Headers) -> Self {
        Self::declared(headers).unwrap_or(Self::Bytes(0))
    }

    /// How the body of a response to `method` is delimited.
    pub fn of_response(method: &str, head: &ResponseHead) -> Self {
        if method == "HEAD" || matches!(head.status, 100..=199 | 204 | 304) {
            return Self::Bytes(0);
        }
        Self::declared(&head.headers).unwrap_or(Self::UntilClose)
    }

    fn declared(headers: &Headers) -> Option<Self> {
        if header(headers, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Some(Self::Chunks(0));
        }
        header(headers, "content-length")?.parse().ok().map(Self::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_body(input: &[u8], mut remaining: Remaining) -> Result<Vec<u8>> {
        let mut reader = Reader::new(input);
        let mut body = Vec::new();
        while let Some(piece) = reader.body(&mut remaining).await? {
            body.extend(piece);
        }
        Ok(body)
    }

    #[tokio::test]
    async fn reads_bodies() {
        let chunked = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n";
        assert_eq!(read_body(chunked, Remaining::Chunks(0)).await.expect("valid"), b"abcde");
        assert_eq!(read_body(b"abcdef", Remaining::Bytes(3)).await.expect("valid"), b"abc");
        assert_eq!(read_body(b"abcdef", Remaining::UntilClose).await.expect("valid"), b"abcdef");
    }

    #[tokio::test]
    async fn refuses_truncated_bodies() {
        for (input, remaining) in [
            (&b"3\r\nab"[..], Remaining::Chunks(0)),
            (b"3\r\nabcX", Remaining::Chunks(0)),
            (b"0\r\n", Remaining::Chunks(0)),
            (b"ab", Remaining::Bytes(3)),
        ] {
            assert!(read_body(input, remaining).await.is_err(), "{input:?}");
        }
    }

    #[tokio::test]
    async fn reads_heads_one_after_another() {
        let mut reader = Reader::new(&b"GET /a%2Fb HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\n\r\nGET / HTTP/1.1\r\n\r\n"[..]);
        let head = reader.request_head().await.expect("valid").expect("present");
        assert_eq!((head.method.as_str(), head.target.as_str()), ("GET", "/a%2Fb"));
        assert_eq!(header(&head.headers, "x-a").as_deref(), Some("1, 2"));
        assert!(reader.request_head().await.expect("valid").is_some());
        assert!(reader.request_head().await.expect("valid").is_none());
        assert!(reader.is_closed().await);
    }
}
