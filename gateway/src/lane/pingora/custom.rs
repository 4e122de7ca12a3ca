//! A proxy of Pingora's whose connections to endpoints are ours.
//!
//! Pingora 0.9.1 makes one only inside of a service, and shows it only to who handles a connection to that service. So one
//! is run on the loopback for as long as it takes to be connected to once.

use super::endpoint::Endpoints;
use super::proxy::Proxy;
use parking_lot::Mutex;
use pingora_core::apps::HttpServerOptions;
use pingora_core::server::Fds;
use pingora_core::server::configuration::ServerConf;
use pingora_core::services::Service as _;
use pingora_proxy::{HttpProxy, ProxyServiceBuilder};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::thread;
use tokio::sync::{mpsc, watch};

/// Pingora's proxy with our hooks and our connections.
pub(super) type EndpointProxy = HttpProxy<Proxy, Endpoints>;

/// Makes a proxy.
///
/// # Errors
/// If there is no loopback, or no thread.
pub(super) fn proxy(conf: Arc<ServerConf>, hooks: Proxy) -> io::Result<Arc<EndpointProxy>> {
    let make =
        move || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run_once(conf, hooks));
    let made = thread::Builder::new().name("proxy".to_owned()).spawn(make)?.join();
    made.unwrap_or_else(|_| Err(io::Error::other("Pingora's service panicked")))
}

async fn run_once(conf: Arc<ServerConf>, hooks: Proxy) -> io::Result<Arc<EndpointProxy>> {
    let loopback: [SocketAddr; 2] = [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
    let listener = TcpListener::bind(&loopback[..])?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _connection = TcpStream::connect(address)?;
    let mut sockets = Fds::new();
    sockets.add(address.to_string(), listener.into_raw_fd());

    let (made, mut proxies) = mpsc::unbounded_channel();
    let handler = Arc::new(move |proxy: Arc<EndpointProxy>, _, _: &watch::Receiver<bool>| {
        let _ = made.send(proxy);
        Box::pin(std::future::ready(None)) as _
    });
    let mut options = HttpServerOptions::default();
    options.force_custom = true;
    let builder = ProxyServiceBuilder::new(&conf, hooks).custom(Endpoints, handler).server_options(options);
    let mut service = builder.build();
    service.add_tcp(&address.to_string());
    let (_stop, stopped) = watch::channel(false);
    tokio::select! {
        proxy = proxies.recv() => proxy.ok_or_else(|| io::ErrorKind::BrokenPipe.into()),
        () = service.start_service(Some(Arc::new(Mutex::new(sockets))), stopped, 1) => Err(io::ErrorKind::BrokenPipe.into()),
    }
}
