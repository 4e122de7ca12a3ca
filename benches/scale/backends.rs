//! The two backends, which can be told apart by their answers.

use anyhow::{Context, Result, ensure};
use benches::peers::{ANSWER, nginx};
use benches::process::Process;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use tempfile::TempDir;

/// The Service that changes lead to.
pub(crate) const OTHER: &str = "other";
/// What its backend answers.
const OTHER_ANSWER: [u8; 100] = [b'y'; 100];

/// Both, as one nginx. It ends when this is dropped.
pub(crate) struct Backends {
    pub(crate) first: SocketAddr,
    pub(crate) other: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

/// Which of them answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answerer {
    #[default]
    First,
    Other,
}

impl Backends {
    /// Starts them at an address of this machine that is not a loopback one: the API server takes no such endpoints.
    /// They answer this machine only.
    ///
    /// # Errors
    /// The machine has no other address, or nginx cannot be started.
    pub(crate) fn start() -> Result<Self> {
        let ip = own_address()?;
        let free = || -> Result<SocketAddr> { Ok(TcpListener::bind((ip, 0))?.local_addr()?) };
        let [first, other] = [free()?, free()?];
        let servers = [(first, ANSWER), (other, OTHER_ANSWER)].map(|(address, answer)| {
            format!(
                "server {{ listen {address}; access_log off; if ($remote_addr != {ip}) {{ return 403; }} \
                 location / {{ return 200 '{}'; }} }}",
                answer.escape_ascii()
            )
        });
        let folder = tempfile::tempdir()?;
        let process = nginx(folder.path(), &servers.concat(), &[first, other])?;
        Ok(Self { first, other, _process: process, _folder: folder })
    }
}

impl Answerer {
    /// What it answers.
    pub(crate) fn answer(self) -> &'static [u8] {
        match self {
            Self::First => &ANSWER,
            Self::Other => &OTHER_ANSWER,
        }
    }

    /// The Service that leads to it from an Ingress whose own Service has this name.
    pub(crate) fn service(self, own: &str) -> &str {
        match self {
            Self::First => own,
            Self::Other => OTHER,
        }
    }

    /// The one that it is not.
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::First => Self::Other,
            Self::Other => Self::First,
        }
    }
}

/// The address from which this machine would speak to others. Nothing is sent.
fn own_address() -> Result<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let told = socket.connect("203.0.113.1:9").and_then(|()| socket.local_addr());
    let ip = told.context("this machine has no address but the loopback's, which no endpoint may have")?.ip();
    ensure!(!ip.is_loopback(), "this machine has no address but {ip}, which no endpoint may have");
    Ok(ip)
}
