//! The cluster that all controllers follow, one after another. It grows.

use crate::api_server::ApiServer;
use crate::backends::{Answerer, Backends};
use crate::objects;
use crate::routing::{Identity, Routing};
use anyhow::Result;
use std::path::Path;
use std::sync::Arc;

/// An API server with Ingresses or HTTPRoutes, and what these lead to.
pub(crate) struct Cluster {
    pub(crate) api: Arc<ApiServer>,
    pub(crate) routing: Routing,
    backends: Backends,
    /// Ingresses that have a certificate.
    secrets: usize,
    /// Where the middle path of each object leads to.
    answerers: Vec<Answerer>,
    /// Controllers that have followed it.
    controllers: usize,
}

impl Cluster {
    /// An empty one for Ingresses. So many of them will have a certificate.
    ///
    /// # Errors
    /// The API server or the backends cannot be started.
    pub(crate) async fn of_ingresses(secrets: usize) -> Result<Self> {
        Self::start(ApiServer::start().await?, Routing::Ingress, secrets).await
    }

    /// The same for HTTPRoutes, of which none has a certificate. The CustomResourceDefinitions of Gateway API are in a folder.
    ///
    /// # Errors
    /// As above; or the folder cannot be read.
    pub(crate) async fn of_http_routes(definitions: &Path) -> Result<Self> {
        let api = ApiServer::start().await?;
        api.define(definitions, Routing::HttpRoute.collection()).await?;
        Self::start(api, Routing::HttpRoute, 0).await
    }

    async fn start(api: ApiServer, routing: Routing, secrets: usize) -> Result<Self> {
        let backends = Backends::start()?;
        api.create(objects::shared(&backends).into_iter().chain(routing.shared()).collect()).await?;
        Ok(Self { api: Arc::new(api), routing, backends, secrets, answerers: Vec::new(), controllers: 0 })
    }

    /// How many objects route.
    pub(crate) fn size(&self) -> usize {
        self.answerers.len()
    }

    /// Lets it have so many of them.
    ///
    /// # Errors
    /// The API server refuses an object.
    pub(crate) async fn grow(&mut self, size: usize) -> Result<()> {
        let more = objects::of(self.routing, self.size()..size, self.secrets, &self.backends)?;
        self.api.create(more).await?;
        self.answerers.resize(size, Answerer::First);
        Ok(())
    }

    /// Makes way for the next controller, whose statuses nobody has written yet.
    ///
    /// # Errors
    /// The API server refuses the class of its Gateway.
    pub(crate) async fn next_controller(&mut self) -> Result<Identity> {
        self.controllers += 1;
        let number = self.controllers;
        let identity =
            Identity { address: format!("198.51.100.{number}"), controller: format!("adit.dev/scale-{number}") };
        if self.routing == Routing::HttpRoute {
            self.api.take_gateway(&format!("scale-{number}"), &identity.controller).await?;
        }
        Ok(identity)
    }

    /// Who is to answer for an object from now on: the one that did not.
    pub(crate) fn toggle(&mut self, number: usize) -> Answerer {
        let answerer = &mut self.answerers[number];
        *answerer = answerer.opposite();
        *answerer
    }
}
