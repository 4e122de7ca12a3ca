//! Where and how the gateway listens.

use crate::settings::ServeSettings;
use gateway::buffer::TempSpace;
use gateway::listener::{HandshakeLimits, ListenSettings};
use gateway::table::Publisher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::Arc;

/// Clients of HTTPS are told to have come to this port, wherever Adit listens: as in ingress-nginx, whose containers may
/// not use low ports.
const HTTPS_PORT: u16 = 443;

pub(super) fn listen_settings(serve: &ServeSettings, publisher: &Publisher) -> ListenSettings {
    let settings = publisher.load().settings().clone();
    let address = serve.bind_address.unwrap_or_else(|| any_address(settings.ipv6));
    ListenSettings {
        http: vec![SocketAddr::new(address, serve.http_port)],
        advertised_http_port: serve.advertised_http_port,
        https: vec![SocketAddr::new(address, serve.https_port)],
        advertised_https_port: serve.advertised_https_port.or(Some(HTTPS_PORT)),
        handshakes: HandshakeLimits::default(),
        workers: serve.workers.map(NonZero::get).or(settings.worker_processes).unwrap_or_else(available_cores),
        temp_space: Arc::new(temp_space(serve)),
    }
}

/// The room for temporary files. Only bodies that need one fail without it, so it is no reason not to start.
fn temp_space(serve: &ServeSettings) -> TempSpace {
    let folder = serve.temp_path.clone().unwrap_or_else(std::env::temp_dir);
    let shown = folder.display().to_string();
    let space = TempSpace::new(folder);
    if let Err(error) = space.check() {
        tracing::error!(
            %error, folder = shown,
            "--temp-path: no files can be made there: requests are answered with 500 whose bodies are larger than \
             client-body-buffer-size, unless proxy-request-buffering is off"
        );
    }
    space
}

/// Every address of the machine: IPv4, and IPv6 where it is wanted and there.
pub(super) fn any_address(ipv6: bool) -> IpAddr {
    if ipv6 && TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok() {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    }
}

/// The cgroup's CPU quota, else the cores: the standard library knows both.
fn available_cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
