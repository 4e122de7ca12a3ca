//! Addresses that no backend may have, whoever names them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Metadata services of clouds that are not at a link-local address: of AWS and Google over IPv6, of Alibaba and Azure.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

/// Whether no request may be sent to an address: it is unspecified, broadcast, multicast, link-local, or a cloud's
/// metadata service. What the Kubernetes API refuses as the address of an endpoint (`ValidateNonSpecialIP`) is among
/// these, but for loopback addresses, which are a question of their own: see [`is_loopback`].
pub fn is_forbidden(address: IpAddr) -> bool {
    let address = canonical(address);
    let by_range = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    by_range || address.is_unspecified() || address.is_multicast() || METADATA.contains(&address)
}

/// Whether an address is a loopback one of this machine.
pub fn is_loopback(address: IpAddr) -> bool {
    canonical(address).is_loopback()
}

/// The IPv4 address where an IPv6 one stands for it: mapped (`::ffff:0:0/96`), or translated by NAT64 (`64:ff9b::/96`).
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = v6.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        address => address.to_canonical(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_forbidden_however_they_are_written() {
        let forbidden = |text: &str| is_forbidden(text.parse().expect("an address"));
        for address in [
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "169.254.169.254",
            "fe80::1",
            "febf::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "100.100.100.200",
        ] {
            assert!(forbidden(address), "{address}");
        }
        for address in ["10.0.0.1", "169.253.0.1", "2001:db8::1", "fd00::1", "fec0::1", "64:ff9b::a00:1", "127.0.0.1"] {
            assert!(!forbidden(address), "{address}");
        }
        for address in ["127.0.0.1", "::1", "::ffff:127.9.9.9", "64:ff9b::7f00:1"] {
            assert!(is_loopback(address.parse().expect("an address")), "{address}");
        }
    }
}
