//! What a case has in a cluster comes and goes without kubectl, which takes longer to start than all the rest takes.

use super::objects::{Identity, identity};
use crate::lab::eventually;
use anyhow::{Context, Result, ensure};
use http::{Method, Request};
use kube::config::KubeConfigOptions;
use kube::{Client, Config, Error};
use serde_json::{Value, json};

/// The API server that `KUBECONFIG` names.
pub(super) struct Api(Client);

impl Api {
    /// Reads the kubeconfig.
    pub(super) async fn known() -> Result<Self> {
        Ok(Self(Client::try_from(Config::from_kubeconfig(&KubeConfigOptions::default()).await?)?))
    }

    /// Creates or changes an object, all of which is ours, and returns what became of it.
    pub(super) async fn apply(&self, object: &Value) -> Result<Value> {
        let path = format!("{}?fieldManager=cases&force=true", path(object)?);
        let content = ("content-type", "application/apply-patch+yaml");
        self.ask(Method::PATCH, &path, content, object).await?.with_context(|| format!("{path}: 404"))
    }

    /// Deletes an object, if there is one, and waits until it is gone.
    pub(super) async fn delete(&self, object: &Value) -> Result<()> {
        let (path, content) = (path(object)?, ("content-type", "application/json"));
        if self.ask(Method::DELETE, &path, content, &json!({})).await?.is_none() {
            return Ok(());
        }
        eventually("the end of a deleted object", async || {
            let left = self.ask(Method::GET, &path, content, &Value::Null).await?;
            ensure!(left.is_none(), "{path} is still there");
            Ok(())
        })
        .await
    }

    /// Nothing is what has not been found.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        (header, value): (&str, &str),
        body: &Value,
    ) -> Result<Option<Value>> {
        let body = if method == Method::GET { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(&method).uri(path).header(header, value).body(body)?;
        match self.0.request(request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{method} {path}")),
        }
    }
}

/// Where the API server has an object.
fn path(object: &Value) -> Result<String> {
    let Identity { kind, namespace, name } = identity(object);
    let version = object["apiVersion"].as_str().with_context(|| format!("{kind} {name} without an apiVersion"))?;
    let root = if version.contains('/') { "/apis" } else { "/api" };
    let within = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    // So English has it for the kinds of objects that cases have.
    let kind = kind.to_lowercase();
    let plural = if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") };
    Ok(format!("{root}/{version}{within}/{plural}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        let object = |version: &str, kind: &str, metadata: Value| json!({"apiVersion": version, "kind": kind, "metadata": metadata});
        let ingress = object("networking.k8s.io/v1", "Ingress", json!({"name": "i", "namespace": "n"}));
        let namespace = object("v1", "Namespace", json!({"name": "n"}));
        assert_eq!(path(&ingress).unwrap(), "/apis/networking.k8s.io/v1/namespaces/n/ingresses/i");
        assert_eq!(path(&namespace).unwrap(), "/api/v1/namespaces/n");
    }
}
