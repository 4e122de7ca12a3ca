//! The command line.

use anyhow::{Context, Error, Result, bail};
use clap::Parser;
use jiff::SignedDuration;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

/// Says who it is and what it receives, in every protocol.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "echo", after_help = AFTER_HELP)]
pub struct Arguments {
    /// What to listen for, and where: `http=3000`, `tcp=127.0.0.1:9000`; port 0 is a free one
    ///
    /// The protocols:
    /// http   HTTP/1.1, with WebSocket
    /// https  HTTP/1.1 and HTTP/2 over TLS, with WebSocket and gRPC
    /// h2c    HTTP/2 by prior knowledge, with gRPC
    /// tcp    a line that names the Pod, then all that comes
    /// udp    the same, for each datagram
    #[arg(required = true, value_name = "PROTOCOL=[ADDRESS:]PORT", verbatim_doc_comment)]
    pub listen: Vec<Listen>,
    /// After SIGTERM, serve as before for so long; then finish what is running, and end
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub grace: Duration,
    /// Answer /health with 503 for so long
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub ready_after: Duration,
}

const AFTER_HELP: &str = "\
Paths: /health, /sleep/SECONDS, /status/CODE, /bytes/COUNT; any other is answered at once. Headers of a request that \
change its answer: `x-echo-status: 503`, `x-echo-header: NAME: VALUE`.

Environment, for the answers: NAMESPACE, INGRESS_NAME, SERVICE_NAME, POD_NAME (else the machine's name).

It prints a line for each listener, `PROTOCOL ADDRESS:PORT`, once all of them listen, and `ending` on SIGTERM.";

/// A protocol, and where it is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// What is spoken there.
    pub protocol: Protocol,
    /// Where: all IPv4 addresses, unless one is said.
    pub address: SocketAddr,
}

/// What a listener speaks, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/1.1 and HTTP/2 over TLS.
    Https,
    /// HTTP/2 by prior knowledge.
    H2c,
    /// Bytes.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Protocol {
    const ALL: [Self; 5] = [Self::Http, Self::Https, Self::H2c, Self::Tcp, Self::Udp];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some(protocol) = Self::ALL.into_iter().find(|protocol| protocol.name() == text) else {
            bail!("{text:?} is no protocol: expected http, https, h2c, tcp or udp")
        };
        Ok(protocol)
    }
}

impl FromStr for Listen {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (protocol, place) = text.split_once('=').context("expected PROTOCOL=PORT or PROTOCOL=ADDRESS:PORT")?;
        let address = match place.parse::<u16>() {
            Ok(port) => Ok((Ipv4Addr::UNSPECIFIED, port).into()),
            Err(_) => place.parse(),
        };
        let address = address.with_context(|| {
            format!("{place:?} is neither a port, 0 to 65535, nor an IP address with one, such as 127.0.0.1:80")
        });
        Ok(Self { protocol: protocol.parse()?, address: address.map_err(|error| Error::msg(error.to_string()))? })
    }
}

fn duration(text: &str) -> Result<Duration> {
    let duration = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.context("expected a duration such as 500ms, 5s or 1m30s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::IpAddr;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        let all = ["echo"].iter().chain(arguments);
        Arguments::try_parse_from(all).map_err(|error| error.to_string())
    }

    #[test]
    fn one_process_has_several_listeners() {
        let arguments = parse(&["http=3000", "http=3001", "udp=[::1]:53", "--grace", "1m30s", "--ready-after=250ms"]);
        let listen = |protocol, address: &str| Listen { protocol, address: address.parse().expect("an address") };
        assert_eq!(
            arguments,
            Ok(Arguments {
                listen: vec![
                    listen(Protocol::Http, "0.0.0.0:3000"),
                    listen(Protocol::Http, "0.0.0.0:3001"),
                    listen(Protocol::Udp, "[::1]:53"),
                ],
                grace: Duration::from_secs(90),
                ready_after: Duration::from_millis(250),
            })
        );
    }

    #[test]
    fn without_a_word_it_ends_at_once_and_is_ready_at_once() {
        let arguments = parse(&["tcp=1"]).expect("valid");
        assert_eq!((arguments.grace, arguments.ready_after), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn bad_arguments_say_what_is_expected() {
        for (arguments, expected) in [
            (&[] as &[&str], "<PROTOCOL=[ADDRESS:]PORT>..."),
            (&["http"], "'http' for '<PROTOCOL=[ADDRESS:]PORT>...': expected PROTOCOL=PORT or PROTOCOL=ADDRESS:PORT"),
            (&["htpp=80"], "\"htpp\" is no protocol: expected http, https, h2c, tcp or udp"),
            (&["=80"], "\"\" is no protocol"),
            (&["http="], "\"\" is neither a port, 0 to 65535, nor an IP address with one, such as 127.0.0.1:80"),
            (&["http=65536"], "\"65536\" is neither a port"),
            (&["tcp=localhost:80"], "\"localhost:80\" is neither a port"),
            (&["http=80", "--grace=soon"], "'soon' for '--grace <DURATION>': expected a duration such as 500ms"),
            (&["http=80", "--grace=-1s"], "'-1s' for '--grace <DURATION>': expected a duration"),
            (&["http=80", "--graze=1s"], "'--grace'"),
        ] {
            let error = parse(arguments).expect_err("invalid");
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_argument_makes_it_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<Listen>();
            let _ = duration(&text);
        }

        #[test]
        fn every_port_of_every_address_can_be_said(ip: IpAddr, port: u16) {
            let address = SocketAddr::from((ip, port));
            let said = format!("h2c={address}").parse::<Listen>().expect("valid");
            prop_assert_eq!(said, Listen { protocol: Protocol::H2c, address });
        }
    }
}
