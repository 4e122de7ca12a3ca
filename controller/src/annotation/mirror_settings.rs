use crate::route_defaults::ServerUrl;
use gateway::config::Template;

/// What the annotations say of the mirror.
#[derive(Clone, Debug)]
pub struct MirrorSettings {
    /// `mirror-target`. Without it, the others ask for nothing.
    pub url: Option<ServerUrl>,
    /// `mirror-host`.
    pub host: Option<Template>,
    /// `mirror-request-body`. Default true.
    pub sends_body: bool,
}

impl Default for MirrorSettings {
    fn default() -> Self {
        Self { url: None, host: None, sends_body: true }
    }
}
