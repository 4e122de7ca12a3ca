//! What a program of FastCGI is told of a request: nginx's `fastcgi_params`, those that the user adds, and the request's
//! headers.

use super::machine::Exchange;
use super::progress::State;
use crate::config::{FastCgi, Variable};
use crate::fastcgi::{Params, TooLong};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView};
use crate::variables::{self, Values};
use http::{HeaderMap, HeaderName};
use std::ops::ControlFlow;

/// The most bytes that one value may have. All params together may not have more.
const MAX_VALUE: usize = 0xffff;

const TOO_LONG: Reply = Reply::new(500, Reason::ParamsTooLong);

/// The params of every program, as nginx's file `fastcgi_params` has them. Which script runs is up to the user.
const COMMON: [(&str, Source); 17] = [
    ("QUERY_STRING", Source::Variable(Variable::QueryString)),
    ("REQUEST_METHOD", Source::Variable(Variable::RequestMethod)),
    ("CONTENT_TYPE", Source::Variable(Variable::ContentType)),
    ("CONTENT_LENGTH", Source::Variable(Variable::ContentLength)),
    ("SCRIPT_NAME", Source::Variable(Variable::FastcgiScriptName)),
    ("REQUEST_URI", Source::Variable(Variable::RequestUri)),
    ("DOCUMENT_URI", Source::Variable(Variable::DocumentUri)),
    ("DOCUMENT_ROOT", Source::Variable(Variable::DocumentRoot)),
    ("SERVER_PROTOCOL", Source::Variable(Variable::ServerProtocol)),
    ("REQUEST_SCHEME", Source::Variable(Variable::Scheme)),
    ("GATEWAY_INTERFACE", Source::Text("CGI/1.1")),
    // Programs look for "nginx" to know that paths may be rewritten.
    ("SERVER_SOFTWARE", Source::Text("nginx (adit)")),
    ("REMOTE_ADDR", Source::Variable(Variable::RemoteAddr)),
    ("REMOTE_PORT", Source::Variable(Variable::RemotePort)),
    ("SERVER_ADDR", Source::Variable(Variable::ServerAddr)),
    ("SERVER_PORT", Source::Variable(Variable::ServerPort)),
    ("SERVER_NAME", Source::Variable(Variable::ServerName)),
];
/// Without it PHP may refuse to run a script.
const REDIRECT_STATUS: (&str, &[u8]) = ("REDIRECT_STATUS", b"200");
/// Only over TLS.
const HTTPS: &str = "HTTPS";

enum Source {
    Variable(Variable),
    Text(&'static str),
}

impl Exchange {
    /// The params of a request that goes out with these headers, and a body of this length. After `Break` it does not go
    /// out: ask for the next step.
    pub(crate) fn fastcgi_params(
        &mut self,
        request: &RequestView<'_>,
        headers: &HeaderMap,
        length: Option<u64>,
    ) -> ControlFlow<(), Params> {
        match self.params(request, headers, length) {
            Ok(params) => ControlFlow::Continue(params),
            Err(reply) => {
                self.state = State::Replying(reply);
                ControlFlow::Break(())
            }
        }
    }

    fn params(&self, request: &RequestView<'_>, headers: &HeaderMap, length: Option<u64>) -> Result<Params, Reply> {
        let none = FastCgi::default();
        let added = self.decision.backend_policies().fastcgi.as_deref().unwrap_or(&none);
        let request = &self.decision.with_changed_headers(request);
        let mut buffer = [0; HOST_LIMIT];
        let info = self.request_info(request, &mut buffer);
        let target = variables::origin_form(self.decision.target(request));
        let script = script_name(&info, &added.index);
        if climbs(&script) {
            // Only a rewrite can lead here: it may put together what was apart in the request's path.
            return Err(Reply::new(400, Reason::BadPath));
        }
        let own = Own { script, arguments: variables::query(target).unwrap_or_default(), length };
        all(&(&own, &info), added, headers).map_err(|TooLong| TOO_LONG)
    }
}

/// All params: what every program gets, what the user adds or replaces, and the headers.
fn all(values: &impl Values, added: &FastCgi, headers: &HeaderMap) -> Result<Params, TooLong> {
    let is_added = |name: &str| added.params.iter().any(|(added, _)| **added == *name);
    let (mut params, mut value) = (Params::default(), Vec::new());
    for (name, source) in COMMON.iter().filter(|(name, _)| !is_added(name)) {
        value.clear();
        match source {
            Source::Text(text) => value.extend_from_slice(text.as_bytes()),
            Source::Variable(variable) => drop(values.value(variable, &mut value)),
        }
        params.push(name.as_bytes(), &value)?;
    }
    value.clear();
    if !is_added(HTTPS) && values.value(&Variable::Https, &mut value) {
        params.push(HTTPS.as_bytes(), &value)?;
    }
    if !is_added(REDIRECT_STATUS.0) {
        params.push(REDIRECT_STATUS.0.as_bytes(), REDIRECT_STATUS.1)?;
    }
    for (name, template) in &*added.params {
        let value = variables::render_within(template, values, MAX_VALUE).map_err(|_| TooLong)?;
        params.push(name.as_bytes(), &value)?;
    }
    for header in headers.keys() {
        let Some(name) = header_param(header).filter(|name| !is_added(name)) else { continue };
        value.clear();
        variables::header(headers, header.as_str(), &mut value);
        params.push(name.as_bytes(), &value)?;
    }
    Ok(params)
}

/// The param that a header becomes. None for headers of the client's connection, for `Proxy`, which programs would take for
/// the proxy that they are to use ("httpoxy"), and for names that would become those of others: with anything but letters,
/// digits and dashes in them.
fn header_param(header: &HeaderName) -> Option<String> {
    let name = header.as_str();
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_passed = is_plain && !matches!(name, "connection" | "proxy" | "transfer-encoding" | "upgrade");
    is_passed.then(|| format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_")))
}

/// nginx's `$fastcgi_script_name`: the decoded path after a rewrite, with the index where it ends with a slash.
fn script_name(values: &impl Values, index: &str) -> Vec<u8> {
    let mut script = Vec::new();
    values.value(&Variable::Uri, &mut script);
    if script.ends_with(b"/") {
        script.extend_from_slice(index.as_bytes());
    }
    script
}

/// Whether a path has an element that leads out of a directory.
fn climbs(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|element| element == b"..")
}

/// Variables that have another value for a program of FastCGI.
struct Own<'a> {
    script: Vec<u8>,
    /// Those of the request's target after a rewrite.
    arguments: &'a [u8],
    /// That of the body.
    length: Option<u64>,
}

impl Values for Own<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::FastcgiScriptName => variables::append(Some(&self.script), out),
            Variable::Args | Variable::QueryString => variables::append(Some(self.arguments), out),
            Variable::ContentLength => self.length.is_some_and(|length| variables::number(length, out)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn headers_become_params_of_one_name_each() {
        let param = |name: &'static str| header_param(&HeaderName::from_static(name));
        assert_eq!(param("x-real-ip").as_deref(), Some("HTTP_X_REAL_IP"));
        for name in ["proxy", "connection", "upgrade", "transfer-encoding", "x_real_ip", "x.real.ip", "x-real!ip"] {
            assert_eq!(param(name), None, "{name}");
        }
    }

    #[test]
    fn paths_that_climb_are_found() {
        for path in ["/..", "/a/../b", "../a", "/a/.."] {
            assert!(climbs(path.as_bytes()), "{path}");
        }
        for path in ["/", "/..a", "/a..", "/a/...", "/%2e%2e/"] {
            assert!(!climbs(path.as_bytes()), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_two_headers_become_one_param(names in prop::collection::hash_set("[a-z_.-]{1,6}", 0..12)) {
            let headers: Vec<_> = names.iter().map(|name| HeaderName::from_bytes(name.as_bytes()).expect("a name")).collect();
            let params: Vec<_> = headers.iter().filter_map(header_param).collect();
            prop_assert_eq!(params.iter().collect::<HashSet<_>>().len(), params.len());
            prop_assert!(params.iter().all(|param| param != "HTTP_PROXY"));
        }
    }
}
