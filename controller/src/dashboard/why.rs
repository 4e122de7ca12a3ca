//! Why a request goes where it goes: a form, and what `adit explain` says, part by part.

use super::layout::{badge, shown, table};
use super::query::Query;
use super::settings;
use crate::diagnostic::Statement;
use crate::explain::{Draft, Explanation, HostCandidate, Outcome, Policy, Request, RouteCandidate};
use form_urlencoded::Serializer;
use gateway::admin::ExplainQuery;
use maud::{Markup, html};

/// What the form says, as it was sent.
#[derive(Debug, Default)]
pub(super) struct Asked {
    method: String,
    url: String,
    /// One header a line.
    headers: String,
    /// Objects that are only drafted, as YAML.
    objects: String,
}

impl Asked {
    pub(super) fn read(query: &Query<'_>) -> Self {
        let headers: Vec<_> = query.all("headers").chain(query.all("header")).collect();
        Self {
            method: query.text("method").to_owned(),
            url: query.text("url").to_owned(),
            headers: headers.join("\n"),
            objects: query.text("objects").to_owned(),
        }
    }

    /// The request that is asked for, if any is.
    ///
    /// # Errors
    /// Says what of it is not as expected.
    pub(super) fn request(&self) -> Option<Result<Request, String>> {
        (!self.url.is_empty()).then(|| {
            let ExplainQuery { method, url, headers, .. } = ExplainQuery::parse(&self.query())?;
            Request::new(&method, &url, headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        })
    }

    /// The objects that are only drafted, if there are some.
    pub(super) fn objects(&self) -> Option<&str> {
        Some(self.objects.as_str()).filter(|objects| !objects.is_empty())
    }

    /// The query string with which `/debug/explain` is asked the same.
    fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        if !self.method.is_empty() {
            query.append_pair("method", &self.method);
        }
        query.append_pair("url", &self.url);
        let headers = self.headers.lines().map(str::trim).filter(|line| !line.is_empty());
        query.extend_pairs(headers.map(|line| ("header", line))).finish()
    }
}

/// The form, and below it the answer.
pub(super) fn page(asked: &Asked, answer: Option<Result<&Explanation, &String>>) -> Markup {
    html! {
        @match &answer {
            Some(Err(error)) => { p #error .note role="alert" { (badge("error", "error")) " " (shown(error)) } }
            None => { p { "Type a request to see which host, route and backend takes it, and why the others do not." } }
            Some(Ok(_)) => {}
        }
        (form(asked, matches!(answer, Some(Err(_)))))
        @if let Some(Ok(explanation)) = answer {
            (write(explanation))
            @if asked.objects().is_none() {
                p {
                    a href={ "why?" (asked.query()) } { "A link to this page" } ", "
                    a href={ "../debug/explain?" (asked.query()) } { "the same as JSON" }
                }
            }
        }
    }
}

/// It is posted, since a draft is longer than a URL may be.
fn form(asked: &Asked, is_wrong: bool) -> Markup {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = if asked.method.is_empty() { "GET" } else { &asked.method };
    let described = is_wrong.then_some("error");
    html! {
        form .why action="why" method="post" {
            div .row {
                div .method {
                    label for="method" { "Method" }
                    input #method name="method" list="methods" value=(method) autocomplete="off" spellcheck="false";
                    datalist #methods { @for method in METHODS { option value=(method) {} } }
                }
                div .url {
                    label for="url" { "URL" }
                    input #url name="url" value=(asked.url) required placeholder="https://shop.example.com/cart"
                        inputmode="url" autocomplete="off" spellcheck="false" aria-describedby=[described];
                }
            }
            label for="headers" { "Headers, one a line (optional)" }
            textarea #headers name="headers" rows="2" spellcheck="false" placeholder="X-User: me" { (asked.headers) }
            button type="submit" { "Explain" }
            details open[!asked.objects.is_empty()] {
                summary { "With other objects" }
                p #drafting .detail {
                    "Explained as it would be with them added, or in place of those of their names. Nothing that is served changes."
                }
                label for="objects" { "Objects as YAML" }
                textarea #objects name="objects" rows="12" spellcheck="false" aria-describedby="drafting" { (asked.objects) }
                button type="submit" { "Explain with them" }
            }
        }
    }
}

/// An explanation.
pub(super) fn write(explanation: &Explanation) -> Markup {
    html! {
        @if let Some(draft) = &explanation.draft { (write_draft(draft)) }
        (answer(explanation))
        (certificates(explanation))
        (hosts(&explanation.hosts))
        @if !explanation.routes.is_empty() { (routes(explanation)) }
        @if !explanation.policies.is_empty() { (policies(&explanation.policies)) }
        @if !explanation.settings.is_empty() {
            section aria-labelledby="settings" {
                h2 #settings { "Settings" }
                (settings::write(&explanation.settings))
            }
        }
    }
}

fn write_draft(draft: &Draft) -> Markup {
    html! {
        section aria-labelledby="draft" {
            h2 #draft { "Draft" }
            p { "As it would be with " strong { (shown(&draft.objects.join(", "))) } "." }
            @if !draft.diagnostics.is_empty() {
                ul .plain {
                    @for fact in &draft.diagnostics {
                        li { (badge(&fact.severity.to_string(), &fact.severity.to_string())) " " (shown(&fact.object)) ": " (shown(&Statement(fact))) }
                    }
                }
            }
            p { "Now:" }
            ul { @for line in draft.now.to_string().lines() { li { (shown(&line.trim_start())) } } }
        }
    }
}

/// In the words of `adit explain`: the first line is what happens, the others say how.
fn answer(explanation: &Explanation) -> Markup {
    let action = explanation.action.to_string();
    let mut lines = action.lines();
    html! {
        section .answer aria-labelledby="answer" {
            h2 #answer { "Answer" }
            p .request { code { (shown(&explanation.request)) } }
            @if let Some(path) = &explanation.path { p .detail { "matched as " code { (shown(path)) } } }
            p .detail { "comes to " (shown(&explanation.listener)) }
            p .verdict { (shown(&lines.next().unwrap_or_default())) }
            ul { @for line in lines { li { (shown(&line.trim_start())) } } }
        }
    }
}

fn certificates(explanation: &Explanation) -> Markup {
    html! {
        @if !explanation.certificates.is_empty() {
            section aria-labelledby="certificate" {
                h2 #certificate { "Certificate" }
                ul { @for certificate in &explanation.certificates { li { (shown(certificate)) } } }
            }
        }
    }
}

fn hosts(hosts: &[HostCandidate]) -> Markup {
    let rows = html! {
        @for host in hosts {
            tr .won[host.won] {
                th scope="row" { (shown(&host.name)) @if host.won { " " (badge("good", "takes it")) } }
                td { (shown(&host.why)) }
            }
        }
    };
    html! {
        section aria-labelledby="hosts" {
            h2 #hosts { "Hosts" }
            @if hosts.is_empty() { p .note { "No host comes into question." } } @else {
                (table("Hosts that come into question, the most specific first", &["Host", "Why"], &rows))
            }
        }
    }
}

fn routes(explanation: &Explanation) -> Markup {
    let (listed, left_out) = explanation.listed_routes();
    let rows = html! { @for route in listed { (write_route(route)) } };
    html! {
        section aria-labelledby="routes" {
            h2 #routes { "Routes" }
            (table("Routes of the host, in order of precedence", &["Route", "Why"], &rows))
            @if left_out > 0 { p { "And " (left_out) " more that do not match." } }
            @if let Some(next) = &explanation.next { p { "Without it, the winner would be " strong { (shown(next)) } "." } }
        }
    }
}

fn write_route(route: &RouteCandidate) -> Markup {
    html! {
        tr .won[route.won] {
            th scope="row" {
                code { (shown(&route.path)) } " " span .kind { (route.kind) }
                @if route.won { " " (badge("good", "takes it")) }
                span .detail { (shown(&route.source)) }
            }
            td { (shown(&route.why)) }
        }
    }
}

fn policies(policies: &[Policy]) -> Markup {
    let rows = html! {
        @for policy in policies {
            tr .skipped[policy.outcome == Outcome::NotReached] {
                th scope="row" {
                    (policy.name)
                    @match policy.outcome {
                        Outcome::Passes => {}
                        Outcome::Answers => { " " (badge("good", policy.outcome.words())) }
                        Outcome::NotReached => { " " (badge("plain", policy.outcome.words())) }
                    }
                }
                td { (shown(&policy.what)) }
            }
        }
    };
    html! {
        section aria-labelledby="policies" {
            h2 #policies { "Policies" }
            (table("What acts on the request, in the order in which it runs", &["Policy", "What it does"], &rows))
        }
    }
}
