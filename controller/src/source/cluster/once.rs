//! A cluster at one moment, read and not changed: what runs ingress-nginx, and what `adit serve` would have once it has
//! synced.

use super::ClusterSource;
use super::arrival::{Arrival, Page};
use super::watch_set::is_refusal;
use crate::apiserver::{Access, AccessError, ApiFailure, Cause};
use crate::feed::SourceEvent;
use crate::settings::{ClusterSettings, ControllerSettings, WatchedNamespaces};
use crate::source::manifest::{Workload, workload};
use kube::core::Request;
use kube::core::params::ListParams;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the API server may be silent before reading ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Objects in one page of a list.
const PAGE: u32 = 500;

/// Where ingress-nginx mostly is. It is looked for there where no right goes further.
const USUAL_NAMESPACE: &str = "ingress-nginx";

/// What may run ingress-nginx: kind, and name in URLs.
const WORKLOADS: [(&str, &str); 3] =
    [("Deployment", "deployments"), ("DaemonSet", "daemonsets"), ("StatefulSet", "statefulsets")];

/// Why a cluster cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no way to it.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// It cannot be reached, or does not answer as a cluster.
    #[error("cannot read the cluster at {server}: {message}")]
    Unreachable {
        /// Its URL.
        server: String,
        /// What happened.
        message: String,
    },
    /// The credentials are not accepted.
    #[error(
        "the cluster at {server} does not accept the credentials of the kubeconfig, or the certificates do not fit: {message}"
    )]
    Unauthorized {
        /// Its URL.
        server: String,
        /// What it said.
        message: String,
    },
    /// Not even Ingresses may be listed.
    #[error(
        "no Ingress may be read at {server}: {message}; expected the right to list and watch ingresses in the API group \
         \"networking.k8s.io\", in all namespaces, or in that of --namespace"
    )]
    Forbidden {
        /// Its URL.
        server: String,
        /// What it said.
        message: String,
    },
    /// It has stopped to answer.
    #[error("the cluster at {server} has sent nothing for {} seconds", PATIENCE.as_secs())]
    Silent {
        /// Its URL.
        server: String,
    },
}

/// A cluster, to be read.
pub struct ClusterReader {
    runtime: Runtime,
    settings: ClusterSettings,
    access: Access,
}

/// What was read, and what may not be.
#[derive(Debug, Default)]
pub struct Read<T> {
    /// What was read.
    pub content: T,
    /// What may not be read, a sentence each.
    pub forbidden: Vec<String>,
}

impl ClusterReader {
    /// Finds a cluster in which Ingresses may be listed.
    ///
    /// # Errors
    /// There is none.
    pub fn open(settings: ClusterSettings) -> Result<Self, ReadError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AccessError::Thread)?;
        let access = runtime.block_on(Access::open(settings.clone()))?;
        tracing::info!(server = %access.server(), "reading a cluster");
        let reader = Self { runtime, settings, access };
        let namespace = match &reader.settings.namespaces {
            WatchedNamespaces::One(namespace) => Some(&**namespace),
            WatchedNamespaces::All | WatchedNamespaces::Labelled(_) => None,
        };
        let path = path("networking.k8s.io", namespace, "ingresses");
        match reader.list(&path, Some(1), |_| ()) {
            Ok(()) => Ok(reader),
            Err(failure) => Err(reader.error(failure)),
        }
    }

    /// What runs ingress-nginx, in any namespace where that may be seen.
    ///
    /// # Errors
    /// The API server does not answer.
    pub fn workloads(&self) -> Result<Read<Vec<Workload>>, ReadError> {
        let mut read: Read<Vec<Workload>> = Read::default();
        for (kind, plural) in WORKLOADS {
            let mut take = |mut object: Arrival| {
                object.0["kind"] = kind.into();
                read.content.extend(workload(&object.0));
            };
            let Err(everywhere) = self.list_allowed(&path("apps", None, plural), &mut take)? else { continue };
            let note = match self.list_allowed(&path("apps", Some(USUAL_NAMESPACE), plural), &mut take)? {
                Ok(()) => format!("{kind}s are looked at in the namespace {USUAL_NAMESPACE} only: {everywhere}"),
                Err(_) => format!("{kind}s are not looked at: {everywhere}"),
            };
            read.forbidden.push(note);
        }
        Ok(read)
    }

    /// What these settings ask for, with [`SourceEvent::Synced`] last.
    ///
    /// # Errors
    /// The API server stops to answer.
    pub fn objects(
        &self,
        settings: &ControllerSettings,
        namespaces: &WatchedNamespaces,
    ) -> Result<Read<Vec<SourceEvent>>, ReadError> {
        // The zone is that of a Pod.
        let settings = ControllerSettings { topology_aware: false, ..settings.clone() };
        let cluster = ClusterSettings { namespaces: namespaces.clone(), ..self.settings.clone() };
        let mut feed = ClusterSource::new(&settings, &cluster).start()?.0;
        let mut read: Read<Vec<SourceEvent>> = Read::default();
        self.runtime.block_on(async {
            loop {
                let event = tokio::time::timeout(PATIENCE, feed.events.recv()).await.ok().flatten();
                match event.ok_or_else(|| ReadError::Silent { server: self.server() })? {
                    SourceEvent::Problems { part, diagnostics } if is_refusal(&part) => {
                        let said = diagnostics.into_iter().map(|said| format!("{} {}", said.object, said.message));
                        read.forbidden.extend(said);
                    }
                    SourceEvent::Synced => {
                        read.content.push(SourceEvent::Synced);
                        return Ok(read);
                    }
                    event => read.content.push(event),
                }
            }
        })
    }

    /// Lists what a path has, or says why that is forbidden.
    fn list_allowed(&self, path: &str, take: &mut impl FnMut(Arrival)) -> Result<Result<(), String>, ReadError> {
        match self.list(path, None, take) {
            Ok(()) => Ok(Ok(())),
            Err(ApiFailure { cause: Cause::Forbidden, message }) => Ok(Err(message)),
            Err(failure) => Err(self.error(failure)),
        }
    }

    /// Lists what a path has, up to `most`.
    fn list(&self, path: &str, most: Option<u32>, mut take: impl FnMut(Arrival)) -> Result<(), ApiFailure> {
        let request = Request::new(path);
        let mut params = ListParams { limit: Some(most.unwrap_or(PAGE)), ..ListParams::default() };
        loop {
            let request = request.list(&params).map_err(kube::Error::BuildRequest)?;
            let ask = self.access.call(async |client| client.request::<Page>(request).await);
            let answer = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, ask).await });
            let page = answer.map_err(|_| ApiFailure::other("it does not answer in time"))??;
            page.items.into_iter().flatten().for_each(&mut take);
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() || most.is_some() {
                return Ok(());
            }
        }
    }

    fn server(&self) -> String {
        self.access.server().to_string()
    }

    fn error(&self, failure: ApiFailure) -> ReadError {
        let (server, message) = (self.server(), failure.message);
        match failure.cause {
            Cause::Forbidden => ReadError::Forbidden { server, message },
            Cause::Unauthorized => ReadError::Unauthorized { server, message },
            Cause::Lost | Cause::Other => ReadError::Unreachable { server, message },
        }
    }
}

fn path(group: &str, namespace: Option<&str>, plural: &str) -> String {
    let within = namespace.map(|namespace| format!("namespaces/{namespace}/")).unwrap_or_default();
    format!("/apis/{group}/v1/{within}{plural}")
}
