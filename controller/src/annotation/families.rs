//! All entries, by family.

use super::entry::AnnotationFacets;
use super::{
    affinity, backend, body, canary, client_certificates, cors, custom_errors, endpoint_health, external_auth, fastcgi,
    limits, mirror, obsolete, passwords, proxy, proxy_ssl, redirect, rewrite, routing, snippets, telemetry, timeouts,
    tls, upstream, waf,
};
use crate::registry::{Family, Registered, Registry};

impl Registered for AnnotationFacets {
    fn registry() -> &'static Registry<Self> {
        static REGISTRY: Registry<AnnotationFacets> = Registry::new(&[
            Family { title: "Routing", settings: routing::ANNOTATIONS },
            Family { title: "Redirects", settings: redirect::ANNOTATIONS },
            Family { title: "Rewrites", settings: rewrite::ANNOTATIONS },
            Family { title: "Requests to the backend", settings: upstream::ANNOTATIONS },
            Family { title: "FastCGI", settings: fastcgi::ANNOTATIONS },
            Family { title: "Timeouts and retries", settings: timeouts::ANNOTATIONS },
            Family { title: "Bodies and buffers", settings: body::ANNOTATIONS },
            Family { title: "Backends and load balancing", settings: backend::ANNOTATIONS },
            Family { title: "New and failing endpoints", settings: endpoint_health::ANNOTATIONS },
            Family { title: "Errors", settings: custom_errors::ANNOTATIONS },
            Family { title: "Session affinity", settings: affinity::ANNOTATIONS },
            Family { title: "Canaries", settings: canary::ANNOTATIONS },
            Family { title: "Mirrors", settings: mirror::ANNOTATIONS },
            Family { title: "TLS", settings: tls::ANNOTATIONS },
            Family { title: "TLS to backends", settings: proxy_ssl::ANNOTATIONS },
            Family { title: "Answers of the backend", settings: proxy::ANNOTATIONS },
            Family { title: "CORS", settings: cors::ANNOTATIONS },
            Family { title: "External authentication", settings: external_auth::ANNOTATIONS },
            Family { title: "Passwords", settings: passwords::ANNOTATIONS },
            Family { title: "Client certificates", settings: client_certificates::ANNOTATIONS },
            Family { title: "Limits and address lists", settings: limits::ANNOTATIONS },
            Family { title: "Web application firewall", settings: waf::ANNOTATIONS },
            Family { title: "Snippets", settings: snippets::ANNOTATIONS },
            Family { title: "Logs and traces", settings: telemetry::ANNOTATIONS },
            Family { title: "Obsolete, or never there", settings: obsolete::ANNOTATIONS },
        ]);
        &REGISTRY
    }
}
