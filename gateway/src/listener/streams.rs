//! The ports of TCP and UDP services on a worker.

use super::accept::accept_until;
use crate::config::StreamProtocol;
use crate::connection::{ConnectionGuard, Stage};
use crate::l4::{Session, tcp, udp};
use crate::worker::Worker;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use tokio::net;
use tokio::sync::{mpsc, watch};

/// One worker's socket of a port.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) socket: StreamSocket,
    pub(super) port: u16,
    /// Nothing is ever sent: when the sender is dropped, the port is closed.
    pub(super) closed: watch::Receiver<()>,
}

/// A socket that listens.
#[derive(Debug)]
pub(super) enum StreamSocket {
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
        StreamSocket::Tcp(listener) => {
            let listener = net::TcpListener::from_std(listener)?;
            tokio::spawn(accept(listener, port, closed, worker, listening));
        }
        StreamSocket::Udp(socket) => {
            let socket = net::UdpSocket::from_std(socket)?;
            tokio::spawn(udp::serve(socket, port, closed, worker, listening));
        }
    }
    Ok(())
}

async fn accept(
    listener: net::TcpListener,
    port: u16,
    closed: impl Future<Output = ()>,
    worker: Arc<Worker>,
    listening: ConnectionGuard,
) {
    let controls = worker.controls.clone();
    let ending = async {
        tokio::select! {
            () = closed => {}
            () = controls.reached(Stage::Draining) => {}
        }
    };
    accept_until(listener, listening, ending, |tcp, addresses| {
        if let Some(session) = Session::begin(&worker, StreamProtocol::Tcp, port, addresses) {
            tokio::spawn(tcp::serve(tcp, session));
        }
    })
    .await;
}
