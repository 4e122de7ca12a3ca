use crate::config::TracingSettings;
use std::sync::Arc;

/// What the exporter is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) settings: Arc<TracingSettings>,
    pub(super) has_ended: bool,
}
