//! Why a request goes where it goes: which host, which route, which endpoints; who lost and why; which settings apply
//! and where they were made.
//!
//! The table decides, here as in the gateway: what is worked out here is only why the others lost.

mod action;
mod backend_tls;
mod canary;
mod certificate;
mod draft;
mod drafts;
mod header_changes;
mod hosts;
mod limits;
mod listener;
mod pods;
mod policies;
mod reason;
mod refusal;
mod remote;
mod request;
mod routes;
mod session;
mod settings;
mod source;
mod table;
mod text;
mod upstream;

#[cfg(test)]
mod tests;

pub use action::{Action, AuthServer, MirrorServer, Reach};
pub use certificate::{CertificateUse, ServedCertificate, ShownCertificate, of_host as certificates_of};
pub use draft::Draft;
pub use drafts::Drafts;
pub use hosts::HostCandidate;
pub use policies::{Outcome, Policy};
pub use remote::{AdminPort, AdminUrl, InvalidAdminUrl};
pub use request::Request;
pub use routes::RouteCandidate;
pub use settings::{Setting, of_host as settings_of};
pub use source::Source;
pub use table::{
    ShownAction, ShownHost, ShownPort, ShownRoute, ShownRouteBackend, ShownStream, ShownStreamBackend, ShownTable,
    ShownTlsRoute, describe, describe_host,
};
pub use upstream::{ShownEndpoint, ShownUpstream};

use crate::translate::Translator;
use gateway::request::normalize;
use gateway::table::{Found, Table};
use serde::{Deserialize, Serialize};

/// Why a request goes where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The request, as `GET http://shop.example.com/cart?x=1`.
    pub request: String,
    /// The path that routes are matched against; `None` if the request's has no such form.
    pub path: Option<String>,
    /// The listener that it comes to: a sentence.
    pub listener: String,
    /// The virtual hosts that come into question, the most specific first.
    pub hosts: Vec<HostCandidate>,
    /// The routes of the host that won, in order of precedence.
    pub routes: Vec<RouteCandidate>,
    /// The route that would take the request if there were not the one that does. `None` where there is none, and where
    /// locations of snippets come into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Source>,
    /// What acts on it, in the order in which it runs; nothing where its TLS connection goes to a backend as it is.
    pub policies: Vec<Policy>,
    /// What objects ask for on behalf of the route that won.
    pub settings: Vec<Setting>,
    /// The certificates that the client may be shown; none for cleartext, and where TLS does not end here.
    pub certificates: Vec<ShownCertificate>,
    /// What happens to the request.
    pub action: Action,
    /// The objects that are only drafted, if all this is as it would be with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
}

/// Explains a request to what `table` serves, which comes from `translator`.
pub fn explain(table: &Table, translator: &Translator, request: &Request) -> Explanation {
    let (view, at) = (request.view(), request.entry_point(table));
    let path = normalize(view.path(), table.settings().path_matching).ok();
    let found = path.as_ref().map(|path| table.find(at, &view, path));
    let won = match &found {
        Some(Found::Route(route) | Found::AddSlash(route)) => Some(*route),
        _ => None,
    };
    let host = table.host(at, view.host()).ok().flatten();
    let routes =
        host.zip(path.as_ref()).map(|(host, path)| routes::candidates(table, translator, (at, host), &view, path));
    let routes = routes.unwrap_or_default();
    let (action, policies) = action::decide(table, translator, request, found.as_ref());
    let certificates = match action {
        _ if !request.tls => Vec::new(),
        Action::PassThrough { terminates: false, .. } => Vec::new(),
        _ => certificate::list(table, translator, at, &request.server_name),
    };
    Explanation {
        request: request.to_string(),
        listener: listener::sentence(table, request),
        hosts: hosts::candidates(table, translator, at, view.host()),
        next: won.zip(host).and_then(|(_, host)| routes::next(host, &routes)),
        routes,
        policies,
        settings: won.zip(host).map(|(route, host)| settings::list(route, host, translator)).unwrap_or_default(),
        certificates,
        action,
        draft: None,
        path: path.map(|path| String::from_utf8_lossy(&path).into_owned()),
    }
}
