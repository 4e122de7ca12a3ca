use super::namespace::Namespace;
use super::wait::rolled_out;
use anyhow::Result;
use serde_json::{Value, json};

/// A Deployment of echo servers and a Service of its name, whose port 80, named `http`, is theirs.
#[derive(Clone, Debug)]
pub struct Echo {
    name: String,
    replicas: u32,
    service: Value,
}

impl Echo {
    /// One Pod, behind a Service of type ClusterIP.
    pub fn new(name: &str) -> Self {
        let service = json!({
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        });
        Self { name: name.to_owned(), replicas: 1, service }
    }

    /// With so many Pods, evenly over the nodes.
    #[must_use]
    pub fn replicas(self, replicas: u32) -> Self {
        Self { replicas, ..self }
    }

    /// With this field of the Service's `spec`.
    #[must_use]
    pub fn service(mut self, field: &str, value: Value) -> Self {
        self.service[field] = value;
        self
    }

    /// Both objects.
    pub fn documents(&self) -> String {
        // JSON is YAML, too.
        format!("{}\n---\n{}\n", self.deployment(), self.service_object())
    }

    /// Creates both and waits for the Pods.
    ///
    /// # Errors
    /// The API server refuses, or the Pods are not ready in time.
    pub async fn start(&self, namespace: &Namespace) -> Result<()> {
        Self::start_all(std::slice::from_ref(self), namespace).await
    }

    /// The same for several, all at once.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_all(echoes: &[Self], namespace: &Namespace) -> Result<()> {
        let documents: String = echoes.iter().map(|echo| format!("---\n{}", echo.documents())).collect();
        namespace.apply(&documents).await?;
        for echo in echoes {
            echo.rolled_out(namespace).await?;
        }
        Ok(())
    }

    /// Waits until all Pods are of the newest kind, and ready.
    ///
    /// # Errors
    /// They are not in time.
    pub async fn rolled_out(&self, namespace: &Namespace) -> Result<()> {
        rolled_out(namespace.name(), &format!("deployment/{}", self.name)).await
    }

    fn service_object(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.name, "labels": {"app": self.name}},
            "spec": self.service,
        })
    }

    /// The Deployment.
    pub fn deployment(&self) -> Value {
        let labels = json!({"app": self.name});
        let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": labels},
                "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "topologySpreadConstraints": [{
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": labels},
                            "matchLabelKeys": ["pod-template-hash"],
                        }],
                        "containers": [{
                            "name": "echo",
                            "image": "localhost/echo:1",
                            "args": ["http=3000", "https=3443", "h2c=3080", "tcp=3007", "udp=3007"],
                            "env": [
                                field("POD_NAME", "metadata.name"),
                                field("NAMESPACE", "metadata.namespace"),
                                {"name": "SERVICE_NAME", "value": self.name},
                            ],
                            "ports": [{"name": "http", "containerPort": 3000}, {"name": "https", "containerPort": 3443}],
                            // A busy machine takes its time, which is no reason to take a Pod out of service.
                            "readinessProbe": {
                                "httpGet": {"path": "/health", "port": "http"},
                                "periodSeconds": 1,
                                "timeoutSeconds": 30,
                            },
                        }],
                    },
                },
            },
        })
    }
}
