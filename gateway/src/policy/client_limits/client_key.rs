use std::net::IpAddr;
use std::sync::LazyLock;
use twox_hash::XxHash3_128;

/// What tells clients apart: an address, or a hash of the text that the configuration makes of their requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey(u128);

impl From<IpAddr> for ClientKey {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits()),
        }
    }
}

impl From<&[u8]> for ClientKey {
    fn from(text: &[u8]) -> Self {
        static SEED: LazyLock<u64> = LazyLock::new(|| fastrand::u64(..));
        Self(XxHash3_128::oneshot_with_seed(*SEED, text))
    }
}
