//! A worker's thread, from its sockets to its last connection.

use super::accept::accept;
use super::bind::Listener;
use super::handshake::HandshakeLimits;
use super::opened::{self, Opened};
use super::worker::Worker;
use crate::buffer::TempSpace;
use crate::connection::limits::ClientLimiter;
use crate::connection::{Controls, Stage};
use crate::exchange::Context;
use crate::table::Publisher;
use crate::{telemetry, worker};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often log lines leave the worker, at the latest.
const FLUSH: Duration = Duration::from_millis(250);

/// What a worker starts with.
pub(super) struct Start {
    pub(super) number: usize,
    pub(super) listeners: Vec<Listener>,
    /// The sockets of ports that are opened at run time, as they come.
    pub(super) opened: mpsc::UnboundedReceiver<Opened>,
    pub(super) handshakes: HandshakeLimits,
    pub(super) publisher: Arc<Publisher>,
    pub(super) telemetry: telemetry::Worker,
    pub(super) clients: Arc<ClientLimiter>,
    pub(super) controls: Controls,
    pub(super) temp_space: Arc<TempSpace>,
}

/// A worker's life, from its sockets to its last connection.
pub(super) fn run(start: Start) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "a worker cannot start its runtime"),
    };
    runtime.block_on(serve(start));
}

async fn serve(start: Start) {
    let Start { number, listeners, opened, handshakes, publisher, telemetry, clients, controls, temp_space } = start;
    let context = Context::new(publisher, telemetry).with_shutdown(controls.shutdown()).with_temp_space(temp_space);
    let context = Arc::new(context);
    let shared = worker::Worker::new(number, context, clients, controls.clone());
    let worker = match Worker::new(shared, handshakes) {
        Ok(worker) => Arc::new(worker),
        Err(error) => return tracing::error!(%error, "a worker cannot make its proxy"),
    };
    tokio::spawn(worker.deadlines.clone().sweep());
    tokio::spawn(flush(worker.clone()));
    tokio::spawn(opened::follow(opened, worker.clone()));
    for Listener { socket, port } in listeners {
        match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => drop(tokio::spawn(accept(socket, port, pending(), worker.clone(), controls.count()))),
            Err(error) => tracing::error!(%error, "a worker cannot take its listener"),
        }
    }
    for stage in [Stage::Draining, Stage::Closing] {
        controls.reached(stage).await;
        worker.deadlines.reach(stage);
    }
    controls.reached(Stage::Stopped).await;
    worker.context.telemetry().flush();
}

async fn flush(worker: Arc<Worker>) {
    let mut ticks = tokio::time::interval(FLUSH);
    loop {
        ticks.tick().await;
        worker.context.telemetry().flush();
    }
}
