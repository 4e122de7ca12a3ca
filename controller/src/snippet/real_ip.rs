//! Whose word is taken for a client's address.

use super::entry::{Call, Entry, HTTP_SERVER_LOCATION, set_once};
use crate::registry::{header_name, parse_network};

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "set_real_ip_from",
        HTTP_SERVER_LOCATION,
        1..=1,
        "Believes the peers of an address or network about the address of their client, which counts from then on: for `allow` and \
         `deny`, limits, logs, and the headers of backends. In a server or a location those of the block around it no longer hold; in \
         `http` they add to the ConfigMap's `proxy-real-ip-cidr`, where that is used. In a server from before its `if` and `set`; in a \
         location from after its own, unless an address has been taken before. The peer is the address of the connection, or of its \
         PROXY header. Names of hosts are refused, and `unix:` is no peer.",
        trust,
    ),
    Entry::works(
        "real_ip_header",
        HTTP_SERVER_LOCATION,
        1..=1,
        "The header in which these peers have it: `X-Real-IP` by default, or as the ConfigMap's `forwarded-for-header` says where \
         that is used. Of several addresses the last counts. `proxy_protocol` is the address of the PROXY header, and no other.",
        |call| {
            let header = match call.argument(0) {
                "proxy_protocol" => None,
                name => Some(header_name(name).map_err(|error| error.to_string())?),
            };
            set_once(&mut call.block.real_ip.header, header)
        },
    ),
    Entry::works(
        "real_ip_recursive",
        HTTP_SERVER_LOCATION,
        1..=1,
        "`on`: of several addresses the last counts that is none of `set_real_ip_from`. Default `off`; `on` where the ConfigMap's \
         `use-forwarded-headers`, `enable-real-ip` or `use-proxy-protocol` is.",
        |call| {
            let is_on = call.switch()?;
            set_once(&mut call.block.real_ip.recursive, is_on)
        },
    ),
];

fn trust(call: &mut Call<'_>) -> Result<(), String> {
    match call.argument(0) {
        "unix:" => call.warnings.push("has no effect: no client comes from a socket of this kind".into()),
        text => {
            let expected = "is not valid: expected an IP address, or a network such as \"10.0.0.0/8\"";
            call.block.real_ip.trusted.push(parse_network(text).ok_or(expected)?.trunc());
        }
    }
    Ok(())
}
