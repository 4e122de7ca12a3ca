//! The web application firewall, as far as no annotation overrides it.

use gateway::config::Waf;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the OWASP Core Rule Set is in Adit's image.
pub(crate) const CORE_RULES: &str = "/etc/adit/owasp-crs";

/// The ConfigMap's settings of the firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WafDefaults {
    /// `enable-modsecurity`: routes have it. Default false.
    pub is_enabled: bool,
    /// `enable-owasp-modsecurity-crs`: it has the OWASP Core Rule Set. Default false.
    pub has_core_rules: bool,
    /// `modsecurity-snippet`: rules for all routes that have it. Default empty.
    pub rules: Arc<str>,
    /// `--owasp-core-rules-dir`: the directory of the OWASP Core Rule Set. Default [`CORE_RULES`].
    pub core_rules: Arc<Path>,
}

impl Default for WafDefaults {
    fn default() -> Self {
        Self {
            is_enabled: false,
            has_core_rules: false,
            rules: Arc::from(""),
            core_rules: PathBuf::from(CORE_RULES).into(),
        }
    }
}

impl WafDefaults {
    /// The firewall of an Ingress without annotations.
    pub(crate) fn policy(&self) -> Option<Arc<Waf>> {
        self.is_enabled.then(|| {
            Arc::new(Waf {
                rules: Arc::clone(&self.rules),
                core_rules: self.has_core_rules.then(|| Arc::clone(&self.core_rules)),
                transaction_id: None,
            })
        })
    }
}
