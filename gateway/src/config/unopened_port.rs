use super::{Origin, StreamProtocol};

/// A port that is declared and cannot be listened on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnopenedPort {
    /// What carries what comes there.
    pub protocol: StreamProtocol,
    /// The port, from 1 to 65535.
    pub port: u16,
    /// What asks for it: of several, one.
    pub origin: Origin,
    /// Why not, as the rest of a sentence that begins with the port.
    pub message: String,
}
