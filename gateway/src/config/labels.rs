use std::sync::Arc;

/// The labels of a route in metrics and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RouteLabels {
    /// The virtual host that the route belongs to, as [`super::HostName`] prints it.
    pub host: Arc<str>,
    /// The path as declared.
    pub path: Arc<str>,
    /// Namespace, Ingress, Service and port.
    pub owner: Owner,
    /// The canary that serves instead of that Service, as `namespace-service-port`; empty where none does.
    pub canary: Arc<str>,
}

/// The labels that metrics and logs give a route or a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Namespace of the Ingress.
    pub namespace: Arc<str>,
    /// Name of the Ingress.
    pub ingress: Arc<str>,
    /// Name of the Service, empty where there is none.
    pub service: Arc<str>,
    /// Port of the Service as the rule names it, empty where there is none.
    pub service_port: Arc<str>,
}
