//! Reads a ClientHello and keeps its bytes, which a backend needs if it is the one to terminate the TLS.

use rustls::InvalidMessage;
use rustls::server::{Accepted, Acceptor};
use std::io::{self, ErrorKind, Read};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// The largest ClientHello in bytes, with the headers of its records.
const LIMIT: usize = 64 << 10;

/// A ClientHello.
pub(super) struct Hello {
    /// As parsed, to continue the handshake with.
    pub(super) accepted: Accepted,
    /// All bytes that have been read from the connection.
    pub(super) bytes: Vec<u8>,
}

/// Reads a ClientHello, in however many segments and records it comes. If it is invalid, the client is sent an alert.
pub(super) async fn read(tcp: &mut TcpStream) -> io::Result<Hello> {
    let mut acceptor = Acceptor::default();
    let mut bytes = Vec::new();
    loop {
        tcp.readable().await?;
        match acceptor.read_tls(&mut RecordingReader { tcp, bytes: &mut bytes }) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok(Hello { accepted, bytes }),
            Ok(None) if bytes.len() > LIMIT => return Err(invalid(InvalidMessage::HandshakePayloadTooLarge.into())),
            Ok(None) => {}
            Err((error, mut alert)) => {
                let mut bytes = Vec::new();
                alert.write_all(&mut bytes)?;
                tcp.write_all(&bytes).await?;
                return Err(invalid(error));
            }
        }
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// Reads from a socket that is ready, and keeps a copy.
struct RecordingReader<'a> {
    tcp: &'a TcpStream,
    bytes: &'a mut Vec<u8>,
}

impl Read for RecordingReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.tcp.try_read(buf)?;
        self.bytes.extend_from_slice(&buf[..read]);
        Ok(read)
    }
}
