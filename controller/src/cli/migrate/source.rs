//! What is read: objects, and the arguments that say how ingress-nginx reads them.

use crate::cli::flags::{Judged, judge};
use crate::cli::snapshot::{Objects, Snapshot};
use crate::object::NamespacedName;
use crate::settings::{ClusterSettings, ControllerSettings, Settings, WatchedNamespaces};
use crate::source::cluster::{ClusterReader, ReadError};
use crate::source::manifest::Workload;
use std::path::PathBuf;

/// Objects as Adit would serve them with the arguments of an ingress-nginx.
pub(super) struct Source {
    pub(super) snapshot: Snapshot,
    /// What the settings of the gateway are read from, if that is known.
    pub(super) configmap: Option<NamespacedName>,
    /// Where the arguments come from; `None` if there are none.
    pub(super) origin: Option<String>,
    /// What becomes of them.
    pub(super) arguments: Vec<Judged>,
    /// What a person should know about this.
    pub(super) notes: Vec<String>,
}

impl Source {
    /// Reads files and directories. `args` are arguments as one text, in place of those of a workload among the objects.
    pub(super) fn read(paths: &[PathBuf], args: Option<&str>) -> Self {
        let objects = Objects::read(paths);
        let mut notes = Vec::new();
        let given = arguments(args, &objects.workloads, &mut notes);
        Self::of(objects, given, notes)
    }

    /// Reads a cluster, all of it or the namespaces of its settings; the rest is the same.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read_cluster(cluster: ClusterSettings, args: Option<&str>) -> Result<Self, ReadError> {
        let asked = cluster.namespaces.clone();
        let reader = ClusterReader::open(cluster)?;
        let (mut notes, mut workloads) = (Vec::new(), Vec::new());
        if args.is_none() {
            let read = reader.workloads()?;
            (workloads, notes) = (read.content, read.forbidden);
        }
        let given = arguments(args, &workloads, &mut notes);
        let (settings, _) = judge(&given.1, defaults(Some(usual_configmap()), given.0.is_some()));
        let namespaces = if asked == WatchedNamespaces::All { settings.cluster.namespaces } else { asked };
        let read = reader.objects(&settings.controller, &namespaces)?;
        notes.extend(read.forbidden);
        Ok(Self::of(Objects::of_cluster(read.content), given, notes))
    }

    fn of(objects: Objects, (origin, args): (Option<String>, Vec<String>), mut notes: Vec<String>) -> Self {
        let usual = usual_configmap();
        let configmap = objects.store.config_map(&usual.namespace, &usual.name).is_some().then_some(usual);
        let (settings, arguments) = judge(&args, defaults(configmap, origin.is_some()));
        let configmap = settings.controller.configmap.clone();
        let snapshot = objects.translate(settings.controller);
        let is_absent = |name: &&NamespacedName| snapshot.store.config_map(&name.namespace, &name.name).is_none();
        notes.extend(configmap.iter().filter(is_absent).map(|name| {
            format!("ConfigMap {name} is not there: the settings in it are not looked at, and have their defaults")
        }));
        if configmap.is_none() {
            notes.push("there is no --configmap: the settings of the gateway have their defaults".to_owned());
        }
        Self { snapshot, configmap, origin, arguments, notes }
    }
}

/// The arguments, and where they come from.
fn arguments(given: Option<&str>, workloads: &[Workload], notes: &mut Vec<String>) -> (Option<String>, Vec<String>) {
    if let Some(given) = given {
        return (Some("--args".to_owned()), given.split_whitespace().map(str::to_owned).collect());
    }
    let [first, others @ ..] = workloads else {
        let note = "no Deployment or DaemonSet of ingress-nginx is found, and no --args: its arguments have their defaults, and \
                    Ingresses without a class count";
        notes.push(note.to_owned());
        return (None, Vec::new());
    };
    notes.extend(
        others.iter().map(|other| {
            format!("{} is not looked at: {} comes before it; --args replaces both", other.name, first.name)
        }),
    );
    (Some(first.name.clone()), first.args.clone())
}

/// The ConfigMap of an ingress-nginx whose arguments name none.
fn usual_configmap() -> NamespacedName {
    NamespacedName { namespace: "ingress-nginx".into(), name: "ingress-nginx-controller".into() }
}

/// The settings of an ingress-nginx without arguments. Its class needs no IngressClass, which
/// may not be among the objects. Where its arguments are known, Ingresses without a class are not its own.
fn defaults(configmap: Option<NamespacedName>, has_arguments: bool) -> Settings {
    let controller = ControllerSettings {
        controller_classes: vec!["k8s.io/ingress-nginx".into()],
        ingress_classes: vec!["nginx".into()],
        without_class: !has_arguments,
        configmap,
        ..ControllerSettings::default()
    };
    Settings { controller, ..Settings::default() }
}
