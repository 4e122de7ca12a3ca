use gateway::config::EntryPoint;
use gateway::table::Table;

/// The listener that a request comes to: a sentence.
pub(super) fn sentence(table: &Table, tls: bool, host: &str) -> String {
    let settings = table.settings();
    let protocol = match (tls, settings.http2.enabled) {
        (false, true) => "plain HTTP, usually port 80: HTTP/1.1, or HTTP/2 where the client begins with it",
        (false, false) => "plain HTTP, usually port 80: HTTP/1.1",
        (true, _) if table.passthrough(EntryPoint::Https, host).is_some() => {
            "HTTPS, usually port 443: the name in the handshake leads on"
        }
        (true, true) => "HTTPS, usually port 443: TLS ends here, and the client chooses HTTP/2 or HTTP/1.1",
        (true, false) => "HTTPS, usually port 443: TLS ends here, HTTP/1.1",
    };
    let proxied = if settings.forwarded.proxy_protocol { "; connections begin with the PROXY protocol" } else { "" };
    format!("{protocol}{proxied}")
}
