//! UDP services at the end.

use super::{SHORT, refused, serve};
use anyhow::{Context, Result};
use serde_json::json;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tests::adit::documents;
use tests::connection::PATIENCE;
use tests::objects::config_map;
use tests::ports::free_port;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// A UDP service at this endpoint, on this port.
fn objects(port: u16, endpoint: SocketAddr) -> String {
    documents([
        config_map("udp", &json!({port.to_string(): "default/dns:53"})),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "dns"},
            "spec": {"ports": [{"port": 53, "protocol": "UDP"}]},
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "dns-1", "labels": {"kubernetes.io/service-name": "dns"}},
            "addressType": "IPv4", "endpoints": [{"addresses": [endpoint.ip()]}],
            "ports": [{"port": endpoint.port(), "protocol": "UDP"}],
        }),
    ])
}

async fn client(port: u16) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect((Ipv4Addr::LOCALHOST, port)).await?;
    Ok(socket)
}

/// Whether a new client hears that nobody is there.
async fn is_refused(port: u16) -> Result<bool> {
    let client = client(port).await?;
    client.send(b"anybody?").await?;
    // On the loopback the answer to that is there at once.
    Ok(client.send(b"?").await.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

#[tokio::test]
async fn a_session_gets_its_answer_when_the_port_is_closed_already() -> Result<()> {
    let endpoint = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = free_port();
    let arguments = [SHORT, "--udp-services-configmap=adit/udp"];
    let mut adit = serve(&arguments, &objects(port, endpoint.local_addr()?)).await?;
    adit.says("a port is open").await?;
    let client = client(port).await?;
    client.send(b"question").await?;
    let mut datagram = [0; 16];
    let (_, session) = timeout(PATIENCE, endpoint.recv_from(&mut datagram)).await.context("no question")??;
    adit.terminate().await?;
    refused(adit.http).await?;
    // Others hear that nobody is there, as nobody does whose datagrams an open port swallows.
    let closed = async {
        while !is_refused(port).await? {}
        anyhow::Ok(())
    };
    timeout(PATIENCE, closed).await.context("the port swallows datagrams")??;
    endpoint.send_to(b"answer", session).await?;
    let length = timeout(PATIENCE, client.recv(&mut datagram)).await.context("no answer")??;
    assert_eq!(&datagram[..length], b"answer");
    assert!(adit.ended().await?.success());
    Ok(())
}
