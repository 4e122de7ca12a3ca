//! Asks the admin port of a Pod through the API server, as `kubectl port-forward` would.

use super::pod::Found;
use crate::apiserver::{ApiFailure, Cause};
use crate::explain::AdminPort;
use anyhow::bail;
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

/// The port answers those only who are on its machine: that is where the tunnel ends.
const HOST: &str = "localhost";

/// Gets the value at a path of the admin port. `sent` is posted there, if there is any.
///
/// # Errors
/// Says who does not answer as expected: the API server, the Pod or Adit in it.
pub(super) async fn ask<T: DeserializeOwned>(found: &Found, target: &str, sent: Option<Vec<u8>>) -> anyhow::Result<T> {
    let Found { namespace, name, admin_port, pods, .. } = found;
    let mut tunnel = match pods.portforward(name, &[*admin_port]).await {
        Ok(tunnel) => tunnel,
        Err(error) => bail!("{}", refusal(found, error.into())),
    };
    let (Some(stream), Some(failure)) = (tunnel.take_stream(*admin_port), tunnel.take_error(*admin_port)) else {
        bail!("no way to port {admin_port} of {found}");
    };
    let hint = format!("kubectl -n {namespace} logs {name} may say why");
    let answer = AdminPort { name: &found.to_string(), host: HOST, hint: &hint }.ask(stream, target, sent).await;
    answer.map_err(|error| match failure.now_or_never().flatten() {
        // What became of the tunnel says more than that nothing came through it.
        Some(failure) => anyhow::anyhow!("cannot reach port {admin_port} of {found}: {}", failure.trim()),
        None => error,
    })
}

fn refusal(found: &Found, failure: ApiFailure) -> String {
    let ApiFailure { cause, message } = failure;
    match cause {
        Cause::Forbidden => format!(
            "may not forward a port of {found}: {message}; it takes a Role with the verbs get and create for pods/portforward"
        ),
        _ => format!("cannot forward a port of {found}: {message}"),
    }
}
