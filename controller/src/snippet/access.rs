//! Who may come in.

use super::auth_request;
use super::context::Context;
use super::entry::{Call, Entry, HTTP_ONLY, HTTP_SERVER, LOCATION, OUTSIDE_IF, set_once};
use super::rewrite::own_variable;
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
        "Only `off`. In a location within a path or another location it turns off the passwords that `auth-type: basic` asks for. \
         Elsewhere it has no effect: in nginx, too, it does not turn off what the annotation asks for.",
        |call| match call.argument(0) {
            "off" if call.context == Context::InnerLocation => {
                call.block.asks_no_password = true;
                Ok(())
            }
            "off" => {
                call.warnings.push("has no effect: passwords are asked for where the annotation auth-type says so".into());
                Ok(())
            }
            _ => Err("is refused: it needs a file with passwords; expected the annotations auth-type and auth-secret".into()),
        },
    )
    .but_idle_in(HTTP_SERVER, "passwords are asked for where the annotation auth-type says so"),
    Entry::works(
        "auth_request",
        OUTSIDE_IF,
        1..=1,
        "Asks a server about each request, as `auth-url`: 200 to 299 lets it in, 401 and 403 are its answer, anything else is answered \
         with 500. The path is that of a `location` of the server-snippet, whose `proxy_pass` names the Service that is asked, and whose \
         `proxy_set_header` and timeouts count; with `if`, `set`, `return` or `rewrite` in it, or without that location, the routes \
         answer 503. In a server for locations without one of their own, and for Ingresses without an auth server. `off` turns that of \
         the server off, but not `auth-url` and the ConfigMap's `global-auth-url`; beside these anything else is refused, as in nginx. \
         In a location within a path or another location it takes the place of any of them.",
        auth_request::read,
    ),
    Entry::works(
        "auth_request_set",
        OUTSIDE_IF,
        2..=2,
        "Sets a variable once the server of `auth-url`, `global-auth-url` or `auth_request` has answered, whatever it has: of its headers \
         (`$upstream_http_NAME`), its status (`$upstream_status`) and what else there is. It has a value in headers of requests and \
         responses, and where an `error_page` leads; not yet in `if`, `set` and `rewrite` of the same location. Headers that it names \
         are kept with a response that `auth-cache-key` keeps. Those of a server are for `auth_request`, in locations without any: with \
         an annotation, a location has some of its own, as in ingress-nginx.",
        |call| {
            let name = own_variable(call)?.into();
            let value = call.variables.template(call.argument(1))?;
            call.block.auth_variables.push((name, value));
            Ok(())
        },
    )
    .but_idle_in(HTTP_ONLY, "it is not read there: expected it in a server or a location"),
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
