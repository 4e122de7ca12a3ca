use super::{Origin, Template};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// A variable that is made of others: `map` or `geo` of the ConfigMap's `http-snippet`. A `set` of a snippet goes before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MappedVariable {
    /// Its name, without the `$`.
    pub name: Arc<str>,
    /// The snippet, and the line in it.
    pub origin: Origin,
    /// How its value comes about, whenever it is asked for.
    pub mapping: Mapping,
}

/// How the value of a [`MappedVariable`] comes about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mapping {
    /// `map`.
    Text(TextMap),
    /// `geo`.
    Address(AddressMap),
}

/// `map`: a text leads to another one.
///
/// First the keys count that are texts, without regard to case; then names of hosts below a suffix, the longest first; then
/// those with a beginning, the longest first; then regular expressions in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextMap {
    /// What is looked for.
    pub source: Template,
    /// `hostnames`: a dot at the end of what is looked for does not count. Default false.
    pub hostnames: bool,
    /// What is found, by its key.
    pub entries: Arc<[(MapKey, Template)]>,
    /// The value where no key is found. Default empty.
    pub default: Template,
}

/// A key of a [`TextMap`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MapKey {
    /// The text, in lower case.
    Text(Arc<str>),
    /// `*.example.com`: any text before this suffix, which is in lower case and begins with the dot.
    Suffix(Arc<str>),
    /// `www.example.*`: any text after this beginning, which is in lower case and ends with the dot.
    Beginning(Arc<str>),
    /// A regular expression, which may match anywhere. Its groups may stand in the value.
    Regex {
        /// In PCRE's syntax.
        pattern: Arc<str>,
        /// `~*`: without regard to case.
        ignores_case: bool,
    },
}

/// `geo`: an address leads to a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressMap {
    /// Whose address is looked for. What is no address is looked for as 255.255.255.255, as in nginx.
    pub source: Template,
    /// What is found for the addresses of a range. Of two ranges one contains the other, or they have nothing in common;
    /// the narrowest counts.
    pub entries: Arc<[(AddressRange, Arc<str>)]>,
    /// The value for all other addresses. Default empty.
    pub default: Arc<str>,
    /// `proxy`: for these addresses, the last one of `X-Forwarded-For` is looked for. Default none.
    pub proxies: Arc<[IpNet]>,
    /// `proxy_recursive`: the last one in `X-Forwarded-For` that is none of these. Default false.
    pub recursive: bool,
}

/// All addresses from one to another, both included and of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressRange {
    /// The first.
    pub first: IpAddr,
    /// The last.
    pub last: IpAddr,
}

impl AddressRange {
    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && (self.first..=self.last).contains(&address)
    }

    /// How many addresses there are besides the first.
    pub fn width(&self) -> u128 {
        number(self.last).saturating_sub(number(self.first))
    }
}

impl From<IpNet> for AddressRange {
    fn from(network: IpNet) -> Self {
        Self { first: network.network(), last: network.broadcast() }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}
