//! Where a Gateway is reached, and whether that is where it asks for.

use crate::address::Address;
use crate::gateway_api::GatewayAddress;
use std::net::IpAddr;

/// Where a Gateway is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::status) struct Place {
    /// Its addresses.
    pub(in crate::status) addresses: Vec<Address>,
    /// Why it is not reached as it asks for: the reason of its condition `Programmed`, and a sentence.
    pub(in crate::status) problem: Option<(&'static str, String)>,
}

/// Those of the addresses that are there which a Gateway asks for; all of them, if it asks for none.
pub(super) fn chosen(asked: &[GatewayAddress], there: &[Address]) -> Place {
    if there.is_empty() {
        let problem = ("AddressNotAssigned", "there is no address yet".to_owned());
        return Place { addresses: Vec::new(), problem: Some(problem) };
    }
    if asked.is_empty() {
        return Place { addresses: there.to_vec(), problem: None };
    }
    let is_asked = |address: &&Address| asked.iter().any(|asked| is(asked, address));
    let addresses = there.iter().filter(is_asked).cloned().collect();
    let missing = asked.iter().find(|asked| !there.iter().any(|address| is(asked, address)));
    Place { addresses, problem: missing.map(|asked| problem(asked, there)) }
}

fn problem(asked: &GatewayAddress, there: &[Address]) -> (&'static str, String) {
    let all: Vec<_> = there.iter().map(text).collect();
    match value(asked) {
        Some(value) => {
            ("AddressNotUsable", format!("{value} is not one of its addresses: expected {}", all.join(", ")))
        }
        None => ("AddressNotAssigned", format!("there is no address of type {} yet", kind(asked))),
    }
}

fn kind(asked: &GatewayAddress) -> &str {
    asked.kind.as_deref().unwrap_or("IPAddress")
}

fn value(asked: &GatewayAddress) -> Option<&str> {
    asked.value.as_deref().filter(|value| !value.is_empty())
}

fn text(address: &Address) -> &str {
    match address {
        Address::Ip(text) | Address::Hostname(text) => text,
    }
}

fn is(asked: &GatewayAddress, address: &Address) -> bool {
    let value = value(asked);
    match address {
        // One address of IPv6 can be written in several ways.
        Address::Ip(ip) => {
            kind(asked) == "IPAddress"
                && value.is_none_or(|value| value == ip || value.parse::<IpAddr>().ok() == ip.parse().ok())
        }
        Address::Hostname(name) => kind(asked) == "Hostname" && value.is_none_or(|value| value == name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: &str, value: &str) -> GatewayAddress {
        GatewayAddress { kind: Some(kind.to_owned()), value: Some(value.to_owned()) }
    }

    fn reason(place: &Place) -> Option<&'static str> {
        place.problem.as_ref().map(|(reason, _)| *reason)
    }

    #[test]
    fn a_gateway_has_the_addresses_that_it_asks_for_if_they_are_there() {
        let there =
            [Address::Ip("10.0.0.1".into()), Address::Ip("2001:db8::1".into()), Address::Hostname("lb.test".into())];
        assert_eq!(chosen(&[], &there), Place { addresses: there.to_vec(), problem: None });
        for (asks, expected) in [
            (asked("IPAddress", "10.0.0.1"), &there[..1]),
            (asked("IPAddress", "2001:DB8:0::1"), &there[1..2]),
            (asked("IPAddress", ""), &there[..2]),
            (asked("Hostname", "lb.test"), &there[2..]),
            (GatewayAddress::default(), &there[..2]),
        ] {
            assert_eq!(chosen(&[asks], &there), Place { addresses: expected.to_vec(), problem: None });
        }
    }

    #[test]
    fn it_is_told_of_those_that_are_not() {
        let there = [Address::Ip("10.0.0.1".into())];
        let one = chosen(&[asked("IPAddress", "10.0.0.1"), asked("IPAddress", "10.0.0.2")], &there);
        assert_eq!((reason(&one), &one.addresses[..]), (Some("AddressNotUsable"), &there[..]));
        assert_eq!(reason(&chosen(&[asked("Hostname", "10.0.0.1")], &there)), Some("AddressNotUsable"));
        assert_eq!(reason(&chosen(&[asked("Hostname", "")], &there)), Some("AddressNotAssigned"));
        assert_eq!(reason(&chosen(&[], &[])), Some("AddressNotAssigned"));
    }
}
