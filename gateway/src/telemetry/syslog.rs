//! Lines of the access log for a syslog server: one datagram each, in the form of RFC 3164, as nginx writes them
//! (ngx_syslog_add_header).

use super::clock::Clock;
use super::request_values::HOSTNAME;
use crate::config::Syslog;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

/// Facility `local7` and severity `info`, nginx's defaults.
const PRIORITY: &str = "<190>";
const TAG: &str = "nginx";
/// How long the server stays as it is after it could not be reached.
const PAUSE: Duration = Duration::from_secs(10);

/// Writes what stands before a line.
pub(super) fn head(clock: &Clock, out: &mut Vec<u8>) {
    for part in [PRIORITY, clock.rfc3164(), " ", HOSTNAME.as_str(), " ", TAG, ": "] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// A way to the server, for the one thread that writes the log.
#[derive(Debug, Default)]
pub(super) struct SyslogClient {
    server: Option<Syslog>,
    socket: Option<UdpSocket>,
    /// Not before is it looked for again.
    not_before: Option<Instant>,
}

impl SyslogClient {
    /// Sends lines, each with its end. Returns how many have not been sent.
    pub(super) fn send(&mut self, server: &Syslog, lines: &[u8]) -> u64 {
        self.connect(server);
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let Some(socket) = &self.socket else { return lines.count() as u64 };
        let (mut lost, mut is_gone) = (0, false);
        for line in lines {
            if let Err(error) = socket.send(line) {
                lost += 1;
                is_gone |= error.kind() != io::ErrorKind::InvalidInput;
            }
        }
        if is_gone {
            self.give_up("it does not take what is sent");
        }
        lost
    }

    fn connect(&mut self, server: &Syslog) {
        if self.server.as_ref() != Some(server) {
            *self = Self { server: Some(server.clone()), ..Self::default() };
        }
        if self.socket.is_some() || self.not_before.is_some_and(|time| Instant::now() < time) {
            return;
        }
        match open(server) {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => self.give_up(&error.to_string()),
        }
    }

    /// Looks for the server again after a while: its name may lead elsewhere then.
    fn give_up(&mut self, why: &str) {
        let (host, port) = self.server.as_ref().map_or(("", 0), |server| (&*server.host, server.port));
        tracing::warn!(host, port, why, "a syslog server cannot be reached; lines of the access log are dropped");
        self.socket = None;
        self.not_before = Instant::now().checked_add(PAUSE);
    }
}

fn open(server: &Syslog) -> io::Result<UdpSocket> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (&*server.host, server.port).to_socket_addrs()? {
        match connected(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?,
    };
    socket.connect(address)?;
    Ok(socket)
}
