//! An echo server for demonstrations: answers every request with what it received. `echo --name NAME --listen ADDRESS`.

use anyhow::{Context, Result, bail};
use std::sync::Arc;
use tests::echo::{Identity, Journal, Speaks, serve};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name_flag, name, listen_flag, address] = arguments.as_slice() else { bail!(USAGE) };
    if (name_flag.as_str(), listen_flag.as_str()) != ("--name", "--listen") {
        bail!(USAGE);
    }
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let identity = Identity { service: name.clone(), pod: format!("{name}-0") };
    serve(listener, Speaks::Http, identity, Arc::new(Journal::default()))?;
    std::future::pending().await
}

const USAGE: &str = "usage: echo --name NAME --listen ADDRESS";
