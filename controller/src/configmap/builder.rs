use crate::diagnostic::Severity;
use crate::route_defaults::RouteDefaults;
use gateway::config::{BackendPolicies, GatewaySettings, Hsts, RoutePolicies};
use std::sync::Arc;

/// The ConfigMap's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The settings of the gateway.
    pub gateway: GatewaySettings,
    /// The settings of routes.
    pub routes: RouteDefaults,
}

/// The configuration while its keys are read.
#[derive(Debug)]
pub struct ConfigBuilder {
    /// The settings of the keys that have been read.
    pub config: Config,
    /// `limit-replicas`: the replicas share the limits on clients.
    pub(super) shares_limits: bool,
    /// `enable-syslog`, `syslog-host` and `syslog-port`.
    pub(super) syslog: SyslogKeys,
    /// The variables in formats of logs that Adit does not have, each with its key.
    pub(super) unknown_variables: Vec<(&'static str, Arc<str>)>,
    /// What is wrong with a part of a value whose other parts are used.
    pub(super) complaints: Vec<(Severity, String)>,
}

/// What the keys for a syslog server say.
#[derive(Debug)]
pub(super) struct SyslogKeys {
    pub(super) enabled: bool,
    pub(super) host: Arc<str>,
    pub(super) port: u16,
}

impl Default for SyslogKeys {
    fn default() -> Self {
        Self { enabled: false, host: "".into(), port: 514 }
    }
}

impl ConfigBuilder {
    /// Begins with these settings.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            shares_limits: false,
            syslog: SyslogKeys::default(),
            unknown_variables: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// The policies of an Ingress without annotations.
    pub(super) fn policies(&mut self) -> &mut RoutePolicies {
        Arc::make_mut(&mut self.config.routes.policies)
    }

    /// The policies of its backends.
    pub(super) fn backend(&mut self) -> &mut BackendPolicies {
        Arc::make_mut(&mut self.config.routes.backend)
    }

    /// Changes HSTS, unless the key `hsts`, which is read before the keys that begin with it, has turned it off.
    pub(super) fn hsts(&mut self, change: impl FnOnce(&mut Hsts)) {
        self.config.gateway.hsts.as_mut().map(change);
    }

    /// Reports what is wrong with a part of a value, of which the rest is used.
    pub(super) fn complain(&mut self, severity: Severity, complaint: impl Into<String>) {
        self.complaints.push((severity, complaint.into()));
    }
}
