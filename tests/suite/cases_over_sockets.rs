//! Every case, over TCP: a whole Adit, real backends, a raw client.

use std::process::ExitCode;
use tests::drivers::Sockets;

fn main() -> anyhow::Result<ExitCode> {
    tests::suite::play::<Sockets>()
}
