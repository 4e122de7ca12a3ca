//! The ports that are opened at run time, on a worker: for HTTP and HTTPS, and those of TCP and UDP services.

use super::accept::{accept, accept_until, closes_alone};
use super::bind::Listener;
use super::worker::Worker;
use crate::config::StreamProtocol;
use crate::connection::ConnectionGuard;
use crate::l4::{Session, tcp, udp};
use crate::worker;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use tokio::net;
use tokio::sync::{mpsc, watch};

/// One worker's socket of a port.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) socket: OpenedSocket,
    pub(super) port: u16,
    /// Nothing is ever sent: when the sender is dropped, the port is closed.
    pub(super) closed: watch::Receiver<()>,
}

/// A socket that listens.
#[derive(Debug)]
pub(super) enum OpenedSocket {
    Http(Listener),
    Tcp(TcpListener),
    Udp(UdpSocket),
}

/// Serves the sockets that are opened, each until it is closed or the worker drains.
pub(super) async fn follow(mut opened: mpsc::UnboundedReceiver<Opened>, worker: Arc<Worker>) {
    while let Some(opened) = opened.recv().await {
        let port = opened.port;
        if let Err(error) = serve(opened, worker.clone()) {
            tracing::error!(%error, port, "a worker cannot take its socket");
        }
    }
}

fn serve(opened: Opened, worker: Arc<Worker>) -> io::Result<()> {
    let Opened { socket, port, mut closed } = opened;
    let closed = async move { while closed.changed().await.is_ok() {} };
    let listening = worker.controls.count();
    match socket {
        OpenedSocket::Http(Listener { socket, port }) => {
            let listener = net::TcpListener::from_std(socket)?;
            tokio::spawn(accept(listener, port, closed, worker, listening));
        }
        OpenedSocket::Tcp(listener) => {
            let listener = net::TcpListener::from_std(listener)?;
            tokio::spawn(accept_sessions(listener, port, closed, worker.shared.clone(), listening));
        }
        OpenedSocket::Udp(socket) => {
            let socket = net::UdpSocket::from_std(socket)?;
            tokio::spawn(udp::serve(socket, port, closed, worker.shared.clone(), listening));
        }
    }
    Ok(())
}

async fn accept_sessions(
    listener: net::TcpListener,
    port: u16,
    closed: impl Future<Output = ()>,
    worker: Arc<worker::Worker>,
    listening: ConnectionGuard,
) {
    let controls = worker.controls.clone();
    let end = async {
        let _ = closes_alone(closed, &controls).await;
    };
    accept_until(listener, listening, end, |tcp, addresses| {
        if let Some(session) = Session::begin(&worker, StreamProtocol::Tcp, port, addresses) {
            tokio::spawn(tcp::serve(tcp, session));
        }
    })
    .await;
}
