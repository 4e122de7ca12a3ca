use gateway::config::{Coding, Compression, DisabledClients, MediaTypes, Proxied};
use std::sync::Arc;

/// What a snippet says of compression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompressionDirectives {
    /// `gzip` and its like.
    pub gzip: CodingDirectives,
    /// `brotli` and its like.
    pub brotli: CodingDirectives,
    /// `zstd` and its like.
    pub zstd: CodingDirectives,
    /// `gzip_disable`.
    pub gzip_disable: Option<Arc<[DisabledClients]>>,
    /// `gzip_proxied`.
    pub gzip_proxied: Option<Proxied>,
    /// `gzip_vary`.
    pub vary: Option<bool>,
}

/// What a snippet says of one coding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodingDirectives {
    /// `gzip on` or `off`.
    pub enabled: Option<bool>,
    /// `gzip_comp_level`.
    pub level: Option<u8>,
    /// `gzip_min_length`.
    pub min_length: Option<u64>,
    /// `gzip_types`.
    pub types: Option<MediaTypes>,
}

impl CompressionDirectives {
    /// Those of `self`, else those of `other`.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            gzip: self.gzip.or(&other.gzip),
            brotli: self.brotli.or(&other.brotli),
            zstd: self.zstd.or(&other.zstd),
            gzip_disable: self.gzip_disable.clone().or_else(|| other.gzip_disable.clone()),
            gzip_proxied: self.gzip_proxied.clone().or_else(|| other.gzip_proxied.clone()),
            vary: self.vary.or(other.vary),
        }
    }

    /// What holds with them in place of these settings; `None` if there are none.
    pub(crate) fn over(&self, base: &Compression) -> Option<Arc<Compression>> {
        (*self != Self::default()).then(|| {
            Arc::new(Compression {
                gzip: self.gzip.over(&base.gzip),
                brotli: self.brotli.over(&base.brotli),
                zstd: self.zstd.over(&base.zstd),
                gzip_disable: self.gzip_disable.as_ref().unwrap_or(&base.gzip_disable).clone(),
                gzip_proxied: self.gzip_proxied.as_ref().unwrap_or(&base.gzip_proxied).clone(),
                vary: self.vary.unwrap_or(base.vary),
            })
        })
    }
}

impl CodingDirectives {
    fn or(&self, other: &Self) -> Self {
        Self {
            enabled: self.enabled.or(other.enabled),
            level: self.level.or(other.level),
            min_length: self.min_length.or(other.min_length),
            types: self.types.clone().or_else(|| other.types.clone()),
        }
    }

    fn over(&self, base: &Coding) -> Coding {
        Coding {
            enabled: self.enabled.unwrap_or(base.enabled),
            level: self.level.unwrap_or(base.level),
            min_length: self.min_length.unwrap_or(base.min_length),
            types: self.types.as_ref().unwrap_or(&base.types).clone(),
        }
    }
}

/// What the directives of snippets are for in ingress-nginx. Where the ConfigMap does not turn gzip on, its other keys for that are
/// not in nginx's configuration: the defaults are nginx's own.
pub(crate) fn of_snippets(configured: &Compression) -> Compression {
    if configured.gzip.enabled {
        return configured.clone();
    }
    let types = MediaTypes::HtmlAnd(Arc::from([]));
    Compression {
        gzip: Coding { enabled: false, level: 1, min_length: 20, types },
        gzip_disable: Arc::from([]),
        gzip_proxied: Proxied::Only(Arc::from([])),
        ..configured.clone()
    }
}
