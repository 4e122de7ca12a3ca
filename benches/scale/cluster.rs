//! The cluster that all controllers follow, one after another. It grows.

use crate::api_server::ApiServer;
use crate::backends::{Answerer, Backends};
use crate::objects;
use anyhow::Result;
use std::sync::Arc;

/// An API server with Ingresses, and what these lead to.
pub(crate) struct Cluster {
    pub(crate) api: Arc<ApiServer>,
    backends: Backends,
    /// Ingresses that have a certificate.
    secrets: usize,
    /// Where the middle path of each Ingress leads to.
    answerers: Vec<Answerer>,
    /// Controllers that had an address for statuses.
    controllers: usize,
}

impl Cluster {
    /// An empty one. So many of its Ingresses will have a certificate.
    ///
    /// # Errors
    /// The API server or the backends cannot be started.
    pub(crate) async fn start(secrets: usize) -> Result<Self> {
        let (api, backends) = (ApiServer::start().await?, Backends::start()?);
        api.create(objects::shared(&backends)).await?;
        Ok(Self { api: Arc::new(api), backends, secrets, answerers: Vec::new(), controllers: 0 })
    }

    /// How many Ingresses it has.
    pub(crate) fn ingresses(&self) -> usize {
        self.answerers.len()
    }

    /// Lets it have so many Ingresses.
    ///
    /// # Errors
    /// The API server refuses an object.
    pub(crate) async fn grow(&mut self, ingresses: usize) -> Result<()> {
        let more = objects::of_ingresses(self.ingresses()..ingresses, self.secrets, &self.backends)?;
        self.api.create(more).await?;
        self.answerers.resize(ingresses, Answerer::First);
        Ok(())
    }

    /// An address that no status has yet.
    pub(crate) fn new_status_address(&mut self) -> String {
        self.controllers += 1;
        format!("198.51.100.{}", self.controllers)
    }

    /// Who is to answer for an Ingress from now on: the one that did not.
    pub(crate) fn toggle(&mut self, ingress: usize) -> Answerer {
        let answerer = &mut self.answerers[ingress];
        *answerer = answerer.opposite();
        *answerer
    }
}
