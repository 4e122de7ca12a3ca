use std::sync::Arc;

/// How responses are compressed for clients that accept it. Of several codings that a client likes as much, Zstandard comes
/// before Brotli, and that before gzip. `Default` is ingress-nginx's, which compresses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compression {
    /// `use-gzip` and what goes with it. Default level 1, from 256 bytes on.
    pub gzip: Coding,
    /// `enable-brotli` and what goes with it. Default level 4, from 20 bytes on.
    pub brotli: Coding,
    /// `enable-zstd` and what goes with it. Default level 3, from 256 bytes on.
    pub zstd: Coding,
    /// `gzip-disable`: gzip is not used for requests whose `User-Agent` one of these matches. Default none.
    pub gzip_disable: Arc<[DisabledClients]>,
    /// `gzip_proxied`: which responses to requests of proxies gzip is used for. Default all.
    pub gzip_proxied: Proxied,
    /// `gzip_vary`: responses that would be compressed for some clients say `Vary: Accept-Encoding`. Default true.
    pub vary: bool,
}

/// Clients that get no gzip.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DisabledClients {
    /// `msie6`: Internet Explorer 4 to 6, but for its service pack "SV1".
    Msie6,
    /// Those whose `User-Agent` this regular expression matches anywhere; case does not count.
    Pattern(Arc<str>),
}

/// Which responses to requests with `Via` are compressed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Proxied {
    /// All.
    Any,
    /// Those for which one of these holds; nginx has an order for them. None of them: no response.
    Only(Arc<[ProxiedCondition]>),
}

/// A condition on a response to a request of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxiedCondition {
    /// `Expires` is in the past.
    Expired,
    /// `Cache-Control: no-cache`.
    NoCache,
    /// `Cache-Control: no-store`.
    NoStore,
    /// `Cache-Control: private`.
    Private,
    /// It has no `Last-Modified`.
    NoLastModified,
    /// It has no `ETag`.
    NoEtag,
    /// The request has `Authorization`.
    Auth,
}

/// When a coding is used, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coding {
    /// Whether it is used at all. Default false.
    pub enabled: bool,
    /// How much it compresses: from 1 to 9, Brotli from 0.
    pub level: u8,
    /// The smallest response that it is used for, in bytes, where a `Content-Length` says how long that is.
    pub min_length: u64,
    /// The media types of responses that it is used for. Default the types of text that ingress-nginx has.
    pub types: MediaTypes,
}

/// Media types of responses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MediaTypes {
    /// `*`: all, also where a response has none.
    All,
    /// `text/html`, and these, in lower case and without parameters.
    HtmlAnd(Arc<[Arc<str>]>),
}

impl Default for Compression {
    fn default() -> Self {
        let coding = |level, min_length| Coding { enabled: false, level, min_length, types: text_types(&[]) };
        Self {
            gzip: coding(1, 256),
            brotli: Coding { types: text_types(&["application/xml+rss"]), ..coding(4, 20) },
            zstd: coding(3, 256),
            gzip_disable: Arc::from([]),
            gzip_proxied: Proxied::Any,
            vary: true,
        }
    }
}

/// The types of ingress-nginx's ConfigMap, and others.
fn text_types(others: &[&str]) -> MediaTypes {
    const TYPES: [&str; 17] = [
        "application/atom+xml",
        "application/javascript",
        "application/x-javascript",
        "application/json",
        "application/rss+xml",
        "application/vnd.ms-fontobject",
        "application/x-font-ttf",
        "application/x-web-app-manifest+json",
        "application/xhtml+xml",
        "application/xml",
        "font/opentype",
        "image/svg+xml",
        "image/x-icon",
        "text/css",
        "text/javascript",
        "text/plain",
        "text/x-component",
    ];
    MediaTypes::HtmlAnd(others.iter().chain(&TYPES).map(|name| (*name).into()).collect())
}
