//! The gateway's settings, and what would otherwise be made of them for every request.

use crate::config::GatewaySettings;
use crate::policy::blocked::Blocked;
use crate::policy::compression::Compression;
use http::HeaderValue;
use std::ops::Deref;
use std::sync::Arc;

/// The settings of a table. Derefs to them as they were configured.
#[derive(Debug)]
pub struct Settings {
    configured: Arc<GatewaySettings>,
    /// What is blocked on every host; `None` is nothing.
    pub blocking: Option<Blocked>,
    /// How responses are compressed; `None` is not at all.
    pub compressing: Option<Compression>,
    /// `Strict-Transport-Security`, for responses over TLS; `None` where it is off.
    pub hsts_value: Option<HeaderValue>,
    /// `add-headers`, but those with a value that no header can have.
    pub added: Box<[(Arc<str>, HeaderValue)]>,
}

impl From<Arc<GatewaySettings>> for Settings {
    fn from(configured: Arc<GatewaySettings>) -> Self {
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let added = configured.add_headers.iter().filter_map(|(name, text)| Some((name.clone(), value(text)?)));
        Self {
            blocking: Blocked::compile(&configured.blocked),
            compressing: Compression::compile(&configured.compression),
            hsts_value: configured.hsts.and_then(|hsts| value(&hsts.to_string())),
            added: added.collect(),
            configured,
        }
    }
}

impl Deref for Settings {
    type Target = GatewaySettings;

    fn deref(&self) -> &GatewaySettings {
        &self.configured
    }
}
