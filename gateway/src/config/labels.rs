use super::Owner;
use std::sync::Arc;

/// What metrics and logs say of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RouteLabels {
    /// The virtual host that the route belongs to, as [`super::HostName`] prints it.
    pub host: Arc<str>,
    /// The path as declared.
    pub path: Arc<str>,
    /// Namespace, Ingress, Service and port.
    pub owner: Owner,
}
