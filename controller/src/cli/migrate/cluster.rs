//! Which cluster is read: that of kubectl, unless flags say another.

use crate::settings::{ClusterSettings, Identity, WatchedNamespaces};
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches};
use std::path::PathBuf;

/// The flags.
pub(super) fn args() -> [Arg; 3] {
    [
        Arg::new("kubeconfig")
            .long("kubeconfig")
            .value_name("FILE")
            .value_parser(PathBufValueParser::new())
            .help("Kubeconfig of the cluster. Default: as for kubectl, the files of KUBECONFIG, or ~/.kube/config"),
        Arg::new("context")
            .long("context")
            .value_name("NAME")
            .help("Context of the kubeconfig. Default: the current one"),
        Arg::new("namespace")
            .long("namespace")
            .short('n')
            .value_name("NAMESPACE")
            .help("Namespace of the cluster that is read. Default: all, or that of --watch-namespace of ingress-nginx"),
    ]
    .map(|arg| arg.conflicts_with("paths"))
}

/// What they say.
pub(super) fn settings(matches: &ArgMatches) -> ClusterSettings {
    let text = |name: &str| matches.get_one::<String>(name);
    let namespace = text("namespace").filter(|namespace| !namespace.is_empty());
    ClusterSettings {
        kubeconfig: matches.get_one::<PathBuf>("kubeconfig").cloned(),
        identity: Identity::User { context: text("context").cloned() },
        namespaces: namespace.map_or(WatchedNamespaces::All, |name| WatchedNamespaces::One(name.as_str().into())),
        ..ClusterSettings::default()
    }
}
