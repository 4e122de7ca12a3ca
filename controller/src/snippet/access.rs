//! Who may come in.

use super::entry::{Call, Entry, HTTP_SERVER, LOCATION, OUTSIDE_IF, set_once};
use crate::registry::parse_network;
use crate::route_defaults::AccessRule;
use gateway::config::Satisfy;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "allow",
        OUTSIDE_IF,
        1..=1,
        "Lets the clients of an address or network in; of all rules of a location the first that a client's address is in counts. They come \
         after those of `denylist-source-range`; with an `allowlist-source-range` they have no effect, as in ingress-nginx. Those \
         of a server hold for locations without any.",
        |call| rule(call, true),
    ),
    Entry::works(
        "deny",
        OUTSIDE_IF,
        1..=1,
        "Answers the clients of an address or network with 403, likewise. The ConfigMap's `block-cidrs` goes on to hold.",
        |call| rule(call, false),
    ),
    Entry::works("satisfy", LOCATION, 1..=1, "As the annotation `satisfy`: `all` or `any`.", |call| {
        let satisfy = match call.argument(0) {
            "all" => Satisfy::All,
            "any" => Satisfy::Any,
            _ => return Err("is not valid: expected \"all\" or \"any\"".into()),
        };
        set_once(&mut call.block.satisfy, satisfy)
    }),
    Entry::works(
        "auth_basic",
        LOCATION,
        1..=1,
        "Only `off`, which has no effect: in nginx, too, it does not turn off what the annotation `auth-type` asks for.",
        |call| match call.argument(0) {
            "off" => {
                call.warnings.push("has no effect: passwords are asked for where the annotation auth-type says so".into());
                Ok(())
            }
            _ => Err("is refused: it needs a file with passwords; expected the annotations auth-type and auth-secret".into()),
        },
    )
    .but_idle_in(HTTP_SERVER, "passwords are asked for where the annotation auth-type says so"),
];

fn rule(call: &mut Call<'_>, allows: bool) -> Result<(), String> {
    let networks = match call.argument(0) {
        "all" => vec![IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())],
        text => match parse_network(text) {
            Some(network) => vec![network.trunc()],
            None => {
                return Err("is not valid: expected an IP address, a network such as \"10.0.0.0/8\", or \"all\"".into());
            }
        },
    };
    call.block.access.push(AccessRule { allows, networks });
    Ok(())
}
