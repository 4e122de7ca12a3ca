use super::Template;
use std::path::Path;
use std::sync::Arc;

/// `enable-modsecurity`: the web application firewall of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Waf {
    /// `modsecurity-snippet`: rules and settings in ModSecurity's language. Default none.
    pub rules: Arc<str>,
    /// `enable-owasp-core-rules`: the directory with the OWASP Core Rule Set, which an administrator names and no user.
    /// Default none: the core rules are not used.
    pub core_rules: Option<Arc<Path>>,
    /// `modsecurity-transaction-id`: the id of a request in the audit log. Default the request's id.
    pub transaction_id: Option<Template>,
}
