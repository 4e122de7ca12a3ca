//! Every case, by every driver that it names and by what `adit convert` makes of it, and golden files; or, as `tests/cluster/test`
//! asks for it, a sample in a cluster.

mod cluster;

use anyhow::Result;
use std::env;
use std::process::ExitCode;
use tests::drivers::{Explained, Lab, Memory, Sockets};
use tests::suite::{converted, goldens, play, play_sample, trials};

/// Set where the cases are to be played in the cluster of the kubeconfig.
const IN_CLUSTER: &str = "ADIT_TEST_CASES_IN_CLUSTER";

fn main() -> Result<ExitCode> {
    if env::var_os(IN_CLUSTER).is_some() {
        return play_sample::<Lab>("cluster", cluster::SAMPLE);
    }
    let drivers = [trials::<Memory>("memory")?, trials::<Explained>("explained")?, trials::<Sockets>("sockets")?];
    Ok(play(drivers.into_iter().chain([converted()?, goldens()?]).flatten().collect()))
}
