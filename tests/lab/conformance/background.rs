//! What each feature of the suite starts from: an Ingress and one echo Deployment for each of its Services.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::net::IpAddr;
use tests::lab::{Echo, Entry, Installed, Namespace, eventually};

/// A feature's objects in a namespace of its own. Dropping it deletes them.
pub(super) struct Background {
    namespace: Namespace,
}

impl Background {
    /// Creates the Deployments, then the Ingress, as the suite does.
    pub(super) async fn create(feature: &str, services: &[&str], replicas: u32, objects: &[Value]) -> Result<Self> {
        let namespace = Namespace::create(&format!("conformance-{}", feature.replace('_', "-"))).await?;
        let echoes: Vec<Echo> = services.iter().map(|service| echo(service).replicas(replicas)).collect();
        Echo::start_all(&echoes, &namespace).await?;
        let objects: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
        namespace.apply(&objects).await?;
        Ok(Self { namespace })
    }

    /// The ports 80 and 443 of the first address in the Ingress's status, once it has one.
    pub(super) async fn entry(&self, ingress: &str) -> Result<Entry> {
        let path = "{.status.loadBalancer.ingress[0].ip}";
        let address = eventually("an address in the status", async || {
            let address = self.namespace.kubectl(&format!("get ingress {ingress} --output=jsonpath={path}")).await?;
            address.parse::<IpAddr>().with_context(|| format!("{address:?} is no address"))
        })
        .await?;
        Ok(Entry::standard_ports(address))
    }

    /// What the status of an Ingress has for addresses.
    pub(super) async fn status(&self, ingress: &str) -> Result<String> {
        let path = "{.status.loadBalancer.ingress}";
        self.namespace.kubectl(&format!("get ingress {ingress} --output=jsonpath={path}")).await
    }

    /// Adds an object.
    pub(super) async fn apply(&self, object: &Value) -> Result<()> {
        self.namespace.apply(&object.to_string()).await
    }

    /// Deletes the Ingress, and waits until requests for `host` are no longer served.
    pub(super) async fn end(self, ingress: &str, entry: Entry, host: &str) -> Result<()> {
        self.namespace.kubectl(&format!("delete ingress {ingress}")).await?;
        eventually("the end of a deleted Ingress", async || {
            let status = entry.get(host, "/").await?.status;
            ensure!(status == 404, "status {status}");
            Ok(())
        })
        .await
    }
}

/// As the suite makes them: a NodePort Service on port 8080, named `http`.
fn echo(service: &str) -> Echo {
    Echo::new(service)
        .service("type", json!("NodePort"))
        .service("ports", json!([{"name": "http", "port": 8080, "targetPort": "http"}]))
}

/// An Ingress for this Adit, unless its specification names another class.
pub(super) fn ingress(adit: &Installed, name: &str, spec: Value) -> Value {
    let mut spec = spec;
    if spec.get("ingressClassName").is_none() {
        spec["ingressClassName"] = json!(adit.name);
    }
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec})
}

/// A rule of one host, with (path, pathType, service) each.
pub(super) fn rule(host: &str, paths: &[(&str, &str, &str)]) -> Value {
    let path = |(path, kind, service): &(&str, &str, &str)| json!({"path": path, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": 8080}}}});
    json!({"host": host, "http": {"paths": paths.iter().map(path).collect::<Vec<_>>()}})
}
