//! Whom to believe about the client.

use super::builder::ConfigBuilder;
use super::entry::Key;
use super::error::KeyError;
use super::headers::header_name;
use super::value::Value;
use crate::diagnostic::Severity;
use ipnet::IpNet;
use std::net::IpAddr;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "use-forwarded-headers",
        "false",
        "The client's address, host, port and scheme are what `X-Forwarded-*` headers say. Boolean.",
        |value, draft| {
            draft.config.gateway.forwarded.trust_headers = value.bool()?;
            Ok(())
        },
    ),
    Key::full("enable-real-ip", "false", "The client's address is what the header says. Boolean.", |value, draft| {
        draft.config.gateway.forwarded.real_ip = value.bool()?;
        Ok(())
    }),
    Key::full("compute-full-forwarded-for", "false", "`X-Forwarded-For` is appended to. Boolean.", |value, draft| {
        draft.config.gateway.forwarded.full_chain = value.bool()?;
        Ok(())
    }),
    Key::full("forwarded-for-header", "X-Forwarded-For", "The header with the client's address.", |value, draft| {
        draft.config.gateway.forwarded.header = header_name(value.text())?;
        Ok(())
    }),
    Key::full(
        "proxy-real-ip-cidr",
        "0.0.0.0/0",
        "The addresses and networks that are believed about the client, separated by commas.",
        trusted,
    )
    .but("Where an entry is invalid the valid ones count, and none if there is none: nobody is believed by mistake."),
    Key::planned("forwarded-host-header", "X-Forwarded-Host", "The header with the client's host."),
    Key::planned(
        "forwarded-for-proxy-protocol-header",
        "X-Forwarded-For-Proxy-Protocol",
        "The header with the address from the PROXY protocol.",
    ),
    Key::full(
        "use-proxy-protocol",
        "false",
        "Connections for HTTP and HTTPS begin with a PROXY header, version 1 or 2, believed from `proxy-real-ip-cidr`. Boolean.",
        |value, draft| {
            draft.config.gateway.forwarded.proxy_protocol = value.bool()?;
            Ok(())
        },
    )
    .but("Its destination port, too, is believed from `proxy-real-ip-cidr` only: ingress-nginx takes it from anybody."),
    Key::full("proxy-protocol-header-timeout", "5s", "Time for the PROXY header.", |value, draft| {
        draft.config.gateway.forwarded.proxy_header_timeout = value.positive_time()?;
        Ok(())
    }),
    Key::planned("proxy-add-original-uri-header", "false", "Backends get `X-Original-URI`. Boolean."),
];

fn trusted(value: Value<'_>, draft: &mut ConfigBuilder<'_>) -> Result<(), KeyError> {
    let mut networks = Vec::new();
    for text in value.list() {
        match text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => networks.push(network),
            Err(_) => draft.complain(
                Severity::Error,
                format!("has {text:?}, which is not an IP address or network such as 10.0.0.0/8; it is left out"),
            ),
        }
    }
    draft.config.gateway.forwarded.trusted = networks.into();
    Ok(())
}
