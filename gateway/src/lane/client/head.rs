use crate::request::RequestView;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use pingora_http::RequestHeader;
use std::mem::MaybeUninit;

/// Headers that a request may have at most: the head reader's limit.
const MAX_HEADERS: usize = 256;

/// The head of a client's request.
#[derive(Clone, Debug)]
pub(crate) struct ClientHead {
    pub(crate) method: Method,
    /// In origin form, as the client sent it.
    pub(crate) target: Bytes,
    pub(crate) headers: HeaderMap,
    pub(in crate::lane) version: Version,
    /// All of it, if that was HTTP/1.
    pub(in crate::lane) text: Option<Bytes>,
}

impl ClientHead {
    /// The head of HTTP/1 that `text` is, which the head reader has checked. `None` if it is not valid. `target` is what the
    /// client has sent, where the head has another one.
    pub(crate) fn parse(text: Bytes, target: Option<Bytes>) -> Option<Self> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(&text, &mut headers).ok()?;
        if parsed.is_partial() {
            return None;
        }
        let mut map = HeaderMap::with_capacity(request.headers.len());
        for header in &*request.headers {
            let value = HeaderValue::from_maybe_shared(text.slice_ref(header.value)).ok()?;
            map.append(HeaderName::from_bytes(header.name.as_bytes()).ok()?, value);
        }
        Some(Self {
            method: Method::from_bytes(request.method?.as_bytes()).ok()?,
            target: target.unwrap_or(text.slice_ref(request.path?.as_bytes())),
            headers: map,
            version: if request.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 },
            text: Some(text),
        })
    }

    /// The head of a stream of HTTP/2. `target` as above.
    pub(in crate::lane) fn of_stream(request: RequestHeader, target: Option<Bytes>) -> Self {
        let target = target.unwrap_or_else(|| Bytes::copy_from_slice(request.raw_path()));
        let Parts { method, headers, version, .. } = request.into();
        Self { method, target, headers, version, text: None }
    }

    /// The request as policies see it.
    pub(in crate::lane) fn view(&self) -> RequestView<'_> {
        RequestView::new(&self.method, &self.target, &self.headers, self.version)
    }

    /// Whether the client waits for a word of ours before it sends the body: only one of HTTP/1.1 does. The head reader has
    /// checked that it expects nothing else.
    pub(in crate::lane) fn expects_continue(&self) -> bool {
        self.version == Version::HTTP_11 && self.headers.contains_key(header::EXPECT)
    }

    /// Whether the client of HTTP/1 takes trailers. One of HTTP/1.0 knows no chunks to put them behind.
    pub(in crate::lane) fn takes_trailers(&self) -> bool {
        let mut values = self.headers.get_all(header::TE).iter();
        self.version == Version::HTTP_11 && values.any(|value| crate::grammar::lists(value.as_bytes(), "trailers"))
    }

    /// Whether the client of HTTP/1 takes another response on the same connection.
    pub(in crate::lane) fn keeps_alive(&self) -> bool {
        let lists = |option: &str| {
            let mut values = self.headers.get_all(header::CONNECTION).iter();
            values.any(|value| crate::grammar::lists(value.as_bytes(), option))
        };
        if self.version == Version::HTTP_11 { !lists("close") } else { lists("keep-alive") && !lists("close") }
    }
}
