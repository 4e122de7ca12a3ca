use super::request::Request;
use gateway::table::Table;

/// The listener that a request comes to: a sentence.
pub(super) fn sentence(table: &Table, request: &Request) -> String {
    let settings = table.settings();
    let is_led_on = request.tls && table.tls_route(request.entry_point(table), &request.server_name).is_some();
    let protocol = match (request.tls, settings.http2.enabled) {
        (false, true) => "HTTP/1.1, or HTTP/2 where the client begins with it",
        (false, false) => "HTTP/1.1",
        (true, _) if is_led_on => "the name in the handshake leads on",
        (true, true) => "TLS ends here, and the client chooses HTTP/2 or HTTP/1.1",
        (true, false) => "TLS ends here, HTTP/1.1",
    };
    let (scheme, usual) = if request.tls { ("HTTPS", 443) } else { ("plain HTTP", 80) };
    let port = match request.own_port(table) {
        Some(port) => format!("port {} ({})", port.advertised, port.origin),
        None => format!("usually port {usual}"),
    };
    let proxied = if settings.forwarded.proxy_protocol { "; connections begin with the PROXY protocol" } else { "" };
    format!("{scheme}, {port}: {protocol}{proxied}")
}
