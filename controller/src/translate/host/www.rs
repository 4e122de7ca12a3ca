//! Hosts that only redirect to their twin with or without `www.` (`from-to-www-redirect`).

use super::view::View;
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::{HostName, WwwRedirect};

/// The redirect that serves this host, if an Ingress of its twin asks for it, and the oldest that does.
pub(super) fn redirect<'a>(host: &HostName, view: &View<'a>) -> Option<(WwwRedirect, &'a ParsedIngress)> {
    let twin = host.www_counterpart()?;
    let asking = view.claimants(host).find(|ingress| ingress.www.is_some() && ingress.hosts.contains_key(&twin))?;
    let origin = asking.www.clone()?;
    Some((WwwRedirect { to: twin.to_string().into(), code: view.defaults().redirect_code, origin }, asking))
}
