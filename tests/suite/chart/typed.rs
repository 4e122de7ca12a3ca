//! Objects as the API server would read them.

use k8s_openapi::Resource;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{IngressClass, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Checks that Kubernetes has each of an object's fields, and that each value has the right type.
///
/// # Errors
/// What is wrong.
pub(super) fn check(object: &Value) -> Result<(), String> {
    let read = match object["kind"].as_str().unwrap_or_default() {
        "ClusterRole" => read::<ClusterRole>(object),
        "ClusterRoleBinding" => read::<ClusterRoleBinding>(object),
        "ConfigMap" => read::<ConfigMap>(object),
        "DaemonSet" => read::<DaemonSet>(object),
        "Deployment" => read::<Deployment>(object),
        "HorizontalPodAutoscaler" => read::<HorizontalPodAutoscaler>(object),
        "IngressClass" => read::<IngressClass>(object),
        "Lease" => read::<Lease>(object),
        "NetworkPolicy" => read::<NetworkPolicy>(object),
        "PodDisruptionBudget" => read::<PodDisruptionBudget>(object),
        "Role" => read::<Role>(object),
        "RoleBinding" => read::<RoleBinding>(object),
        "Secret" => read::<Secret>(object),
        "Service" => read::<Service>(object),
        "ServiceAccount" => read::<ServiceAccount>(object),
        "ValidatingWebhookConfiguration" => read::<ValidatingWebhookConfiguration>(object),
        // Of operators: Kubernetes has no types for them.
        "PrometheusRule" | "ScaledObject" | "ServiceMonitor" => return Ok(()),
        kind => return Err(format!("{kind:?} is not expected")),
    }?;
    if read == *object { Ok(()) } else { Err(format!("of {object} Kubernetes reads only {read}")) }
}

fn read<T: Resource + DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    if object["apiVersion"] != T::API_VERSION {
        return Err(format!("expected {}: {object}", T::API_VERSION));
    }
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| format!("{error}: {object}"))?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}
