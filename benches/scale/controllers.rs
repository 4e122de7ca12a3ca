//! The controllers that are compared.

use crate::api_server::ApiServer;
use crate::objects::SETTINGS;
use crate::routing::{INGRESS_CONTROLLER, Identity, Routing};
use anyhow::Result;
use benches::cores::Shares;
use benches::process::{Process, free_address};
use benches::programs::{Folders, version};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// A controller whose program is there.
pub(crate) struct Controller {
    pub(crate) kind: Kind,
    pub(crate) version: String,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Adit,
    Traefik,
}

/// One that runs. It ends when this is dropped.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) http: SocketAddr,
    pub(crate) started: Instant,
    _folder: TempDir,
}

/// Where it listens, and what it may need.
struct Place<'p> {
    folder: &'p Path,
    api: &'p ApiServer,
    http: SocketAddr,
    https: SocketAddr,
    admin: SocketAddr,
    identity: &'p Identity,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Adit, Self::Traefik];

    /// How it is called in a report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Adit => "Adit",
            Self::Traefik => "Traefik",
        }
    }

    /// Whether it writes statuses here. Traefik does so before it serves, one after another and five a second.
    pub(crate) fn writes_statuses(self) -> bool {
        self == Self::Adit
    }

    /// Whether it is asked to follow such objects. Traefik's listeners of Gateways need ports of their own.
    pub(crate) fn follows(self, routing: Routing) -> bool {
        self == Self::Adit || routing == Routing::Ingress
    }

    fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::Adit => ("adit", "--version"),
            Self::Traefik => ("traefik", "version"),
        }
    }

    fn arguments(self, place: &Place<'_>) -> Vec<String> {
        let Place { folder, api, http, https, admin, identity } = place;
        match self {
            Self::Adit => vec![
                "serve".to_owned(),
                "--workers=1".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                "--healthz-host=127.0.0.1".to_owned(),
                format!("--http-port={}", http.port()),
                format!("--https-port={}", https.port()),
                format!("--healthz-port={}", admin.port()),
                format!("--kubeconfig={}", api.kubeconfig.display()),
                format!("--controller-class={INGRESS_CONTROLLER}"),
                format!("--gateway-controller={}", identity.controller),
                format!("--configmap=default/{SETTINGS}"),
                format!("--publish-status-address={}", identity.address),
                format!("--access-log-path={}", folder.join("access.log").display()),
                "--shutdown-grace-period=0".to_owned(),
                "--log-level=warn".to_owned(),
            ],
            Self::Traefik => vec![
                "--global.checknewversion=false".to_owned(),
                "--global.sendanonymoususage=false".to_owned(),
                "--log.level=ERROR".to_owned(),
                format!("--entrypoints.web.address={http}"),
                format!("--entrypoints.websecure.address={https}"),
                "--entrypoints.websecure.http.tls=true".to_owned(),
                format!("--accesslog.filepath={}", folder.join("access.log").display()),
                "--accesslog.bufferingsize=1000".to_owned(),
                "--providers.kubernetesingressnginx=true".to_owned(),
            ],
        }
    }
}

impl Controller {
    /// Starts it on its share of the processors.
    ///
    /// # Errors
    /// It cannot be started, or does not listen in time.
    pub(crate) fn start(&self, api: &ApiServer, shares: &Shares, identity: &Identity) -> Result<Running> {
        let folder = tempfile::tempdir()?;
        let [http, https, admin] = [free_address()?, free_address()?, free_address()?];
        let place = Place { folder: folder.path(), api, http, https, admin, identity };
        let mut command = shares.command(&self.path);
        command.args(self.kind.arguments(&place)).env("KUBECONFIG", &api.kubeconfig);
        let started = Instant::now();
        let process = Process::start_with_output(&mut command, &[http], &folder.path().join("output"))?;
        Ok(Running { process, http, started, _folder: folder })
    }
}

/// Those whose programs are there, and the names of the others.
///
/// # Errors
/// As [`Folders::new`].
pub(crate) fn find(tools: &Path) -> Result<(Vec<Controller>, Vec<&'static str>)> {
    let folders = Folders::new(tools)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        let (program, argument) = kind.program();
        match folders.find(program) {
            Some(path) => found.push(Controller { kind, version: version(&path, argument), path }),
            None => missing.push(kind.name()),
        }
    }
    Ok((found, missing))
}
