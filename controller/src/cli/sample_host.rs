use gateway::config::HostName;

/// A host that a virtual host of this name takes; `None` of a pattern.
pub(super) fn sample_host(name: &HostName) -> Option<String> {
    match name {
        HostName::Any => Some("host.invalid".to_owned()),
        HostName::Exact(name) => Some(name.to_string()),
        HostName::Wildcard(suffix) | HostName::Subdomains(suffix) => Some(format!("any.{suffix}")),
        HostName::Pattern(_) => None,
    }
}
