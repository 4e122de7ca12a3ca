//! The addresses under which we are reached.

use std::str::FromStr;

/// An address of a load balancer, as the status of Ingresses and Services has it. IP addresses come before names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// An IP address, as it was written.
    Ip(String),
    /// A host name.
    Hostname(String),
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Ok(Self::Ip(text.to_owned()));
        }
        Ok(Self::Hostname(text.to_owned()))
    }
}
