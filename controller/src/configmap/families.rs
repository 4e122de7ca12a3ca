//! All entries, by family.

use super::entry::KeyFacets;
use super::{
    client, compression, endpoint_health, forwarded, global_auth, headers, https, limits, logging, other, routes,
    security, snippets, stream, tls, tracing, upstream, waf,
};
use crate::registry::{Family, Registered, Registry};

impl Registered for KeyFacets {
    fn registry() -> &'static Registry<Self> {
        static REGISTRY: Registry<KeyFacets> = Registry::new(&[
            Family { title: "Routes", settings: routes::KEYS },
            Family { title: "Client connections", settings: client::KEYS },
            Family { title: "Client addresses and forwarded headers", settings: forwarded::KEYS },
            Family { title: "Headers", settings: headers::KEYS },
            Family { title: "Backends", settings: upstream::KEYS },
            Family { title: "New and failing endpoints", settings: endpoint_health::KEYS },
            Family { title: "TCP and UDP services", settings: stream::KEYS },
            Family { title: "Logs", settings: logging::KEYS },
            Family { title: "Traces", settings: tracing::KEYS },
            Family { title: "Redirects to HTTPS", settings: https::KEYS },
            Family { title: "TLS", settings: tls::KEYS },
            Family { title: "Compression", settings: compression::KEYS },
            Family { title: "Limits", settings: limits::KEYS },
            Family { title: "Security", settings: security::KEYS },
            Family { title: "Web application firewall", settings: waf::KEYS },
            Family { title: "Snippets", settings: snippets::KEYS },
            Family { title: "External authentication", settings: global_auth::KEYS },
            Family { title: "Process and nginx", settings: other::KEYS },
        ]);
        &REGISTRY
    }
}
