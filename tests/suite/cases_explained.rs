//! Every case, as `adit explain` tells it: it must name what the sockets reach.

use std::process::ExitCode;
use tests::drivers::Explained;

fn main() -> anyhow::Result<ExitCode> {
    tests::suite::play::<Explained>()
}
