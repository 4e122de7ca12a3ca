//! A status on its way to the API server.

use super::plan::Patch;
use crate::address::Address;
use crate::apiserver::{Access, ApiFailure};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// When to give up on an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What became of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PatchOutcome {
    Written,
    /// There is no such Ingress any more, or what was to be taken away is no longer there.
    Obsolete,
    /// It will not be taken, however often one tries.
    Refused(String),
    /// It may be taken later.
    Failed(String),
}

/// Sends a patch.
pub(super) async fn send(access: &Access, patch: &Patch) -> PatchOutcome {
    let sent = timeout(TIMEOUT, access.call(|client| async move { client.request::<Value>(request(patch)?).await }));
    match sent.await {
        Err(_) => PatchOutcome::Failed("the API server does not answer".into()),
        Ok(Ok(_)) => PatchOutcome::Written,
        Ok(Err(error)) => {
            let code = match &error {
                kube::Error::Api(status) => StatusCode::from_u16(status.code).ok(),
                _ => None,
            };
            outcome(code, patch, ApiFailure::from(error).message)
        }
    }
}

fn outcome(code: Option<StatusCode>, patch: &Patch, reason: String) -> PatchOutcome {
    match code {
        Some(StatusCode::NOT_FOUND) => PatchOutcome::Obsolete,
        // The test of what was there.
        Some(StatusCode::UNPROCESSABLE_ENTITY) if patch.after.is_empty() => PatchOutcome::Obsolete,
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

fn request(patch: &Patch) -> kube::Result<Request<Vec<u8>>> {
    let (kind, body) = if patch.after.is_empty() {
        // Whoever serves the Ingress now may have written since.
        let path = "/status/loadBalancer/ingress";
        let test = json!({"op": "test", "path": path, "value": entries(&patch.before)});
        ("application/json-patch+json", json!([test, {"op": "remove", "path": path}]))
    } else {
        let status = json!({"loadBalancer": {"ingress": entries(&patch.after)}});
        ("application/merge-patch+json", json!({"status": status}))
    };
    let (namespace, name) = (&patch.key.namespace, &patch.key.name);
    let url = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}/status?fieldManager=adit");
    let request = Request::patch(url).header(header::CONTENT_TYPE, kind).body(body.to_string().into_bytes());
    request.map_err(kube::core::request::Error::BuildRequest).map_err(kube::Error::BuildRequest)
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
    use crate::object::{Kind, ObjectKey};

    fn patch(after: &[&str]) -> Patch {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect();
        Patch {
            key: ObjectKey::new(Kind::Ingress, "shop", "web"),
            before: addresses(&["1.2.3.4"]),
            after: addresses(after),
        }
    }

    fn sent(patch: &Patch) -> (String, Value) {
        let request = request(patch).expect("a request");
        assert_eq!(
            request.uri().path_and_query().expect("a path").as_str(),
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web/status?fieldManager=adit"
        );
        let kind = request.headers()[header::CONTENT_TYPE].to_str().expect("text").to_owned();
        (kind, serde_json::from_slice(request.body()).expect("JSON"))
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
        let of = |code: u16, patch: &Patch| outcome(StatusCode::from_u16(code).ok(), patch, "no".into());
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
