//! Reads a ClientHello and keeps its bytes: who ends the TLS may be somebody else.

use rustls::InvalidMessage;
use rustls::server::{Accepted, Acceptor};
use std::io::{self, ErrorKind, Read};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// The most that a ClientHello may have in bytes, with the headers of its records.
const LIMIT: usize = 64 << 10;

/// A ClientHello.
pub(super) struct Hello {
    /// As it was understood, to go on from.
    pub(super) accepted: Accepted,
    /// All that has been read of the connection.
    pub(super) bytes: Vec<u8>,
}

/// Reads a ClientHello, however many segments and records it comes in. A client whose bytes are none has its alert.
pub(super) async fn read(tcp: &mut TcpStream) -> io::Result<Hello> {
    let mut acceptor = Acceptor::default();
    let mut bytes = Vec::new();
    loop {
        tcp.readable().await?;
        match acceptor.read_tls(&mut Kept { tcp, bytes: &mut bytes }) {
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

/// Keeps what is read of a socket that is ready.
struct Kept<'a> {
    tcp: &'a TcpStream,
    bytes: &'a mut Vec<u8>,
}

impl Read for Kept<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.tcp.try_read(buf)?;
        self.bytes.extend_from_slice(&buf[..read]);
        Ok(read)
    }
}
