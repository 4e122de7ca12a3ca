use gateway::config::Tracing;

/// The ConfigMap's settings of traces, as far as annotations override them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracingDefaults {
    /// `enable-opentelemetry`: requests are traced. Default false.
    pub is_enabled: bool,
    /// `opentelemetry-trust-incoming-span` and `opentelemetry-operation-name`.
    pub tracing: Tracing,
    /// There is an `otlp-collector-host`, to which spans go. Default false.
    pub has_collector: bool,
}

impl TracingDefaults {
    /// How requests are traced that no annotation says anything of.
    pub(crate) fn policy(&self) -> Option<Tracing> {
        self.is_enabled.then(|| self.tracing.clone())
    }
}
