//! The echo server of demonstrations and of the cluster's tests, see `tests::echo_server`; `echo --help` says how it is
//! used.

use anyhow::{Context, Result};
use clap::Parser;
use std::io::{Write, stdout};
use tests::echo_server::{Arguments, Pod, Server};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // Before anything listens, so that nobody can be too early.
    let mut terminate = signal(SignalKind::terminate())?;
    let server = Server::start(&arguments, Pod::from_environment(|name| std::env::var(name).ok())).await?;
    for (protocol, address) in server.listening() {
        writeln!(stdout(), "{protocol} {address}")?;
    }
    terminate.recv().await.context("signals have ended")?;
    writeln!(stdout(), "ending")?;
    server.end(arguments.grace).await;
    Ok(())
}
