//! TLS to backends: the name that they are sent.

use super::context::Context;
use super::entry::{Call, Entry, HTTP_SERVER_LOCATION, LOCATION, set_once};
use super::refused::BACKEND_TLS;
use crate::route_defaults::{ServerUrl, SnippetServerName};
use gateway::config::HostName;
use std::sync::Arc;

const SUITES: &str = "Adit offers backends all that it knows; the annotation proxy-ssl-ciphers chooses among them";
const SESSIONS: &str = "Adit decides when a TLS session is resumed";

pub(super) const DIRECTIVES: &[Entry] = &[
    Entry::works(
        "proxy_ssl_name",
        LOCATION,
        1..=1,
        "The name that `proxy_ssl_server_name on` sends to backends with TLS (SNI), in place of that of the annotation. A host name, or \
         `$host`: that of the rule, or its alias; where that is no exact name, none is sent. Other variables are refused. With \
         `proxy-ssl-verify` the certificate has to be for the annotation's name, in ingress-nginx for this one.",
        |call| {
            let name = name(call)?;
            set_once(&mut call.block.proxy_server_name.name, name)
        },
    )
    .but_refused_elsewhere(BACKEND_TLS),
    Entry::works(
        "proxy_ssl_server_name",
        LOCATION,
        1..=1,
        "Sends the name of `proxy_ssl_name`: `on` or `off`. Without a name there nginx sends `upstream_balancer`, and Adit none.",
        |call| {
            let is_sent = call.switch()?;
            set_once(&mut call.block.proxy_server_name.is_sent, is_sent)
        },
    )
    .but_refused_elsewhere(BACKEND_TLS),
    Entry::works("grpc_ssl_name", LOCATION, 1..=1, "As `proxy_ssl_name`, for backends of gRPC.", |call| {
        let name = name(call)?;
        set_once(&mut call.block.grpc_server_name.name, name)
    })
    .but_refused_elsewhere(BACKEND_TLS),
    Entry::works("grpc_ssl_server_name", LOCATION, 1..=1, "As `proxy_ssl_server_name`, for backends of gRPC.", |call| {
        let is_sent = call.switch()?;
        set_once(&mut call.block.grpc_server_name.is_sent, is_sent)
    })
    .but_refused_elsewhere(BACKEND_TLS),
    Entry::idle("proxy_ssl_ciphers", HTTP_SERVER_LOCATION, SUITES),
    Entry::idle("grpc_ssl_ciphers", HTTP_SERVER_LOCATION, SUITES),
    Entry::idle("proxy_ssl_session_reuse", HTTP_SERVER_LOCATION, SESSIONS),
    Entry::idle("grpc_ssl_session_reuse", HTTP_SERVER_LOCATION, SESSIONS),
];

/// The name of a server. That of the request's host is known for the paths of Ingresses.
fn name(call: &Call<'_>) -> Result<Arc<str>, String> {
    match (call.argument(0), HostName::parse(call.argument(0))) {
        (ServerUrl::HOST, _) if call.context == Context::Location => Ok(ServerUrl::HOST.into()),
        (_, Ok(HostName::Exact(name))) => Ok(name),
        _ => Err("is not valid: expected a host name, or \"$host\" in a configuration-snippet".into()),
    }
}

impl SnippetServerName {
    /// The name that is sent, if one is.
    pub(super) fn sent(&self) -> Option<&Arc<str>> {
        self.name.as_ref().filter(|_| self.is_sent == Some(true))
    }
}
