//! PROXY headers as cases write them.

use anyhow::{Result, bail};
use ppp::v1::Addresses;
use ppp::v2::{Builder, Command, Protocol, Version};
use std::net::SocketAddr;

/// The bytes of a header: text as it is, or the same in the binary form of version 2.
pub(super) fn encode(text: &str) -> Result<Vec<u8>> {
    let Some(rest) = text.strip_prefix("v2 ") else { return Ok(format!("{text}\r\n").into_bytes()) };
    if rest == "LOCAL" {
        return Ok(Builder::new(Version::Two | Command::Local, 0).build()?);
    }
    let addresses: (SocketAddr, SocketAddr) = match format!("PROXY {rest}\r\n").parse()? {
        Addresses::Tcp4(ip) => {
            ((ip.source_address, ip.source_port).into(), (ip.destination_address, ip.destination_port).into())
        }
        Addresses::Tcp6(ip) => {
            ((ip.source_address, ip.source_port).into(), (ip.destination_address, ip.destination_port).into())
        }
        Addresses::Unknown => bail!("{text:?} has no addresses: expected LOCAL, or TCP4 or TCP6 and two of them"),
    };
    Ok(Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, addresses).build()?)
}
