//! A route whose appearance tells that all that was made before it is in force.

use super::{LABEL, NAMESPACE};
use crate::adit::slice;
use crate::echo::{self, Identity, SERVICE_HEADER, Speaks};
use crate::lab::{Entry, certificate, eventually};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

/// An Ingress, a Service, an EndpointSlice and a Secret, without any of which it would not be served: one object of
/// each kind, since kinds are watched one beside the other.
#[derive(Debug)]
pub(super) struct Canary {
    name: String,
    backend: SocketAddr,
    secret: Value,
    certificate: Vec<u8>,
}

impl Canary {
    /// One that nobody has seen yet, whose backend listens at this address.
    pub(super) async fn start(here: IpAddr) -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("canary-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let listener = TcpListener::bind((here, 0)).await?;
        let backend = listener.local_addr()?;
        let identity = Identity { service: name.clone(), pod: name.clone() };
        echo::serve(listener, Speaks::Http, identity, Arc::default())?;
        let (secret, certificate) = certificate(&name, &name)?;
        Ok(Self { name, backend, secret, certificate })
    }

    /// Its objects, the Ingress last.
    pub(super) fn objects(&self) -> Vec<Value> {
        let name = &self.name;
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"ports": [{"port": 80}]},
        });
        let backend = json!({"service": {"name": name, "port": {"number": 80}}});
        let ingress = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name},
            "spec": {
                "tls": [{"hosts": [name], "secretName": name}],
                "rules": [{"host": name, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
            },
        });
        let mut objects = vec![self.secret.clone(), service, slice(name, 0, self.backend), ingress];
        for object in &mut objects {
            object["metadata"]["namespace"] = json!(NAMESPACE);
            object["metadata"]["labels"][LABEL] = json!("");
        }
        objects
    }

    /// Waits until it is served, with its certificate.
    pub(super) async fn is_served_at(&self, entry: &Entry) -> Result<()> {
        eventually("the route that was made last", async || {
            let (answer, shown) = entry.get_tls(&self.name, "/").await?;
            ensure!(shown == self.certificate, "another certificate");
            ensure!(answer.header(SERVICE_HEADER).as_ref() == Some(&self.name), "status {}", answer.status);
            Ok(())
        })
        .await
    }
}
