//! WebSockets, gRPC streams, TCP sessions and TLS that is passed through, at the end.

use super::{SHORT, refused, serve};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use tests::lasting::{Backends, Open};
use tests::ports::free_port;
use tests::process::Process;
use tokio::net::TcpStream;

/// A process that is told to end, one connection of each kind through it, and the ports of TLS and of its TCP service.
async fn ending(config: &Value) -> Result<(Process, Open, [u16; 2])> {
    let port = free_port();
    let objects = Backends::start().await?.objects(port, 0, config)?;
    let arguments = [SHORT, "--enable-ssl-passthrough", "--tcp-services-configmap=adit/tcp"];
    let mut adit = serve(&arguments, &objects).await?;
    let mut open = Open::all(adit.https, port).await?;
    open.carry("before").await?;
    adit.terminate().await?;
    let ports = [adit.https.port(), port];
    Ok((adit, open, ports))
}

#[tokio::test]
async fn they_go_on_and_nothing_new_begins() -> Result<()> {
    let (mut adit, mut open, ports) = ending(&json!({})).await?;
    for port in ports {
        refused((Ipv4Addr::LOCALHOST, port).into()).await?;
    }
    for text in ["after", "the grace period"] {
        open.carry(text).await?;
        ensure!(TcpStream::connect((Ipv4Addr::LOCALHOST, ports[1])).await.is_err(), "a new session");
    }
    assert!(!adit.has_ended()?, "it waits for them");
    drop(open);
    adit.says("ended").await?;
    assert!(adit.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn they_are_cut_off_when_their_time_is_over() -> Result<()> {
    // Whether the ports are closed is not asked: who asks has a connection, too.
    let (mut adit, open, _) = ending(&json!({"worker-shutdown-timeout": "500ms"})).await?;
    let told = adit.says("connections still open").await?;
    ensure!(told.contains("cut_off=4"), "{told}");
    open.cut_off().await?;
    assert!(adit.ended().await?.success());
    Ok(())
}
