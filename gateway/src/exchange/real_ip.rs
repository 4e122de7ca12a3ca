//! The client's address, where a snippet says whose word is taken for it. As nginx's realip module, which is asked before the
//! directives of a server are run, and once more before access is decided.

use super::decision::{Asked, Decision};
use crate::table::{Found, Route};

impl Decision {
    /// Takes the address as the request's server says, in place of what the settings of forwarding headers have made of it.
    pub(super) fn find_address(&mut self, found: &Found<'_>, asked: &Asked<'_>) {
        let of_host = found.host_policies().and_then(|host| host.real_ip.as_ref());
        let Some(real_ip) = of_host.or(self.settings.believed.as_ref()) else { return };
        let peer = asked.connection.peer.ip();
        self.client.take_address(peer, real_ip.address(asked.request.headers, peer));
    }

    /// Takes the address as the route says, unless one has been taken already.
    pub(super) fn find_address_on(&mut self, route: &Route, asked: &Asked<'_>) {
        let Some(real_ip) = route.policies.real_ip.as_ref().filter(|_| !self.client.is_forwarded) else { return };
        let peer = asked.connection.peer.ip();
        let forwarded = real_ip.address(self.with_changed_headers(asked.request).headers, peer);
        self.client.take_address(peer, forwarded);
    }
}
