//! What acts on a request, in the order in which it runs, and where the request is answered.

use super::header_changes;
use super::limits;
use super::table::url_pattern;
use gateway::config::{CorsManner, RoutePolicies, Satisfy};
use gateway::exchange::{Decision, Stage};
use gateway::policy::client_certificates::ClientCertificates;
use gateway::table::{Route, RouteAction};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Something that acts on a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What it is, such as `https redirect`.
    pub name: String,
    /// What it does: a sentence.
    pub what: String,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What comes of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It lets the request go on, as far as the request alone says.
    Passes,
    /// It answers the request.
    Answers,
    /// The request is answered before.
    NotReached,
}

impl Outcome {
    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Passes => "goes on",
            Self::Answers => "answers",
            Self::NotReached => "not reached",
        }
    }
}

/// What is known of a request that has been decided on.
pub(super) struct Decided<'d> {
    pub(super) decision: &'d Decision,
    pub(super) tls: bool,
    /// Where the gateway answers it, if it does.
    pub(super) answered_at: Option<Stage>,
    /// Why.
    pub(super) why: Option<&'d str>,
    /// Where it goes, and why there.
    pub(super) backend: Vec<String>,
    /// Who is asked whether it may.
    pub(super) auth: Option<String>,
    /// Who gets a copy.
    pub(super) mirrors: Vec<String>,
    /// What its client has to show.
    pub(super) certificate: Option<String>,
}

/// What acts on it, in the order in which it runs: what is set for its route and its host, and what answers it.
pub(super) fn list(decided: &Decided<'_>) -> Vec<Policy> {
    Stage::ALL.iter().filter_map(|stage| decided.policy(*stage)).collect()
}

impl Decided<'_> {
    fn policy(&self, stage: Stage) -> Option<Policy> {
        let outcome = match self.answered_at {
            Some(at) if at == stage => Outcome::Answers,
            Some(_) if stage.is_of_response() && self.decision.has_response_policies() => Outcome::Passes,
            Some(at) if at < stage => Outcome::NotReached,
            _ => Outcome::Passes,
        };
        let set = self.what(stage);
        let what = match outcome {
            Outcome::Answers => self.why.map(str::to_owned).or(set),
            _ => set,
        };
        Some(Policy { name: name(stage).to_owned(), what: what?, outcome })
    }

    /// What a stage does to the request; nothing where nothing is set for it.
    fn what(&self, stage: Stage) -> Option<String> {
        let settings = &self.decision.settings;
        match stage {
            Stage::Lookup => Some("the path is decoded and made normal; host and route are looked up".to_owned()),
            Stage::Blocking => {
                is(settings.blocking.is_some(), "the ConfigMap blocks addresses, User-Agents or Referers")
            }
            Stage::Refusal => settings.denied.as_ref().map(|denied| denied.reason.to_string()),
            _ => self.of_route(stage, self.decision.route.as_deref()?),
        }
    }

    fn of_route(&self, stage: Stage, route: &Route) -> Option<String> {
        let policies = &route.policies;
        match stage {
            Stage::ClientCertificate => self.of_certificate(),
            Stage::HostSnippet => {
                is(route.host.snippet.is_some(), "server-snippet: may answer, or lead to another path")
            }
            Stage::RouteRefusal => policies.denied.as_ref().map(|denied| denied.reason.to_string()),
            Stage::AppRoot => route.host.app_root.as_ref().map(|root| format!("app-root: / leads to {root}")),
            Stage::Internal => is(policies.internal, "only the gateway itself leads here"),
            Stage::Preflight => policies.cors.as_ref().map(|cors| {
                let what = match cors.manner() {
                    CorsManner::Nginx => "enable-cors: OPTIONS of an origin that is allowed is answered",
                    CorsManner::Standard => "CORS: OPTIONS with Origin and Access-Control-Request-Method is answered",
                };
                what.to_owned()
            }),
            Stage::RouteSnippet => is(policies.snippet.is_some(), "a snippet: may answer, or lead to another path"),
            Stage::FixedAnswer => match &route.action {
                RouteAction::Redirect(redirect) => Some(format!("{} to {}", redirect.code, redirect.location)),
                RouteAction::UrlRedirect(redirect) => Some(format!("{} to {}", redirect.code, url_pattern(redirect))),
                RouteAction::Reply(status) => Some(format!("the route answers with {status}")),
                _ => None,
            },
            Stage::HttpsRedirect => policies.https_redirect.as_ref().map(|redirect| {
                let is_https = if self.tls { ", and this is HTTPS" } else { "" };
                format!("plain HTTP is redirected to HTTPS with {}{is_https}", redirect.code)
            }),
            Stage::BodyLimit => {
                policies.body_limit.map(|limit| format!("a body of more than {limit} bytes is refused with 413"))
            }
            Stage::ClientLimits => {
                let is_limited = policies.client_limits.is_some() || policies.snippet_limits.is_some();
                is_limited.then(|| limits::of_clients(self.decision).join("; "))
            }
            Stage::ResponseRate => limits::of_response(policies.response_rate),
            _ => self.of_access(stage, route).or_else(|| self.of_backend(stage, route)),
        }
    }

    fn of_certificate(&self) -> Option<String> {
        match self.decision.client_certificates()? {
            ClientCertificates::Denied(denied) => Some(denied.reason.to_string()),
            ClientCertificates::Verified(_) => self.certificate.clone(),
        }
    }

    fn of_access(&self, stage: Stage, route: &Route) -> Option<String> {
        let policies = &route.policies;
        let what = match stage {
            Stage::SourceRanges => {
                policies.source_ranges.as_ref()?;
                let configured: &RoutePolicies = policies;
                addresses(&configured.source_ranges.deny, configured.source_ranges.allow.as_deref())
            }
            Stage::Password => is(self.decision.needs_password(), "auth-type: takes the name and password of a user")?,
            Stage::AuthServer => self.auth.clone()?,
            _ => return None,
        };
        let enough = if policies.satisfy == Satisfy::Any { "; satisfy any: one way in is enough" } else { "" };
        Some(what + enough)
    }

    fn of_backend(&self, stage: Stage, route: &Route) -> Option<String> {
        let policies = &route.policies;
        match stage {
            Stage::Firewall => is(matches!(policies.waf, Some(Ok(_))), "rules of ModSecurity inspect the request"),
            Stage::Buffering => {
                is(policies.request_buffering.on, "a body is read to its end before an endpoint gets the request")
            }
            Stage::Rewrite => {
                let target = &self.decision.rewritten.as_ref()?.target;
                Some(format!("the backend sees {}", String::from_utf8_lossy(target)))
            }
            Stage::Backend => (!self.backend.is_empty()).then(|| self.backend.join("; ")),
            Stage::RequestHeaders => header_changes::of_request(route, self.decision.backend()),
            Stage::Mirror => (!self.mirrors.is_empty()).then(|| self.mirrors.join("; ")),
            Stage::Errors => is(
                policies.custom_errors.is_some() || policies.error_pages.is_some(),
                "errors are answered by another backend, or by pages of the route",
            ),
            Stage::ResponseHeaders => is(
                policies.cors.is_some() || !policies.custom_headers.is_empty() || policies.response_rewrites.is_some(),
                "headers of the response are set or rewritten",
            ),
            Stage::BackendResponseHeaders => header_changes::of_response(route, self.decision.backend()),
            _ => None,
        }
    }
}

fn is(is_set: bool, what: &str) -> Option<String> {
    is_set.then(|| what.to_owned())
}

fn addresses(deny: &[IpNet], allow: Option<&[IpNet]>) -> String {
    let list = |nets: &[IpNet]| nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (deny, allow) {
        ([], Some(allow)) => format!("clients of {} only", list(allow)),
        (deny, None) => format!("no clients of {}", list(deny)),
        (deny, Some(allow)) => format!("clients of {} only, but none of {}", list(allow), list(deny)),
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Lookup => "look-up",
        Stage::Blocking => "blocked clients",
        Stage::Refusal => "refusal of all",
        Stage::ClientCertificate => "client certificate",
        Stage::HostSnippet => "snippet of the host",
        Stage::Entry => "what is found",
        Stage::RouteRefusal => "refusal",
        Stage::AppRoot => "root",
        Stage::Internal => "internal location",
        Stage::Preflight => "preflight",
        Stage::RouteSnippet => "snippet of the route",
        Stage::FixedAnswer => "fixed answer",
        Stage::RewriteRedirect => "redirect by rewrite",
        Stage::HttpsRedirect => "redirect to HTTPS",
        Stage::HttpsForCertificate => "HTTPS for certificates",
        Stage::BodyLimit => "size of the body",
        Stage::ClientLimits => "limits",
        Stage::SourceRanges => "address of the client",
        Stage::Password => "password",
        Stage::AuthServer => "auth server",
        Stage::Firewall => "firewall",
        Stage::Buffering => "buffering",
        Stage::Rewrite => "rewrite",
        Stage::Backend => "backend",
        Stage::RequestHeaders => "request headers",
        Stage::Mirror => "mirror",
        Stage::Errors => "errors",
        Stage::ResponseHeaders => "response headers",
        Stage::BackendResponseHeaders => "response headers of the backend",
        Stage::ResponseRate => "response rate",
    }
}
