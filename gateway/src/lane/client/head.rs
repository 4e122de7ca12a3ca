use crate::grammar;
use crate::headers::{Fields, Headers, Lines};
use crate::request::RequestView;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Version};
use pingora_http::RequestHeader;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Headers that a request may have at most: the head reader's limit.
const MAX_HEADERS: usize = 256;

/// The head of a client's request.
#[derive(Clone, Debug)]
pub(crate) struct ClientHead {
    pub(crate) method: Method,
    /// In origin form, as the client sent it.
    pub(crate) target: Bytes,
    pub(crate) headers: Headers,
    pub(in crate::lane) version: Version,
}

/// What a head of HTTP/1 consists of, and where that stands in its text.
#[derive(Clone, Debug)]
pub(crate) struct HeadParts {
    method: Method,
    target: Range<usize>,
    version: Version,
    headers: Lines,
}

impl HeadParts {
    /// Those of a head that was parsed from `text`. `None` if it is not whole, or not valid.
    pub(crate) fn of(text: &[u8], parsed: &httparse::Request<'_, '_>) -> Option<Self> {
        let target = parsed.path?;
        let start = (target.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        Some(Self {
            method: Method::from_bytes(parsed.method?.as_bytes()).ok()?,
            target: start..start + target.len(),
            version: if parsed.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 },
            headers: Lines::of(text, parsed.headers)?,
        })
    }
}

impl ClientHead {
    /// The head of HTTP/1 with these parts, which the head reader has checked.
    pub(crate) fn new(text: Bytes, parts: HeadParts) -> Self {
        let HeadParts { method, target, version, headers } = parts;
        Self { method, target: text.slice(target), headers: Headers::received(text, headers), version }
    }

    /// The head that `text` is. `None` if it is not valid. `target` is what the client has sent, where the head has another
    /// one.
    pub(crate) fn parse(text: Bytes, target: Option<Bytes>) -> Option<Self> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(&text, &mut headers).ok()?;
        let parts = HeadParts::of(&text, &request).filter(|_| parsed.is_complete())?;
        let head = Self::new(text, parts);
        Some(Self { target: target.unwrap_or_else(|| head.target.clone()), ..head })
    }

    /// The head of a stream of HTTP/2. `target` as above.
    pub(in crate::lane) fn of_stream(request: RequestHeader, target: Option<Bytes>) -> Self {
        let target = target.unwrap_or_else(|| Bytes::copy_from_slice(request.raw_path()));
        let Parts { method, headers, version, .. } = request.into();
        Self { method, target, headers: headers.into(), version }
    }

    /// The request as policies see it.
    pub(in crate::lane) fn view(&self) -> RequestView<'_> {
        RequestView::new(&self.method, &self.target, &self.headers, self.version)
    }

    /// Whether the client waits for a word of ours before it sends the body: only one of HTTP/1.1 does. The head reader has
    /// checked that it expects nothing else.
    pub(in crate::lane) fn expects_continue(&self) -> bool {
        self.version == Version::HTTP_11 && self.headers.has("expect")
    }

    /// Whether the client of HTTP/1 takes trailers. One of HTTP/1.0 knows no chunks to put them behind.
    pub(in crate::lane) fn takes_trailers(&self) -> bool {
        self.version == Version::HTTP_11 && self.headers.values("te").any(|value| grammar::lists(value, "trailers"))
    }

    /// Whether the client of HTTP/1 takes another response on the same connection.
    pub(in crate::lane) fn keeps_alive(&self) -> bool {
        let lists = |option: &str| self.headers.values("connection").any(|value| grammar::lists(value, option));
        if self.version == Version::HTTP_11 { !lists("close") } else { lists("keep-alive") && !lists("close") }
    }
}
