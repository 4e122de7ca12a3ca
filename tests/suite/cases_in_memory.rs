//! Every case, through translation, table and exchange, without a socket.

use std::process::ExitCode;
use tests::drivers::Memory;

fn main() -> anyhow::Result<ExitCode> {
    tests::suite::play::<Memory>()
}
