//! Which kinds of Gateway API the API server has, and which of ours. They are CustomResourceDefinitions, which come and go
//! while Adit runs.

use crate::apiserver::{Access, ApiFailure, Backoff, Cause};
use crate::gateway_api::{GROUP, OWN_GROUP};
use crate::object::{KINDS, Kind};
use http::{Request, StatusCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::mpsc;

/// The kinds that there are, each with the version to read it in.
pub(super) type Served = BTreeMap<Kind, &'static str>;

/// The groups, each with the versions that can be read, the best first. ReferenceGrant had no other than the second up to v1.4.
const GROUPS: [(&str, &[&str]); 2] = [(GROUP, &["v1", "v1beta1"]), (OWN_GROUP, &["v1alpha1"])];

/// Asks for ever, and sends what there is: at first, and whenever that changes.
pub(super) async fn follow(access: Access, interval: Duration, served: mpsc::Sender<Served>) {
    let mut known = Known::default();
    let mut backoff = Backoff::default();
    loop {
        let pause = match ask(&access).await {
            Ok(found) => {
                backoff.reset();
                if let Some(change) = known.update(found)
                    && served.send(change).await.is_err()
                {
                    return;
                }
                interval
            }
            Err(failure) => {
                tracing::debug!(reason = failure.message, "cannot ask for the kinds of Gateway API");
                backoff.next().max(access.busy_for())
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = served.closed() => return,
        }
    }
}

/// What is known of the kinds. A kind is gone when it was missing twice in a row, since a server that has just started may
/// not know all of them yet.
#[derive(Debug, Default)]
struct Known {
    served: Option<Served>,
    missing: BTreeSet<Kind>,
}

impl Known {
    /// What there is now, if that is not what there was.
    fn update(&mut self, mut found: Served) -> Option<Served> {
        let is_first = self.served.is_none();
        let before = self.served.take().unwrap_or_default();
        let mut missing = BTreeSet::new();
        for (kind, version) in &before {
            if !found.contains_key(kind) && !self.missing.contains(kind) {
                missing.insert(*kind);
                found.insert(*kind, version);
            }
        }
        self.missing = missing;
        let change = (is_first || found != before).then(|| found.clone());
        self.served = Some(found);
        change
    }
}

async fn ask(access: &Access) -> Result<Served, ApiFailure> {
    let mut served = Served::new();
    for (group, versions) in GROUPS {
        ask_for_group(access, group, versions, &mut served).await?;
        if served.is_empty() {
            break; // AditPolicies are for routes of Gateway API
        }
    }
    Ok(served)
}

/// Adds the kinds of one group.
async fn ask_for_group(
    access: &Access,
    name: &str,
    versions: &[&'static str],
    served: &mut Served,
) -> Result<(), ApiFailure> {
    let Some(group) = get::<APIGroup>(access, &format!("/apis/{name}")).await? else { return Ok(()) };
    for version in versions {
        if !group.versions.iter().any(|served| served.version == *version) {
            continue;
        }
        let path = format!("/apis/{name}/{version}");
        let Some(list) = get::<APIResourceList>(access, &path).await? else { continue };
        for (kind, ..) in KINDS.iter().filter(|(kind, ..)| kind.group() == name) {
            if list.resources.iter().any(|resource| resource.name == kind.plural()) {
                served.entry(*kind).or_insert(version);
            }
        }
    }
    Ok(())
}

/// What there is at a path; none where there is nothing, or nothing for us.
async fn get<T: DeserializeOwned>(access: &Access, path: &str) -> Result<Option<T>, ApiFailure> {
    let request = Request::get(path).body(Vec::new());
    let request = request.map_err(kube::core::request::Error::BuildRequest).map_err(kube::Error::BuildRequest)?;
    match access.call(|client| async move { client.request::<T>(request).await }).await {
        Ok(found) => Ok(Some(found)),
        Err(kube::Error::Api(status)) if status.code == StatusCode::NOT_FOUND.as_u16() => Ok(None),
        Err(error) => match ApiFailure::from(error) {
            failure if failure.cause == Cause::Forbidden => Ok(None),
            failure => Err(failure),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_gone_when_it_was_missing_twice() {
        let of = |kinds: &[Kind]| kinds.iter().map(|kind| (*kind, "v1")).collect::<Served>();
        let both = of(&[Kind::Gateway, Kind::HttpRoute]);
        let mut known = Known::default();
        assert_eq!(known.update(Served::new()), Some(Served::new()), "that there are none is news at first");
        assert_eq!(known.update(Served::new()), None);
        assert_eq!(known.update(both.clone()), Some(both.clone()));
        assert_eq!(known.update(of(&[Kind::Gateway])), None);
        assert_eq!(known.update(both.clone()), None);
        assert_eq!(known.update(of(&[Kind::Gateway])), None);
        assert_eq!(known.update(of(&[Kind::Gateway])), Some(of(&[Kind::Gateway])));
        let other = Served::from([(Kind::Gateway, "v1beta1")]);
        assert_eq!(known.update(other.clone()), Some(other));
    }
}
