//! `auth-snippet`, which is run before an auth server is asked and may answer for it; and `auth_request_set`, the variables that
//! are made of its response.

use super::access::AccessStep;
use super::decision::Decision;
use crate::config::{Template, Variable};
use crate::connection::Connection;
use crate::policy::Verdict;
use crate::policy::external_auth::Authorization;
use crate::policy::snippet::{Snippet, Surroundings};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView};
use crate::telemetry::{Now, RequestInfo};
use crate::variables::{self, Values};
use http::HeaderMap;
use std::ops::ControlFlow;
use std::sync::Arc;

impl Decision {
    /// Runs the snippet of the auth request. `Some`: it has decided, and the auth server is not asked.
    pub(super) fn run_auth_snippet(
        &mut self,
        connection: &Connection,
        number: u64,
        request: &RequestView<'_>,
    ) -> Option<Result<Authorization, Reply>> {
        self.auth_server()?.snippet.as_ref()?;
        let route = self.route.clone()?;
        let snippet: &Snippet = route.policies.external_auth.as_ref()?.snippet.as_ref()?;
        let end = self.with_progress_on(connection, number, request, |progress, around| {
            snippet.run_aside(&mut progress.state, &Surroundings { relative_redirects: true, ..*around })
        });
        match end {
            ControlFlow::Continue(()) => None,
            ControlFlow::Break(reply) if answers(&reply) => {
                let server = self.auth_server()?;
                let signin = server.signin.as_ref().map(|url| self.rendered(url, connection, number, request));
                Some(server.judge((reply.status, &HeaderMap::new()), None, signin.as_deref()))
            }
            ControlFlow::Break(reply) => Some(Err(reply)),
        }
    }

    /// Sets the variables that are made of the auth response, as nginx: ngx_http_auth_request_set_variables. `Break`: one is too
    /// long.
    pub(super) fn set_auth_variables(
        &mut self,
        connection: &Connection,
        number: u64,
        request: &RequestView<'_>,
        status: u16,
        headers: &HeaderMap,
    ) -> ControlFlow<Reply> {
        let variables = match self.auth_server() {
            Some(server) if !server.variables.is_empty() => Arc::clone(&server.variables),
            _ => return ControlFlow::Continue(()),
        };
        self.with_progress_on(connection, number, request, |progress, around| {
            let base = RequestInfo { response_headers: [Some(headers), None], ..around.info };
            variables.iter().try_for_each(|(name, value)| {
                let mut rendered = Vec::new();
                let info = progress.state.info(&base);
                variables::render(value, &(&OfAuth(status), &(&info, &Now)), &mut rendered);
                progress.state.assign(name, &rendered)
            })
        })
    }

    /// The step that follows where the auth server would be asked about a request that nobody serves, if the snippet of the auth
    /// request has decided.
    pub fn after_auth_snippet(&mut self, connection: &Connection, request: &RequestView<'_>) -> Option<AccessStep> {
        let verdict = match self.run_auth_snippet(connection, 1, request)? {
            Ok(_) => Verdict::Allowed,
            Err(reply) => Verdict::Refused(reply),
        };
        Some(self.hear(verdict))
    }

    /// A text with variables, of the request with this number on its connection.
    pub(super) fn rendered(
        &self,
        template: &Template,
        connection: &Connection,
        number: u64,
        request: &RequestView<'_>,
    ) -> Vec<u8> {
        let (mut text, mut buffer) = (Vec::new(), [0; HOST_LIMIT]);
        variables::render(template, &self.request_info(connection, number, request, &mut buffer), &mut text);
        text
    }
}

/// The status of an auth response.
struct OfAuth(u16);

impl Values for OfAuth {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let is_status = *variable == Variable::UpstreamStatus;
        if is_status {
            out.extend_from_slice(self.0.to_string().as_bytes());
        }
        is_status
    }
}

/// Whether a snippet answers for the auth server, and has neither failed nor closed the connection.
fn answers(reply: &Reply) -> bool {
    matches!(reply.reason, Reason::SnippetReturn | Reason::SnippetRedirect) && !reply.closes()
}
