//! What the API server asks: an `AdmissionReview` of `admission.k8s.io/v1`, as far as it matters here.

use crate::object::Kind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The one version that is spoken.
pub(super) const API_VERSION: &str = "admission.k8s.io/v1";

/// The kind of requests and of responses.
pub(super) const KIND: &str = "AdmissionReview";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct AdmissionReview<T> {
    api_version: String,
    kind: String,
    request: Option<T>,
}

/// All that a response needs of a request.
#[derive(Debug, Deserialize)]
struct Identified {
    uid: String,
}

/// An operation that waits to be allowed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AdmissionRequest {
    resource: Resource,
    sub_resource: String,
    operation: String,
    /// The object as it is to become; `null` if it is to be deleted.
    pub(super) object: Value,
    /// The object as it is; `null` if it is new.
    pub(super) old_object: Value,
}

#[derive(Debug, Default, Deserialize)]
struct Resource {
    group: String,
    version: String,
    resource: String,
}

/// The request in a body.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let review: AdmissionReview<T> =
        serde_json::from_slice(body).map_err(|error| format!("the body is not an {KIND}: {error}"))?;
    if review.api_version != API_VERSION || review.kind != KIND {
        return Err(format!("the body is not an {KIND} of {API_VERSION}"));
    }
    review.request.ok_or_else(|| format!("the {KIND} has no request"))
}

/// What a response names the request by. Reading it takes no memory, whatever the objects are.
///
/// # Errors
/// The body is not a request in the version that is spoken.
pub(super) fn uid(body: &[u8]) -> Result<String, String> {
    read::<Identified>(body).map(|request| request.uid)
}

impl AdmissionRequest {
    /// Reads a body. This may take many times the memory of the body.
    ///
    /// # Errors
    /// As [`uid`].
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        read(body)
    }

    /// The kind of the object that is to be made or changed, and not its status alone, if it is one that is reviewed.
    pub(super) fn written(&self) -> Option<Kind> {
        let Resource { group, version, resource } = &self.resource;
        let kind = match (&**group, &**version, &**resource) {
            ("networking.k8s.io", "v1", "ingresses") => Kind::Ingress,
            ("", "v1", "configmaps") => Kind::ConfigMap,
            _ => return None,
        };
        let writes = self.sub_resource.is_empty() && ["CREATE", "UPDATE"].contains(&&*self.operation);
        writes.then_some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn review(resource: &Value, operation: &str) -> AdmissionRequest {
        let request = json!({"uid": "1", "resource": resource, "operation": operation, "object": {}, "dryRun": false});
        let review = json!({"apiVersion": API_VERSION, "kind": KIND, "request": request});
        AdmissionRequest::read(review.to_string().as_bytes()).expect("a review")
    }

    #[test]
    fn only_writes_of_ingresses_and_config_maps_are_reviewed() {
        let of = |group: &str, version: &str, resource: &str| json!({"group": group, "version": version, "resource": resource});
        let (ingresses, config_maps) = (of("networking.k8s.io", "v1", "ingresses"), of("", "v1", "configmaps"));
        for operation in ["CREATE", "UPDATE"] {
            assert_eq!(review(&ingresses, operation).written(), Some(Kind::Ingress), "{operation}");
            assert_eq!(review(&config_maps, operation).written(), Some(Kind::ConfigMap), "{operation}");
        }
        assert_eq!(review(&ingresses, "DELETE").written(), None);
        for other in [
            of("apps", "v1", "deployments"),
            of("networking.k8s.io", "v1beta1", "ingresses"),
            of("networking.k8s.io", "v1", "ingressclasses"),
            of("", "v1", "secrets"),
        ] {
            assert_eq!(review(&other, "CREATE").written(), None, "{other}");
        }
        let mut status = review(&ingresses, "UPDATE");
        status.sub_resource = "status".to_owned();
        assert_eq!(status.written(), None);
    }

    #[test]
    fn what_is_no_request_is_told() {
        for (body, expected) in [
            ("", "is not an AdmissionReview"),
            ("{}", "is not an AdmissionReview"),
            (r#"{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}"#, "of admission.k8s.io/v1"),
            (r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#, "has no request"),
        ] {
            let error = uid(body.as_bytes()).expect_err(body);
            assert!(error.contains(expected), "{error}");
        }
    }
}
