//! Which proxies and headers are trusted to tell who the client is.

use super::builder::ConfigBuilder;
use super::entry::Key;
use crate::registry::{Value, ValueError, header_name, parse_network, settable_header};

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "use-forwarded-headers",
        "false",
        "Trusts the `X-Forwarded-*` headers of requests. The headers for host, port and scheme are believed from every client; \
         `forwarded-for-header`, for the client address, only if the connection comes from `proxy-real-ip-cidr`. Boolean. With \
         false these headers are ignored, and backends get new ones.",
        |value, draft| {
            draft.config.gateway.forwarded.trust_headers = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "enable-real-ip",
        "false",
        "Takes the client address from `forwarded-for-header`, if the connection comes from `proxy-real-ip-cidr`. \
         Boolean. With false, and without `use-forwarded-headers`, it is the address of the connection. With \
         `use-proxy-protocol` it has no effect: the PROXY header has the address.",
        |value, draft| {
            draft.config.gateway.forwarded.real_ip = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "compute-full-forwarded-for",
        "false",
        "Sends backends the whole `X-Forwarded-For` of the request, with the address of the connection appended. \
         Boolean. With false, or without `use-forwarded-headers`, they get the client address only.",
        |value, draft| {
            draft.config.gateway.forwarded.full_chain = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "forwarded-for-header",
        "X-Forwarded-For",
        "Names the request header that holds the client address. The addresses in it are read from the last to the \
         first; the first one that is not in `proxy-real-ip-cidr` is the client's.",
        |value, draft| {
            draft.config.gateway.forwarded.header = header_name(value.text())?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-real-ip-cidr",
        "0.0.0.0/0",
        "Names the proxies that are trusted to tell the client address, by header or by PROXY protocol. IP addresses \
         and networks, separated by commas.",
        trusted,
    )
    .but("At the start an invalid entry is left out. If all are invalid, no proxy is trusted."),
    Key::full(
        "forwarded-host-header",
        "X-Forwarded-Host",
        "Names the request header that backends get as `X-Original-Forwarded-Host`. The host that the client asked for is \
         always taken from `X-Forwarded-Host`, with `use-forwarded-headers`.",
        |value, draft| {
            draft.config.gateway.forwarded.host_header = header_name(value.text())?;
            Ok(())
        },
    ),
    Key::full(
        "forwarded-for-proxy-protocol-header",
        "X-Forwarded-For-Proxy-Protocol",
        "Names a header that backends get in addition while both `use-forwarded-headers` and `use-proxy-protocol` are true: it \
         tells what the client address was taken from. If the address in the PROXY header is one of `proxy-real-ip-cidr`, that \
         is the received `forwarded-for-header`; otherwise it is the address in the PROXY header. The name of a header.",
        |value, draft| {
            draft.config.gateway.forwarded.proxy_protocol_header = settable_header(value.text())?;
            Ok(())
        },
    )
    .but("Only backends get it: variables and auth servers do not have it."),
    Key::full(
        "use-proxy-protocol",
        "false",
        "Requires a PROXY header, version 1 or 2, at the beginning of each connection to the ports for HTTP and \
         HTTPS. Boolean. Its addresses are used if the connection comes from `proxy-real-ip-cidr`. A connection \
         without a valid one is closed.",
        |value, draft| {
            draft.config.gateway.forwarded.proxy_protocol = value.bool()?;
            Ok(())
        },
    )
    .but(
        "The destination port in it is used only if the connection comes from `proxy-real-ip-cidr`; \
         ingress-nginx always uses it.",
    ),
    Key::full(
        "proxy-protocol-header-timeout",
        "5s",
        "Sets how long a client may take to send the PROXY header. Time above 0. Then the connection is closed.",
        |value, draft| {
            draft.config.gateway.forwarded.proxy_header_timeout = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-add-original-uri-header",
        "false",
        "Sends backends the path and query of the client's request in `X-Original-URI`, as they were before rewrites. \
         Boolean. With false a client's own header of that name is passed on.",
        |value, draft| {
            draft.config.gateway.forwarded.original_uri = value.bool()?;
            Ok(())
        },
    ),
];

fn trusted(value: Value<'_>, draft: &mut ConfigBuilder) -> Result<(), ValueError> {
    let (mut networks, mut wrong) = (Vec::new(), Vec::new());
    for text in value.list() {
        match parse_network(text) {
            Some(network) => networks.push(network),
            None => wrong.push(format!("contains {text:?}, which is not an IP address or network such as 10.0.0.0/8")),
        }
    }
    draft.config.gateway.forwarded.trusted = networks.into();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(ValueError::Replaced { wrong: wrong.join("; ").into(), by: "the rest of the list" })
}
