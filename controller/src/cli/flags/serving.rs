//! The flags about sockets, threads and shutdown.

use super::flag::{Flag, Shape};
use crate::registry::ValueError;
use std::net::{IpAddr, SocketAddr};

const PORT: &str = "a port: expected 0 to 65535";

pub(super) const FLAGS: &[Flag] = &[
    Flag::full(
        "http-port",
        Shape::Value("PORT"),
        "80",
        "TCP port for HTTP, from 0 to 65535. With 0 the system chooses one",
        |values, settings| {
            settings.serve.http_port = values.port()?;
            settings.controller.own_ports.http = settings.serve.http_port;
            Ok(())
        },
    ),
    Flag::full(
        "https-port",
        Shape::Value("PORT"),
        "443",
        "TCP port for HTTPS, from 0 to 65535. With 0 the system chooses one",
        |values, settings| {
            settings.serve.https_port = values.port()?;
            settings.controller.own_ports.https = settings.serve.https_port;
            settings.controller.https_port = settings.serve.https_port;
            Ok(())
        },
    ),
    Flag::full(
        "bind-address",
        Shape::Value("IP"),
        "",
        "IP address to listen on, for HTTP, HTTPS, and TCP and UDP services. Without this flag all addresses of the \
         machine, with IPv6 if it has that",
        |values, settings| {
            settings.serve.bind_address = values.address()?;
            Ok(())
        },
    ),
    Flag::full(
        "advertised-http-port",
        Shape::Value("PORT"),
        "",
        "Port that clients connect to for HTTP, if it is not --http-port, such as that of a load balancer. Used in \
         redirects and in X-Forwarded-Port. Without this flag --http-port",
        |values, settings| {
            settings.serve.advertised_http_port = values.parse_unless_empty(PORT)?;
            Ok(())
        },
    ),
    Flag::full(
        "advertised-https-port",
        Shape::Value("PORT"),
        "",
        "Port that clients connect to for HTTPS, such as that of a load balancer. Used in X-Forwarded-Port, without this \
         flag 443, whatever --https-port is; and in redirects that name the port, without this flag --https-port",
        |values, settings| {
            settings.serve.advertised_https_port = values.parse_unless_empty(PORT)?;
            // It comes after --https-port, and wins.
            settings.controller.https_port =
                settings.serve.advertised_https_port.unwrap_or(settings.controller.https_port);
            Ok(())
        },
    ),
    Flag::full(
        "workers",
        Shape::Value("COUNT"),
        "",
        "Number of worker threads, which serve requests; at least 1. It overrides the ConfigMap's worker-processes. \
         Without both, the CPU quota of the container, or else the number of CPUs",
        |values, settings| {
            settings.serve.workers = values.parse_unless_empty("a number of threads: expected 1 or more")?;
            Ok(())
        },
    ),
    Flag::full(
        "dns-server",
        Shape::Repeated("IP[:PORT]"),
        "",
        "DNS server that resolves the names of Services of type ExternalName; the default port is 53. Without this \
         flag the servers of the system",
        |values, settings| {
            settings.serve.dns_servers = values.all().map(dns_server).collect::<Result<_, _>>()?;
            Ok(())
        },
    ),
    Flag::full(
        "shutdown-grace-period",
        Shape::Value("DURATION"),
        "15s",
        "How long new connections are accepted after SIGTERM. It replaces a preStop hook that sleeps",
        |values, settings| {
            settings.serve.shutdown_grace = values.duration()?;
            Ok(())
        },
    ),
    Flag::full(
        "temp-path",
        Shape::Value("DIRECTORY"),
        "",
        "Directory for temporary files, which hold bodies that are buffered and do not fit into memory. They have no names, so \
         that nothing is left of them when the process ends; the ConfigMap's max-temp-files-size limits them. Without this \
         flag that of the environment variable TMPDIR, or else /tmp. Adit's own",
        |values, settings| {
            settings.serve.temp_path = values.last_unless_empty().map(Into::into);
            Ok(())
        },
    ),
];

/// An address with a port, or without: DNS listens on 53.
fn dns_server(text: &str) -> Result<SocketAddr, ValueError> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)))
        .map_err(|_| "is not a DNS server: expected a form such as 10.96.0.10, 10.96.0.10:53 or [::1]:53".into())
}
