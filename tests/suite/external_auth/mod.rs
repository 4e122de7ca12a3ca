//! The filter `ExternalAuth`: what cases cannot show.

mod grpc;
mod http;
mod server;
mod tls;

use anyhow::Result;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tests::adit::slice;
use tests::client::Response;
use tests::connection::Connection;
use tests::objects;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A route for the host `h`, whose requests the server `auth` authorizes, with this protocol and these fields of the filter.
fn route(protocol: &str, fields: &Value, backend: SocketAddr, auth: SocketAddr) -> Vec<Value> {
    let mut asked = json!({"protocol": protocol, "backendRef": {"name": "auth", "port": 80}});
    fields.as_object().into_iter().flatten().for_each(|(name, value)| asked[name] = value.clone());
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "route"},
        "spec": {"parentRefs": [{"name": "edge"}], "hostnames": ["h"], "rules": [{
            "filters": [{"type": "ExternalAuth", "externalAuth": asked}],
            "backendRefs": [{"name": "backend", "port": 80}],
        }]},
    });
    let [class, gateway] = objects::gateway(&json!([{"name": "http", "port": 80, "protocol": "HTTP"}]));
    let servers = [objects::backend(), slice("backend", 0, backend), objects::auth_service(), slice("auth", 0, auth)];
    [class, gateway, route].into_iter().chain(servers).collect()
}

async fn ask(connection: &mut Connection, request: &str) -> Result<Response> {
    connection.send(request).await?;
    connection.response("POST").await
}
