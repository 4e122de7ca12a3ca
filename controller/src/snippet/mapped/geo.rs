//! `geo`: a variable that an address leads to.

use super::pairs::{Block, not_here, word};
use crate::nginx_syntax::Directive;
use crate::registry::parse_network;
use crate::snippet::entry::{Entry, HTTP_ONLY, Kind};
use gateway::config::{AddressMap, AddressRange, Template};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

pub(super) const ENTRY: Entry = Entry {
    name: "geo",
    contexts: HTTP_ONLY,
    arguments: 1..=2,
    kind: Kind::Geo,
    idle: None,
    refused: None,
    doc: "Makes a variable of an address, for all snippets: `geo [$ADDRESS] $NAME { NETWORK VALUE; }`. Without an address it is that of \
          the client. The narrowest network counts; `default` is the value for all other addresses, `delete` removes a network, \
          `proxy` and `proxy_recursive` say for which addresses `X-Forwarded-For` is believed. After `ranges`, which must come first, \
          networks are ranges of IPv4 such as `10.0.0.1-10.0.0.9`. `include` is refused.",
};

/// Reads the block of a `geo` (`ngx_http_geo`).
pub(super) fn read(source: Template, entries: &[Directive]) -> (AddressMap, Block) {
    let (mut block, mut geo) = (Block::default(), Reader::default());
    for entry in entries {
        block.read(entry, |key, values| geo.entry(key, values));
    }
    let map = AddressMap {
        source,
        entries: geo.entries.into(),
        default: geo.default,
        proxies: geo.proxies.into(),
        recursive: geo.recursive,
    };
    (map, block)
}

#[derive(Default)]
struct Reader {
    ranges: bool,
    entries: Vec<(AddressRange, Arc<str>)>,
    default: Arc<str>,
    proxies: Vec<IpNet>,
    recursive: bool,
    has_begun: bool,
}

impl Reader {
    fn entry(&mut self, key: &str, values: &[String]) -> Result<(), String> {
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        match (key, values) {
            ("ranges", []) if has_begun => Err(not_here("ranges")),
            ("ranges", []) => {
                self.ranges = true;
                Ok(())
            }
            ("proxy_recursive", []) => {
                self.recursive = true;
                Ok(())
            }
            ("default", [value]) => {
                self.default = value.as_str().into();
                Ok(())
            }
            ("proxy", [network]) => {
                self.proxies.push(parse_network(network).ok_or(NETWORK)?.trunc());
                Ok(())
            }
            ("delete", [addresses]) => {
                let range = self.range(addresses)?;
                let before = self.entries.len();
                self.entries.retain(|(other, _)| *other != range);
                (self.entries.len() < before)
                    .then_some(())
                    .ok_or_else(|| "deletes what does not stand before it".into())
            }
            (addresses, [value]) => {
                let range = self.range(addresses)?;
                self.add(range, value.as_str().into())
            }
            (_, values) => Err(word(values.len())),
        }
    }

    fn range(&self, text: &str) -> Result<AddressRange, String> {
        if !self.ranges {
            return Ok(parse_network(text).ok_or(NETWORK)?.trunc().into());
        }
        let address = |text: &str| text.parse::<Ipv4Addr>().ok().map(IpAddr::from);
        let range = text.split_once('-').and_then(|(first, last)| Some((address(first)?, address(last)?)));
        match range {
            Some((first, last)) if first <= last => Ok(AddressRange { first, last }),
            _ => Err("is not a range of addresses: expected such as \"10.0.0.1-10.0.0.9\"".into()),
        }
    }

    /// A network or range that is there already has the new value.
    fn add(&mut self, range: AddressRange, value: Arc<str>) -> Result<(), String> {
        if let Some((_, former)) = self.entries.iter_mut().find(|(other, _)| *other == range) {
            *former = value;
            return Ok(());
        }
        let (first, last) = (range.first, range.last);
        let overlaps = |other: &AddressRange| {
            let within = other.contains(first) && other.contains(last);
            !within && (other.contains(first) || other.contains(last) || range.contains(other.first))
        };
        if self.ranges && self.entries.iter().any(|(other, _)| overlaps(other)) {
            return Err("overlaps a range before it, which nginx refuses: expected one within that, or apart".into());
        }
        self.entries.push((range, value));
        Ok(())
    }
}

const NETWORK: &str = "is not valid: expected an IP address, or a network such as \"10.0.0.0/8\"";
