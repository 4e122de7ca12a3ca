//! Why the gateway answers a request itself, in words.

use super::refusal;
use crate::translate::Translator;
use gateway::config::CorsManner;
use gateway::exchange::Decision;
use gateway::policy::client_certificates::ClientCertificates;
use gateway::policy::cors::Cors;
use gateway::request::{Reason, Reply};
use gateway::table::{Found, Table};

/// The reason of a reply, for a person; of a snippet's, with its line.
pub(super) fn why(
    reply: &Reply,
    table: &Table,
    translator: &Translator,
    decision: &Decision,
    found: Option<&Found<'_>>,
) -> String {
    let reason = match reply.reason {
        Reason::FixedReply => fixed_reply(decision, translator),
        Reason::NoBackend => no_backend(decision, translator),
        _ => reason(reply, table, decision, found),
    };
    match &reply.origin {
        Some(origin) => format!("{origin}: {reason}"),
        None => reason,
    }
}

/// Why a rule answers by itself: it has nobody who could.
fn fixed_reply(decision: &Decision, translator: &Translator) -> String {
    wrong_with_rule(decision, translator).unwrap_or_else(|| {
        let route = decision.route.as_deref().map(|route| format!("{}: ", route.origin)).unwrap_or_default();
        format!("{route}the rule has no backend with a weight, or cannot be served as it is meant")
    })
}

/// Why a backend of a rule gets no requests, wherever it is.
pub(super) fn no_backend(decision: &Decision, translator: &Translator) -> String {
    let unknown = || "the backend does not exist, or may not be referred to".to_owned();
    wrong_with_rule(decision, translator).unwrap_or_else(unknown)
}

fn wrong_with_rule(decision: &Decision, translator: &Translator) -> Option<String> {
    refusal::of_route(&decision.route.as_deref()?.origin, translator)
}

fn reason(reply: &Reply, table: &Table, decision: &Decision, found: Option<&Found<'_>>) -> String {
    match (reply.reason, found) {
        (Reason::Denied, _) => {
            let without_slash = match found {
                Some(Found::AddSlash(route)) => Some(*route),
                _ => None,
            };
            let route = decision.route.as_ref().or(without_slash);
            let by_route = route.and_then(|route| route.policies.denied.as_ref());
            let denied = table.settings().denied.as_ref().or(by_route);
            denied.map(|denied| format!("{}: {}", denied.origin, denied.reason)).unwrap_or_default()
        }
        (Reason::ClientCertificatesDenied, _) => {
            let policies = match found {
                Some(Found::Route(route) | Found::AddSlash(route)) => Some(&*route.host),
                Some(Found::NoPath(host)) => Some(&**host.policies()),
                _ => None,
            };
            match policies.and_then(|policies| policies.client_certificates.as_ref()) {
                Some(ClientCertificates::Denied(denied)) => format!("{}: {}", denied.origin, denied.reason),
                _ => String::new(),
            }
        }
        (Reason::NoClientCertificate, _) => {
            "auth-tls-secret: the host requires a certificate of the client, which needs HTTPS".to_owned()
        }
        (Reason::SubjectDenied, _) => "auth-tls-match-cn: over plain HTTP no client has a certificate".to_owned(),
        (Reason::WwwRedirect, Some(Found::WwwRedirect(redirect))) => {
            format!("{} redirects the whole host", redirect.origin)
        }
        (Reason::PatternLimit, Some(Found::PatternLimit(pattern))) => {
            format!("matching the pattern {:?} takes too many steps", pattern.text())
        }
        (Reason::NoRoute, Some(Found::NoHost)) => "no rule matches this host".to_owned(),
        (Reason::NoRoute, Some(Found::NoPath(_))) => "no path of the host matches this path".to_owned(),
        (Reason::NoRoute, _) => "the route goes to the default backend, and there is none".to_owned(),
        (Reason::NoContent, _) => {
            let route = decision.route.as_deref();
            let location = route.map(|route| format!("{}: ", route.origin)).unwrap_or_default();
            let why = match route.is_some_and(|route| route.policies.internal) {
                true => "the location is internal, or has nothing to answer",
                false => "the location has nothing to answer",
            };
            format!("{location}{why}")
        }
        (Reason::NoLocation, _) => "the host has no location of the name that error_page has".to_owned(),
        (Reason::AppRoot, _) => "app-root: the path is /".to_owned(),
        (Reason::Redirect, _) => "the route is a redirect".to_owned(),
        (Reason::Blocked, _) => "the ConfigMap blocks the address, the User-Agent or the Referer".to_owned(),
        (Reason::CorsPreflight, _) => {
            let cors = decision.route.as_ref().and_then(|route| route.policies.cors.as_ref());
            match cors.map(Cors::manner) {
                Some(CorsManner::Standard) => "CORS: OPTIONS with Origin and Access-Control-Request-Method".to_owned(),
                _ => "enable-cors: OPTIONS of an origin that is allowed".to_owned(),
            }
        }
        (Reason::HttpsRedirect, _) => "the route redirects plain HTTP to HTTPS".to_owned(),
        (Reason::AddSlash, _) => "the path has no slash at its end, and the route has one".to_owned(),
        (Reason::Healthz, _) => "the health check of load balancers, for hosts without rules".to_owned(),
        (Reason::RewriteRedirect, _) => "rewrite-target is a URL".to_owned(),
        (Reason::AuthDenied, _) => "the snippet of the auth request refuses it".to_owned(),
        (Reason::AuthSignin, _) => "auth-signin: the snippet of the auth request refuses it".to_owned(),
        (Reason::AuthFailed, _) => {
            "the snippet of the auth request answers with a status that neither allows nor refuses".to_owned()
        }
        (Reason::SnippetReturn, _) => "a snippet answers".to_owned(),
        (Reason::SnippetRedirect, _) => "a snippet redirects".to_owned(),
        (Reason::SnippetLoop, _) => "snippets lead from path to path more than 10 times".to_owned(),
        (Reason::SnippetTooLong, _) => "a value that a snippet makes is too long".to_owned(),
        (Reason::RewriteTooLong, _) => "the rewritten path is too long".to_owned(),
        (Reason::Misdirected, _) => {
            "the name in the handshake leads to another host: this one is to be asked on a connection of its own"
                .to_owned()
        }
        (Reason::BadPath, _) => "the path cannot be decoded, or leads above the root".to_owned(),
        (Reason::SourceRange, _) => "the address of the client is not allowed".to_owned(),
        (Reason::BadCredentials, _) => "the request has no name and password of a user".to_owned(),
        (reason, _) => reason.label().to_owned(),
    }
}
