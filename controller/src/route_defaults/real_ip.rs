use gateway::config::{Forwarded, RealIp};
use ipnet::IpNet;
use std::sync::Arc;

/// What a block says of whose word is taken for a client's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealIpDirectives {
    /// `set_real_ip_from`. Without any, those of the block around it hold.
    pub trusted: Vec<IpNet>,
    /// `real_ip_header`, in lower case; `Some(None)` is `proxy_protocol`.
    pub header: Option<Option<Arc<str>>>,
    /// `real_ip_recursive`.
    pub recursive: Option<bool>,
}

impl RealIpDirectives {
    /// nginx's default.
    const HEADER: &str = "x-real-ip";

    /// Goes on with those of another snippet that stands in the same block.
    pub(super) fn append(&mut self, later: &Self) {
        self.trusted.extend(&later.trusted);
        self.header = self.header.take().or_else(|| later.header.clone());
        self.recursive = self.recursive.or(later.recursive);
    }

    /// What holds in this block, which stands in one where `outer` holds; `None` if it says nothing of its own.
    pub(crate) fn over(&self, outer: Option<&RealIp>) -> Option<RealIp> {
        if *self == Self::default() {
            return None;
        }
        let default = || RealIp { header: Some(Self::HEADER.into()), ..RealIp::default() };
        let outer = outer.cloned().unwrap_or_else(default);
        Some(RealIp {
            trusted: if self.trusted.is_empty() { outer.trusted } else { self.trusted.as_slice().into() },
            header: self.header.clone().unwrap_or(outer.header),
            recursive: self.recursive.unwrap_or(outer.recursive),
        })
    }

    /// What holds in `http`, where ingress-nginx writes what the ConfigMap's keys say. Networks of one block add up.
    pub(crate) fn over_keys(&self, keys: Option<&RealIp>) -> Option<RealIp> {
        let of_keys =
            keys.filter(|_| !self.trusted.is_empty()).into_iter().flat_map(|keys| keys.trusted.iter().copied());
        let trusted = of_keys.chain(self.trusted.iter().copied()).collect();
        Self { trusted, ..self.clone() }.over(keys)
    }
}

/// What ingress-nginx writes of this for the keys of the ConfigMap; `None` is nothing.
pub(crate) fn real_ip_of_keys(keys: &Forwarded) -> Option<RealIp> {
    let header = (!keys.proxy_protocol).then(|| keys.header.clone());
    let is_on = keys.trust_headers || keys.real_ip || keys.proxy_protocol;
    is_on.then(|| RealIp { trusted: keys.trusted.clone(), header, recursive: true })
}
