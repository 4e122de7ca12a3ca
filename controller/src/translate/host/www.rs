//! Hosts that only redirect to their counterpart with or without `www.` (`from-to-www-redirect`).

use super::view::View;
use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::{HostName, WwwRedirect};

/// The redirect that serves this host, if an Ingress of its counterpart asks for it, and the oldest that does.
pub(super) fn redirect<'a>(host: &HostName, view: &View<'a>) -> Option<(WwwRedirect, &'a ParsedIngress)> {
    let counterpart = host.www_counterpart()?;
    let asking =
        view.claims_on(host).find(|ingress| ingress.www.is_some() && ingress.hosts.contains_key(&counterpart))?;
    let origin = asking.www.as_deref().cloned()?;
    Some((WwwRedirect { to: counterpart.to_string().into(), code: view.defaults().redirect_code, origin }, asking))
}
