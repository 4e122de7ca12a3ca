use super::bounds::{Overrun, VALUE_LIMIT};
use crate::config::{self, AddressRange, Template, Variable};
use crate::variables::{Values, render_within};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// A compiled `geo`.
#[derive(Debug)]
pub(super) struct AddressMap {
    source: Template,
    /// The narrowest first. A snippet has few: they are asked one after the other.
    entries: Box<[(AddressRange, Arc<str>)]>,
    default: Arc<str>,
    proxies: Arc<[IpNet]>,
    recursive: bool,
}

impl AddressMap {
    pub(super) fn compile(map: &config::AddressMap) -> Self {
        let mut entries = map.entries.to_vec();
        entries.sort_by_key(|(range, _)| range.width());
        Self {
            source: map.source.clone(),
            entries: entries.into(),
            default: map.default.clone(),
            proxies: map.proxies.clone(),
            recursive: map.recursive,
        }
    }

    /// As nginx: ngx_http_geo_cidr_variable and ngx_http_geo_range_variable.
    pub(super) fn value(&self, values: &impl Values) -> Result<&[u8], Overrun> {
        let text = render_within(&self.source, values, VALUE_LIMIT)?;
        let address = parse(&text).unwrap_or(IpAddr::V4(Ipv4Addr::BROADCAST));
        let address = if self.proxies.is_empty() { address } else { self.forwarded(address, values) };
        let found = self.entries.iter().find(|(range, _)| range.contains(address));
        Ok(found.map_or(&self.default, |(_, value)| value).as_bytes())
    }

    /// The address that proxies tell of, as nginx: ngx_http_get_forwarded_addr.
    fn forwarded(&self, mut address: IpAddr, values: &impl Values) -> IpAddr {
        let mut header = Vec::new();
        values.value(&Variable::Header("x-forwarded-for".into()), &mut header);
        for text in header.rsplit(|byte| matches!(byte, b',' | b' ')).filter(|text| !text.is_empty()) {
            let is_proxy = self.proxies.iter().any(|network| network.contains(&address));
            match parse(text) {
                Some(before) if is_proxy => address = before,
                _ => break,
            }
            if !self.recursive {
                break;
            }
        }
        address
    }
}

/// An address of IPv4 that is written as one of IPv6 is that.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.to_canonical())
}
