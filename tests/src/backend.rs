//! Backends that do what a test tells them, for what [`crate::echo`] is too well-behaved to do.

use crate::connection::Connection;
use crate::tls_server;
use anyhow::Result;
use parking_lot::Mutex;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// The methods of the requests that a backend has seen.
pub type Methods = Arc<Mutex<Vec<String>>>;

/// Starts a backend that runs `script` on each connection, with its number from 1, until its runtime ends.
///
/// # Errors
/// If a port cannot be had.
pub async fn scripted<S, F>(script: S) -> Result<SocketAddr>
where
    S: Fn(usize, Connection) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    accept(move |number, stream| script(number, Connection::over(Box::new(stream), None))).await
}

/// The same over TLS. A connection that is dropped ends without TLS's farewell.
///
/// # Errors
/// As [`scripted`], or if there is no certificate.
pub async fn scripted_tls<S, F>(script: S) -> Result<SocketAddr>
where
    S: Fn(usize, Connection) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let acceptor = tls_server::acceptor(&["http/1.1"])?;
    accept(move |number, stream| {
        let (acceptor, script) = (acceptor.clone(), script.clone());
        async move { script(number, Connection::over(Box::new(acceptor.accept(stream).await?), None)).await }
    })
    .await
}

/// Starts a backend that does `serve` with each connection, with its number from 1, until its runtime ends.
///
/// # Errors
/// As [`scripted`].
pub async fn accept<S, F>(serve: S) -> Result<SocketAddr>
where
    S: Fn(usize, TcpStream) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        for number in 1.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let _ = stream.set_nodelay(true);
            // What a script expects in vain shows at the client.
            tokio::spawn(serve(number, stream));
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

/// Starts a backend that answers every request with its head: the request line without a version, then the headers.
///
/// # Errors
/// As [`scripted`].
pub async fn mirror() -> Result<SocketAddr> {
    scripted(|_, mut connection| async move {
        while let Some(head) = connection.request().await? {
            connection.request_body(&head).await?;
            let mut seen = format!("{} {}\n", head.method, head.target);
            seen.extend(head.headers.iter().map(|(name, value)| format!("{name}: {value}\n")));
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{seen}", seen.len())).await?;
        }
        Ok(())
    })
    .await
}

/// Serves a connection as a backend that keeps none for long: its second request gets no answer, but the end. The methods
/// of all requests go to `arrived`.
///
/// # Errors
/// If the client breaks off.
pub async fn forget(mut connection: Connection, answer: &str, arrived: Methods) -> Result<()> {
    for number in 1.. {
        let Some(head) = connection.request().await? else { break };
        connection.request_body(&head).await?;
        arrived.lock().push(head.method);
        if number == 2 {
            break;
        }
        connection.send(answer).await?;
    }
    Ok(())
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
