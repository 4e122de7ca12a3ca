//! `mirror-target`: a server that gets copies of requests.

use super::Invalid;
use crate::config;
use crate::grammar;
use crate::headers::{Fields, Headers};
use crate::tls::backend::BackendTls;
use crate::upstream::{Registry, Upstream};
use http::{HeaderName, HeaderValue};
use std::ops::Deref;
use std::sync::Arc;

/// The header in which each mirror that a copy has been for leaves its mark.
pub(crate) const MIRRORED: HeaderName = HeaderName::from_static("x-adit-mirrored");

/// A mirror. Derefs to how it was configured.
#[derive(Debug)]
pub struct Mirror {
    configured: config::Mirror,
    /// Its endpoints.
    pub upstream: Arc<Upstream>,
    /// How TLS is spoken to them.
    pub(crate) backend_tls: Option<Arc<BackendTls>>,
    /// Its mark.
    pub(crate) mark: HeaderValue,
}

impl Mirror {
    /// Compiles the setting.
    ///
    /// # Errors
    /// A mark that cannot be in a header, or TLS settings that cannot be used.
    pub(super) fn compile(configured: &config::Mirror, registry: &Registry) -> Result<Self, Invalid> {
        let invalid = |_| Invalid { value: configured.mark.clone(), reason: "cannot be in a header".to_owned() };
        let unusable = |reason| Invalid { value: "TLS to the mirror".into(), reason };
        let backend_tls = configured.tls_settings.as_deref().map(BackendTls::compile).transpose().map_err(unusable)?;
        Ok(Self {
            backend_tls: backend_tls.map(Arc::new),
            upstream: registry.upstream(&configured.backend),
            mark: HeaderValue::from_str(&configured.mark).map_err(invalid)?,
            configured: configured.clone(),
        })
    }

    /// Whether it gets a copy of one more request.
    pub(crate) fn takes_one(&self) -> bool {
        let share = self.configured.share;
        share.is_none_or(|share| fastrand::u32(..share.denominator.get()) < share.numerator)
    }

    /// Whether a request is a copy for this mirror, which has come back.
    pub(crate) fn has_marked(&self, headers: &Headers) -> bool {
        let mut marks = headers.values("x-adit-mirrored");
        marks.any(|marks| grammar::lists(marks, &self.configured.mark))
    }
}

impl Deref for Mirror {
    type Target = config::Mirror;

    fn deref(&self) -> &config::Mirror {
        &self.configured
    }
}
