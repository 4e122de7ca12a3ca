//! Which cluster is read: that of kubectl, unless flags say another.

use crate::settings::{ClusterSettings, Identity, WatchedNamespaces};
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches};
use std::path::PathBuf;

/// The flag for the kubeconfig.
pub(super) fn kubeconfig() -> Arg {
    Arg::new("kubeconfig")
        .long("kubeconfig")
        .value_name("FILE")
        .value_parser(PathBufValueParser::new())
        .conflicts_with("paths")
        .help("Kubeconfig of the cluster. Default: as for kubectl, the files of KUBECONFIG, or ~/.kube/config")
}

/// The other flags. `default` says which namespaces are read without one.
pub(super) fn args(default: &str) -> [Arg; 2] {
    [
        Arg::new("context")
            .long("context")
            .value_name("NAME")
            .help("Context of the kubeconfig. Default: the current one"),
        Arg::new("namespace")
            .long("namespace")
            .short('n')
            .value_name("NAMESPACE")
            .help(format!("Namespace of the cluster that is read. Default: {default}")),
    ]
    .map(|arg| arg.conflicts_with("paths"))
}

/// What they say.
pub(super) fn settings(matches: &ArgMatches, kubeconfig: Option<PathBuf>) -> ClusterSettings {
    let text = |name: &str| matches.get_one::<String>(name);
    let namespace = text("namespace").filter(|namespace| !namespace.is_empty());
    ClusterSettings {
        kubeconfig,
        identity: Identity::User { context: text("context").cloned() },
        namespaces: namespace.map_or(WatchedNamespaces::All, |name| WatchedNamespaces::One(name.as_str().into())),
        ..ClusterSettings::default()
    }
}
