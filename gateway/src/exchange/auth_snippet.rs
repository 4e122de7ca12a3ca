//! `auth-snippet`: what is run before an auth server is asked, and may answer for it.

use super::access::AccessStep;
use super::decision::Decision;
use crate::config::Template;
use crate::connection::Connection;
use crate::policy::Verdict;
use crate::policy::external_auth::Authorization;
use crate::policy::snippet::{Snippet, Surroundings};
use crate::request::{HOST_LIMIT, Reason, Reply, RequestView};
use crate::variables;
use http::HeaderMap;
use std::ops::ControlFlow;

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
                Some(server.judge(reply.status, &HeaderMap::new(), signin.as_deref()))
            }
            ControlFlow::Break(reply) => Some(Err(reply)),
        }
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

/// Whether a snippet answers for the auth server, and has neither failed nor closed the connection.
fn answers(reply: &Reply) -> bool {
    matches!(reply.reason, Reason::SnippetReturn | Reason::SnippetRedirect) && !reply.closes()
}
