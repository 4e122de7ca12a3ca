//! A write on its way to the API server.

use super::gateway_api::StatusUpdate;
use super::infrastructure::{Change, Verb};
use super::plan::Patch;
use crate::address::Address;
use crate::apiserver::{Access, ApiFailure};
use crate::object::ObjectKey;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// When to give up on an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// The addresses of an Ingress.
    Addresses(Patch),
    /// The status of an object of Gateway API.
    Status(StatusUpdate),
    /// What is made for Gateways.
    Infrastructure(Change),
}

impl Write {
    /// Of which object.
    pub(super) fn key(&self) -> &ObjectKey {
        match self {
            Self::Addresses(patch) => &patch.key,
            Self::Status(update) => &update.key,
            Self::Infrastructure(change) => &change.key,
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PatchOutcome {
    Written,
    /// There is no such object any more, or what was to be taken away is no longer there.
    Obsolete,
    /// The object has changed since.
    Outdated,
    /// It will not be taken, however often one tries.
    Refused(String),
    /// It may be taken later.
    Failed(String),
}

/// Sends it.
pub(super) async fn send(access: &Access, write: &Write) -> PatchOutcome {
    // The answer is the whole object, which the watch brings, too.
    let sent = timeout(TIMEOUT, access.call(|client| async move { client.request_text(request(write)?).await }));
    match sent.await {
        Err(_) => PatchOutcome::Failed("the API server does not answer".into()),
        Ok(Ok(_)) => PatchOutcome::Written,
        Ok(Err(error)) => {
            let code = match &error {
                kube::Error::Api(status) => StatusCode::from_u16(status.code).ok(),
                _ => None,
            };
            outcome(code, write, ApiFailure::from(error).message)
        }
    }
}

fn outcome(code: Option<StatusCode>, write: &Write, reason: String) -> PatchOutcome {
    let is_removal = matches!(write, Write::Addresses(patch) if patch.after.is_empty());
    match code {
        Some(StatusCode::NOT_FOUND) => PatchOutcome::Obsolete,
        // The test of what was there.
        Some(StatusCode::UNPROCESSABLE_ENTITY) if is_removal => PatchOutcome::Obsolete,
        Some(StatusCode::CONFLICT) if !matches!(write, Write::Addresses(_)) => PatchOutcome::Outdated,
        Some(
            StatusCode::UNAUTHORIZED
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::CONFLICT
            | StatusCode::TOO_MANY_REQUESTS,
        ) => PatchOutcome::Failed(reason),
        Some(code) if code.is_client_error() => PatchOutcome::Refused(reason),
        _ => PatchOutcome::Failed(reason),
    }
}

fn request(write: &Write) -> kube::Result<Request<Vec<u8>>> {
    let url = format!("{}/{}", collection(write.key()), write.key().name);
    let status = format!("{url}/status?fieldManager=adit");
    let (method, url, (kind, body)) = match write {
        Write::Addresses(patch) => (Method::PATCH, status, addresses(patch)),
        Write::Status(update) => {
            // It has entries of others, who may have written since.
            let version = json!({"resourceVersion": update.resource_version});
            (Method::PATCH, status, (MERGE, json!({"metadata": version, "status": update.fields})))
        }
        Write::Infrastructure(Change { key, verb, .. }) => match verb {
            Verb::Create(body) => {
                (Method::POST, format!("{}?fieldManager=adit", collection(key)), (JSON, body.clone()))
            }
            Verb::Merge(body) => (Method::PATCH, format!("{url}?fieldManager=adit"), (MERGE, body.clone())),
            Verb::Apply(body) => (Method::PATCH, format!("{url}?fieldManager=adit&force=true"), (APPLY, body.clone())),
            Verb::Delete(uid) => (Method::DELETE, url, (JSON, json!({"preconditions": {"uid": uid}}))),
        },
    };
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header(header::CONTENT_TYPE, kind)
        .body(body.to_string().into_bytes());
    request.map_err(kube::core::request::Error::BuildRequest).map_err(kube::Error::BuildRequest)
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
/// Server-side apply. JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";

fn collection(ObjectKey { kind, namespace, .. }: &ObjectKey) -> String {
    let namespace = if kind.is_namespaced() { format!("/namespaces/{namespace}") } else { String::new() };
    let (version, plural) = (kind.api_version(), kind.plural());
    let group = if kind.group().is_empty() { "api" } else { "apis" };
    format!("/{group}/{version}{namespace}/{plural}")
}

fn addresses(patch: &Patch) -> (&'static str, Value) {
    if patch.after.is_empty() {
        // Whoever serves the Ingress now may have written since.
        let path = "/status/loadBalancer/ingress";
        let test = json!({"op": "test", "path": path, "value": entries(&patch.before)});
        ("application/json-patch+json", json!([test, {"op": "remove", "path": path}]))
    } else {
        let status = json!({"loadBalancer": {"ingress": entries(&patch.after)}});
        (MERGE, json!({"status": status}))
    }
}

fn entries(addresses: &[Address]) -> Vec<Value> {
    let entry = |address: &Address| match address {
        Address::Ip(ip) => json!({"ip": ip}),
        Address::Hostname(hostname) => json!({"hostname": hostname}),
    };
    addresses.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Kind;

    fn patch(after: &[&str]) -> Write {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect();
        Write::Addresses(Patch {
            key: ObjectKey::new(Kind::Ingress, "shop", "web"),
            before: addresses(&["1.2.3.4"]),
            after: addresses(after),
        })
    }

    fn update(key: ObjectKey) -> Write {
        Write::Status(StatusUpdate { key, resource_version: "7".into(), fields: json!({"parents": []}) })
    }

    fn sent_to(write: &Write, url: &str) -> (String, Value) {
        let request = request(write).expect("a request");
        assert_eq!(request.uri().path_and_query().expect("a path").as_str(), url);
        let kind = request.headers()[header::CONTENT_TYPE].to_str().expect("text").to_owned();
        (kind, serde_json::from_slice(request.body()).expect("JSON"))
    }

    fn sent(write: &Write) -> (String, Value) {
        sent_to(write, "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web/status?fieldManager=adit")
    }

    #[test]
    fn a_status_of_gateway_api_is_of_one_version_of_its_object() {
        let group = "/apis/gateway.networking.k8s.io/v1";
        let expected = (
            "application/merge-patch+json".to_owned(),
            json!({
                "metadata": {"resourceVersion": "7"},
                "status": {"parents": []},
            }),
        );
        let route = update(ObjectKey::new(Kind::HttpRoute, "shop", "web"));
        let url = format!("{group}/namespaces/shop/httproutes/web/status?fieldManager=adit");
        assert_eq!(sent_to(&route, &url), expected);
        let class = update(ObjectKey::new(Kind::GatewayClass, "", "adit"));
        assert_eq!(sent_to(&class, &format!("{group}/gatewayclasses/adit/status?fieldManager=adit")), expected);
        assert_eq!(outcome(Some(StatusCode::CONFLICT), &route, "no".into()), PatchOutcome::Outdated);
    }

    #[test]
    fn a_status_is_replaced_whatever_it_says() {
        let (kind, body) = sent(&patch(&["5.6.7.8", "host.x"]));
        assert_eq!(kind, "application/merge-patch+json");
        let ingress = json!([{"ip": "5.6.7.8"}, {"hostname": "host.x"}]);
        assert_eq!(body, json!({"status": {"loadBalancer": {"ingress": ingress}}}));
    }

    #[test]
    fn a_status_is_taken_away_only_if_it_is_still_the_same() {
        let (kind, body) = sent(&patch(&[]));
        assert_eq!(kind, "application/json-patch+json");
        let path = "/status/loadBalancer/ingress";
        let test = json!({"op": "test", "path": path, "value": [{"ip": "1.2.3.4"}]});
        assert_eq!(body, json!([test, {"op": "remove", "path": path}]));
    }

    #[test]
    fn what_may_get_better_is_tried_again() {
        let of = |code: u16, patch: &Write| outcome(StatusCode::from_u16(code).ok(), patch, "no".into());
        let (failed, refused) = (PatchOutcome::Failed("no".into()), PatchOutcome::Refused("no".into()));
        for (code, writing, removing) in [
            (400, &refused, &refused),
            (401, &failed, &failed),
            (403, &refused, &refused),
            (404, &PatchOutcome::Obsolete, &PatchOutcome::Obsolete),
            (409, &failed, &failed),
            (422, &refused, &PatchOutcome::Obsolete),
            (429, &failed, &failed),
            (500, &failed, &failed),
            (504, &failed, &failed),
        ] {
            assert_eq!((of(code, &patch(&["1.1.1.1"])), of(code, &patch(&[]))), (writing.clone(), removing.clone()));
        }
        assert_eq!(outcome(None, &patch(&[]), "no".into()), failed);
    }
}
