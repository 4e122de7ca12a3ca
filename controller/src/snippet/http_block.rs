use crate::route_defaults::{RouteDefaults, SnippetBlock};
use gateway::config::{Compression, RealIp};

/// What holds in the block that all servers stand in.
#[derive(Clone, Copy)]
pub(crate) struct HttpBlock<'a> {
    /// How responses are compressed.
    pub(crate) compression: &'a Compression,
    /// Whose word is taken for a client's address.
    pub(crate) real_ip: Option<&'a RealIp>,
    /// What else its snippet says that servers inherit: of errors, texts in bodies and limits.
    pub(crate) snippet: &'a SnippetBlock,
    /// The statuses of `custom-http-errors`, which come before the error pages of the snippet, as in ingress-nginx.
    pub(crate) custom_errors: &'a [u16],
}

impl<'a> From<&'a RouteDefaults> for HttpBlock<'a> {
    fn from(defaults: &'a RouteDefaults) -> Self {
        let RouteDefaults { compression, real_ip, http_snippet, policies, .. } = defaults;
        Self {
            compression,
            real_ip: real_ip.as_ref(),
            snippet: http_snippet,
            custom_errors: &policies.custom_errors.statuses,
        }
    }
}

/// A server with what it inherits.
pub(super) fn within_http(server: &SnippetBlock, http: HttpBlock<'_>) -> SnippetBlock {
    let HttpBlock { snippet, custom_errors, .. } = http;
    let mut error_pages = server.error_pages.clone();
    if error_pages.is_empty() {
        error_pages = snippet.error_pages.clone();
        error_pages.retain_mut(|page| {
            page.statuses = page.statuses.iter().copied().filter(|status| !custom_errors.contains(status)).collect();
            !page.statuses.is_empty()
        });
    }
    SnippetBlock {
        error_pages,
        intercepts_errors: server.intercepts_errors.or(snippet.intercepts_errors),
        sub_filter: server.sub_filter.over(&snippet.sub_filter),
        limits: server.limits.within(&snippet.limits),
        ..server.clone()
    }
}
