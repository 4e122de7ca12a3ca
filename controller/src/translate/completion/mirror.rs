//! A mirror, as the gateway's configuration has it.

use super::Completer;
use crate::annotation::MirrorSettings;
use gateway::config::{Mirror, Piece, Template, Variable};
use std::sync::Arc;

impl Completer<'_> {
    /// The server that gets copies of requests.
    pub(super) fn mirror(&mut self) -> Option<Mirror> {
        let MirrorSettings { url, host, sends_body } = std::mem::take(&mut self.settings.mirror);
        let url = url?;
        let field = self.scene.written.origin("mirror-target").field;
        Some(Mirror {
            backend: self.named.url_backend(&url, field, self.scene.lookup),
            share: None,
            tls_settings: None,
            http2: false,
            tls: url.tls,
            server_name: url.host.clone(),
            // ingress-nginx would send all copies to a path of its own, which no mirror knows.
            target: url.target.unwrap_or_else(|| Template([Piece::Variable(Variable::RequestUri)].into())),
            host: host.unwrap_or_else(|| Template([Piece::Literal(host_header(&url.host))].into())),
            sends_body,
            mark: Arc::clone(&self.scene.mark),
        })
    }
}

/// As ingress-nginx's: without the port.
fn host_header(host: &Arc<str>) -> Arc<str> {
    if host.contains(':') { format!("[{host}]").into() } else { Arc::clone(host) }
}
