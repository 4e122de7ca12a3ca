//! Backends that do what a test tells them, for what [`crate::echo`] is too well-behaved to do.

use crate::connection::Connection;
use anyhow::Result;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpSocket};

/// Starts a backend that runs `script` on each connection, with its number from 1, until its runtime ends.
///
/// # Errors
/// If a port cannot be had.
pub async fn scripted<S, F>(script: S) -> Result<SocketAddr>
where
    S: Fn(usize, Connection) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        for number in 1.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let Ok(connection) = Connection::new(stream) else { continue };
            // What a script expects in vain shows at the client.
            tokio::spawn(script(number, connection));
        }
    });
    Ok(address)
}

/// Starts a backend that gives every request the same answer, byte for byte.
///
/// # Errors
/// As [`scripted`].
pub async fn answering(answer: &'static str) -> Result<SocketAddr> {
    scripted(move |_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            connection.request_body(&head).await?;
            connection.send(answer).await?;
        }
        Ok(())
    })
    .await
}

/// A port that is taken and refuses every connection, for as long as the socket lives.
///
/// # Errors
/// As [`scripted`].
pub fn refusing() -> Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}
