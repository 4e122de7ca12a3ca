//! Lists of networks in annotations and keys: which addresses one holds.

use super::{lines, text};
use controller::registry::Value;
use ipnet::IpNet;
use std::net::IpAddr;

/// The lines of the input are a list, and an address.
pub fn fuzz(input: &[u8]) {
    let mut lines = lines(input);
    let Some(list) = text(&mut lines) else { return };
    let address = text(&mut lines).and_then(|line| line.parse().ok());
    lists_hold_what_their_parts_hold(list, address);
}

/// A list is taken as a whole or not at all, holds what its parts hold, and is the same when it is written out again.
pub fn lists_hold_what_their_parts_hold(list: &str, address: Option<IpAddr>) {
    let parts: Vec<_> = list.split(',').map(|part| network(part.trim())).collect();
    let read = Value::from(list).networks();
    assert_eq!(read.is_ok(), parts.iter().all(Option::is_some), "{list:?}");
    let Ok(read) = read else { return };
    if let Some(address) = address {
        let of_parts = parts.iter().flatten().any(|part| part.contains(&address));
        assert_eq!(read.iter().any(|network| network.contains(&address)), of_parts, "{address} in {list:?}");
    }
    let written: Vec<String> = read.iter().map(ToString::to_string).collect();
    assert_eq!(Value::from(&*written.join(",")).networks(), Ok(read));
}

/// One part, as simply as can be.
fn network(part: &str) -> Option<IpNet> {
    match part.split_once('/') {
        Some((address, length)) => {
            let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let digits = if address.contains(':') { 3 } else { 2 };
            let length = length.parse().ok().filter(|_| is_number && length.len() <= digits)?;
            IpNet::new(address.parse().ok()?, length).ok()
        }
        None => part.parse::<IpAddr>().ok().map(IpNet::from),
    }
}
