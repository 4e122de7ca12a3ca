use gateway::config::Template;

/// What the annotations say of traces.
#[derive(Clone, Debug, Default)]
pub struct TracingAnnotations {
    /// `enable-opentelemetry`.
    pub is_enabled: Option<bool>,
    /// `opentelemetry-trust-incoming-span`.
    pub trusts_client: Option<bool>,
    /// `opentelemetry-operation-name`.
    pub operation: Option<Template>,
}
