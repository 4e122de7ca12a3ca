use crate::settings::OwnPorts;
use gateway::config::EntryPoint;

/// Where the hosts of a listener are. Ports 80 and 443 are those that clients use of the process's own. The error says why
/// nothing can be served there.
pub(super) fn entry_point(port: u16, tls: bool, own: &OwnPorts) -> Result<EntryPoint, String> {
    match (port, tls) {
        (80, false) => Ok(EntryPoint::Http),
        (443, true) => Ok(EntryPoint::Https),
        (port, false) if port == own.http => Ok(EntryPoint::Http),
        (port, true) if port == own.https => Ok(EntryPoint::Https),
        (port, tls) => match own.flag(port) {
            Some(flag) => Err(format!("is a port of Adit itself ({flag}): expected another port")),
            None => Ok(EntryPoint::Port { port, tls }),
        },
    }
}
