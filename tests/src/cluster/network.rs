//! Where backends live: at an address of this machine, or nowhere.

use crate::echo::{self, Identity, Journal, Speaks};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::{TcpListener, TcpSocket};

/// Where backends live.
#[derive(Debug)]
pub enum Network {
    /// They listen, and write down what they receive.
    Real {
        /// The address that all pods have, by different ports.
        address: IpAddr,
        /// What they received.
        journal: Arc<Journal>,
        /// Ports that are taken and refuse every connection.
        refusing: Vec<TcpSocket>,
    },
    /// They only have addresses.
    Imaginary {
        /// Whose they are.
        identities: BTreeMap<SocketAddr, Identity>,
    },
}

impl Network {
    /// A network of listening backends that this machine alone can reach.
    pub fn loopback() -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into())
    }

    /// A network of listening backends at this address, which is one of this machine's.
    pub fn at(address: IpAddr) -> Self {
        Self::Real { address, journal: Arc::default(), refusing: Vec::new() }
    }

    /// A network of mere addresses.
    pub fn imaginary() -> Self {
        Self::Imaginary { identities: BTreeMap::new() }
    }

    /// The address that all pods have.
    pub(super) fn address(&self) -> IpAddr {
        match self {
            Self::Real { address, .. } => *address,
            Self::Imaginary { .. } => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// What the backends received; `None` where none listens.
    pub fn journal(&self) -> Option<&Arc<Journal>> {
        match self {
            Self::Real { journal, .. } => Some(journal),
            Self::Imaginary { .. } => None,
        }
    }

    /// Who has an address of an imaginary network.
    pub fn identity_at(&self, address: SocketAddr) -> Option<&Identity> {
        match self {
            Self::Real { .. } => None,
            Self::Imaginary { identities } => identities.get(&address),
        }
    }

    /// Starts a backend on a port of its own, which answers everything with 503 if it `fails`.
    pub(super) async fn listen(&mut self, identity: &Identity, speaks: Speaks, fails: bool) -> Result<SocketAddr> {
        match self {
            Self::Real { address, journal, .. } => {
                let listener = TcpListener::bind((*address, 0)).await?;
                let address = listener.local_addr()?;
                let serve = if fails { echo::fail } else { echo::serve };
                serve(listener, speaks, identity.clone(), journal.clone())?;
                Ok(address)
            }
            Self::Imaginary { identities } => {
                let port = 1 + u16::try_from(identities.len())?;
                let address = (Ipv4Addr::LOCALHOST, port).into();
                identities.insert(address, identity.clone());
                Ok(address)
            }
        }
    }

    /// A port of a pod that died: taken, so that nobody else gets it, and refusing.
    pub(super) fn refuse(&mut self) -> Result<SocketAddr> {
        let Self::Real { address, refusing, .. } = self else {
            return Ok((Ipv4Addr::LOCALHOST, u16::MAX).into());
        };
        let socket = TcpSocket::new_v4()?;
        socket.bind((*address, 0).into())?;
        let address = socket.local_addr()?;
        refusing.push(socket);
        Ok(address)
    }

    /// Starts a backend on given ports of a loopback address of its own.
    pub(super) async fn listen_on_ports(&mut self, identity: &Identity, ports: &[u16]) -> Result<IpAddr> {
        let journal = match self {
            Self::Real { journal, .. } => journal,
            Self::Imaginary { identities } => {
                let number = u8::try_from(1 + identities.len())?;
                let address = Ipv4Addr::new(127, 0, 1, number).into();
                identities.extend(ports.iter().map(|port| ((address, *port).into(), identity.clone())));
                return Ok(address);
            }
        };
        loop {
            let address = own_address();
            let mut listeners = Vec::new();
            for port in ports {
                match TcpListener::bind((address, *port)).await {
                    Ok(listener) => listeners.push(listener),
                    Err(error) if error.kind() == ErrorKind::AddrInUse => break,
                    Err(error) => return Err(error).with_context(|| format!("cannot listen on {address}:{port}")),
                }
            }
            if listeners.len() == ports.len() {
                for listener in listeners {
                    echo::serve(listener, Speaks::Http, identity.clone(), journal.clone())?;
                }
                return Ok(address);
            }
        }
    }
}

/// An address of 127.0.0.0/8 that this process has not used yet. Linux answers to all of them.
fn own_address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes start far apart, so that two runs of the tests seldom meet; a taken port is tried elsewhere.
    let number = std::process::id().wrapping_mul(4096).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
    let [_, a, b, c] = number.to_be_bytes();
    IpAddr::from([127, a | 0x80, b, c.clamp(1, 254)])
}
