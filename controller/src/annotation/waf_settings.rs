use gateway::config::Template;

/// What the annotations say of the firewall.
#[derive(Clone, Debug, Default)]
pub struct WafAnnotations {
    /// `enable-modsecurity`.
    pub is_enabled: Option<bool>,
    /// `enable-owasp-core-rules`.
    pub has_core_rules: Option<bool>,
    /// `modsecurity-transaction-id`.
    pub transaction_id: Option<Template>,
}
