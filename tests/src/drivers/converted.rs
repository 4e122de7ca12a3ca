use super::objects::Objects;
use super::{Sockets, settings};
use crate::case::{Case, Mode, Player, Request};
use crate::check::Observation;
use crate::cluster::{Cluster, Network};
use crate::run::Driver;
use anyhow::Result;
use controller::convert::{Conversion, GatewayNames, convert};
use controller::settings::ControllerSettings;
use serde_json::{Value, json};

/// What `adit convert` makes of a case's Ingresses, in their place: over sockets, with the same expectations.
pub struct Converted {
    sockets: Sockets,
    mode: Mode,
    settings: ControllerSettings,
}

impl Driver for Converted {
    const PLAYER: Player = Player::Sockets;

    async fn network() -> Result<Network> {
        Sockets::network().await
    }

    async fn start(case: &Case, mode: Mode, cluster: &Cluster) -> Result<Self> {
        let settings = settings(case, mode)?.controller;
        Ok(Self { sockets: Sockets::start(case, mode, cluster).await?, mode, settings })
    }

    async fn apply(&mut self, documents: &str) -> Result<()> {
        let conversion = conversion(documents, &self.settings)?;
        self.sockets.apply(&in_their_place(documents, &conversion)?).await
    }

    async fn exchange(&mut self, request: &Request, cluster: &Cluster) -> Result<Vec<Observation>> {
        let expected = request.expectation(self.mode).and_then(|expect| expect.location.as_deref());
        let mut observations = self.sockets.exchange(request, cluster).await?;
        for location in observations.iter_mut().filter_map(|observation| observation.location.as_mut()) {
            if let Some(expected) = expected.filter(|expected| is_same_place(expected, location)) {
                *location = expected.to_owned();
            }
        }
        Ok(observations)
    }

    async fn end(self) -> Result<()> {
        self.sockets.end().await
    }
}

/// What the Ingresses among these documents are converted into.
pub(crate) fn conversion(documents: &str, settings: &ControllerSettings) -> Result<Conversion> {
    let events = Objects::default().events(documents)?;
    Ok(convert(events, settings.clone(), &GatewayNames::default()))
}

/// The documents without Ingresses and with the new objects.
fn in_their_place(documents: &str, conversion: &Conversion) -> Result<String> {
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(documents)?;
    objects.retain(|object| object["kind"] != "Ingress");
    objects.push(
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "adit"},
        "spec": {"controllerName": "adit.dev/gateway-controller"}}),
    );
    Ok(objects.iter().chain(&conversion.objects).map(|object| format!("---\n{object}\n")).collect())
}

/// Whether a URL leads where the expected one does: ingress-nginx names the usual port, and drops a slash at the end.
fn is_same_place(expected: &str, url: &str) -> bool {
    let parts = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = authority.strip_suffix(usual).unwrap_or(authority);
        Some([scheme, host, path.strip_suffix('/').unwrap_or(path)].map(str::to_owned))
    };
    parts(expected).is_some() && parts(expected) == parts(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_port_and_a_last_slash_lead_nowhere_else() {
        for (expected, url) in [
            ("https://h", "https://h/"),
            ("https://h:443", "https://h/"),
            ("https://h/a", "https://h/a/"),
            ("http://h:80/a", "http://h/a"),
            ("https://h:443/a?b", "https://h/a?b"),
        ] {
            assert!(is_same_place(expected, url), "{expected} {url}");
        }
        for (expected, url) in [
            ("https://h/a", "http://h/a"),
            ("http://h:8080/", "http://h/"),
            ("http://h/a", "http://h/b"),
            ("/a", "http://h/a"),
        ] {
            assert!(!is_same_place(expected, url), "{expected} {url}");
        }
    }
}
