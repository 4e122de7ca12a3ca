//! `use-gzip`, `enable-brotli`, `enable-zstd`: which responses are compressed, and how. As nginx's gzip filter and Google's
//! Brotli filter for nginx, where this does not say otherwise.

mod accept;
mod encoder;
mod head;
mod proxied;
#[cfg(test)]
mod tests;

pub use encoder::{Encoder, EncodingFailed};
pub(crate) use head::{is_never, is_varied, media_type, weak_etag};

use crate::config::{self, DisabledClients, MediaTypes, Proxied};
use crate::grammar::content_length;
use crate::headers::{Fields, Headers};
use crate::pattern::{Anchor, Case, MatchBudget, Pattern};
use crate::request::RequestView;
use accept::Accepted;
use head::forbids_transformation;
use http::{HeaderMap, Version, header};
use std::cmp::Reverse;
use std::sync::Arc;

/// A coding of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Coding {
    Gzip,
    Brotli,
    Zstd,
}

/// Which responses are compressed.
#[derive(Debug)]
pub struct Compression {
    /// In the order of preference.
    rules: Box<[Rule]>,
    no_gzip: NoGzip,
    gzip_proxied: Proxied,
    /// Responses say that they vary.
    pub(crate) says_vary: bool,
}

/// When a coding is used.
#[derive(Debug)]
struct Rule {
    coding: Coding,
    level: u8,
    min_length: u64,
    /// In order; `None` is all.
    types: Option<Box<[Arc<str>]>>,
}

/// Clients that get no gzip.
#[derive(Debug, Default)]
struct NoGzip {
    msie6: bool,
    patterns: Vec<Pattern>,
}

/// A response that a coding is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The coding.
    pub coding: Coding,
    /// Its level.
    pub level: u8,
    /// How long the response is, if that is known.
    pub length: Option<u64>,
}

/// The head of a response, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct ResponseView<'a> {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// What becomes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays as it is, for all clients.
    Unfit,
    /// It stays as it is for this client: others would get another one.
    Varies,
    /// It is compressed.
    Encoded(Encoded),
}

impl Coding {
    /// Its name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

impl Compression {
    /// Compiles it; `None` if nothing is compressed.
    pub fn compile(configured: &config::Compression) -> Option<Self> {
        let config::Compression { gzip, brotli, zstd, gzip_disable, gzip_proxied, vary } = configured;
        let all = [(Coding::Zstd, zstd), (Coding::Brotli, brotli), (Coding::Gzip, gzip)];
        let rules: Box<_> =
            all.iter().filter(|(_, rule)| rule.enabled).map(|(coding, rule)| Rule::new(*coding, rule)).collect();
        (!rules.is_empty()).then(|| Self {
            rules,
            no_gzip: NoGzip::compile(gzip_disable),
            gzip_proxied: gzip_proxied.clone(),
            says_vary: *vary,
        })
    }

    /// What becomes of a response to this request.
    pub fn verdict(&self, request: &RequestView<'_>, response: &ResponseView<'_>) -> Verdict {
        let ResponseView { status, headers } = *response;
        if !matches!(status, 200 | 403 | 404) || headers.contains_key(header::CONTENT_ENCODING) {
            return Verdict::Unfit;
        }
        let media_type = media_type(headers);
        if is_never(media_type) || forbids_transformation(headers) || forbids_transformation(request.headers) {
            return Verdict::Unfit;
        }
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| content_length(value.as_bytes()));
        let mut fitting = self.rules.iter().filter(|rule| rule.fits(media_type, length)).peekable();
        if fitting.peek().is_none() {
            return Verdict::Unfit;
        }
        if request.version < Version::HTTP_11 {
            return Verdict::Varies; // gzip_http_version
        }
        let accepted = Accepted::of(request.headers);
        let liked = fitting.map(|rule| (self.quality(rule.coding, &accepted, request, headers), rule));
        // Of those that are liked as much, the first.
        let best = liked.min_by_key(|(quality, _)| Reverse(*quality));
        match best {
            Some((quality, rule)) if quality > 0 && quality >= accepted.identity.unwrap_or(0) => {
                Verdict::Encoded(Encoded { coding: rule.coding, level: rule.level, length })
            }
            _ => Verdict::Varies,
        }
    }

    fn quality(&self, coding: Coding, accepted: &Accepted, request: &RequestView<'_>, response: &HeaderMap) -> u16 {
        match coding {
            Coding::Gzip => match accepted.gzip() {
                0 => 0,
                _ if self.no_gzip.includes(request.headers) => 0,
                _ if !proxied::allows(&self.gzip_proxied, request.headers, response) => 0,
                quality => quality,
            },
            Coding::Brotli => accepted.brotli.unwrap_or(0),
            Coding::Zstd => accepted.zstd.unwrap_or(0),
        }
    }
}

impl Rule {
    fn new(coding: Coding, rule: &config::Coding) -> Self {
        let types = match &rule.types {
            MediaTypes::All => None,
            MediaTypes::HtmlAnd(others) => {
                let mut types: Vec<Arc<str>> = others.iter().cloned().chain(["text/html".into()]).collect();
                types.sort_unstable();
                Some(types.into())
            }
        };
        Self { coding, level: rule.level, min_length: rule.min_length, types }
    }

    fn fits(&self, media_type: &[u8], length: Option<u64>) -> bool {
        // Nothing cannot become less.
        let is_long_enough = length.is_none_or(|length| length >= self.min_length && length > 0);
        let in_lower_case = || media_type.iter().map(u8::to_ascii_lowercase);
        let is_of = |types: &[Arc<str>]| types.binary_search_by(|listed| listed.bytes().cmp(in_lower_case())).is_ok();
        is_long_enough && self.types.as_deref().is_none_or(is_of)
    }
}

impl NoGzip {
    fn compile(configured: &[DisabledClients]) -> Self {
        let compile = |clients: &DisabledClients| match clients {
            DisabledClients::Msie6 => None,
            DisabledClients::Pattern(text) => Pattern::compile(text, Anchor::Anywhere, Case::Insensitive).ok(),
        };
        Self {
            msie6: configured.contains(&DisabledClients::Msie6),
            patterns: configured.iter().filter_map(compile).collect(),
        }
    }

    /// Whether the client is one of them, or it takes too long to find out.
    fn includes(&self, request: &Headers) -> bool {
        let Some(agent) = request.first("user-agent") else { return false };
        let mut budget = MatchBudget::default();
        self.msie6 && is_msie6(agent)
            || self.patterns.iter().any(|pattern| pattern.is_match_within(agent, &mut budget).unwrap_or(true))
    }
}

/// As nginx: ngx_http_process_user_agent.
fn is_msie6(agent: &[u8]) -> bool {
    const NAME: &[u8] = b"MSIE ";
    let Some(found) = memchr::memmem::find(agent, NAME) else { return false };
    match &agent[found + NAME.len()..] {
        [b'4' | b'5', b'.', _, ..] => true,
        [b'6', b'.', rest @ ..] if !rest.is_empty() => memchr::memmem::find(rest, b"SV1").is_none(),
        _ => false,
    }
}
