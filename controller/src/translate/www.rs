//! Hosts that only redirect to their twin with or without `www.` (`from-to-www-redirect`).

use super::ingress::ParsedIngress;
use super::view::View;
use gateway::config::{HostName, WwwRedirect};

/// The same host with `www.`, or without it. Only exact names have a twin.
pub(super) fn twin(host: &HostName) -> Option<HostName> {
    let HostName::Exact(name) = host else { return None };
    let twin = name.strip_prefix("www.").map_or_else(|| format!("www.{name}"), str::to_owned);
    HostName::parse(&twin).ok()
}

/// The redirect that serves this host, if an Ingress of its twin asks for it, and the oldest that does.
pub(super) fn redirect<'a>(host: &HostName, view: &View<'a>) -> Option<(WwwRedirect, &'a ParsedIngress)> {
    let twin = twin(host)?;
    let asking = view.claimants(host).find(|ingress| ingress.www.is_some() && ingress.hosts.contains_key(&twin))?;
    let origin = asking.www.clone()?;
    Some((WwwRedirect { to: twin.to_string().into(), code: view.defaults().redirect_code, origin }, asking))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins() {
        let twin = |name: &str| twin(&HostName::parse(name).expect("a host name")).map(|host| host.to_string());
        assert_eq!(twin("x.com").as_deref(), Some("www.x.com"));
        assert_eq!(twin("www.x.com").as_deref(), Some("x.com"));
        assert_eq!(twin("*.x.com"), None);
        assert_eq!(twin(""), None);
    }
}
