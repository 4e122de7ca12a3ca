//! The flags about the cluster that objects come from, where they do not come from files.

use super::flag::{Effect, Flag, Shape, Topic};
use crate::settings::WatchedNamespaces;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "kubeconfig",
        shape: Shape::Value("FILE"),
        default: "",
        topic: Topic::Cluster,
        doc: "Kubeconfig with the API server and the credentials; without it, those of the Pod",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.kubeconfig = values.last_unless_empty().map(Into::into);
            Ok(())
        }),
    },
    Flag {
        name: "apiserver-host",
        shape: Shape::Value("URL"),
        default: "",
        topic: Topic::Cluster,
        doc: "API server, in place of the kubeconfig's or the Pod's; without a kubeconfig, no credentials are sent to it",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.apiserver = values.last_unless_empty().map(str::to_owned);
            Ok(())
        }),
    },
    Flag {
        name: "certificate-authority",
        shape: Shape::Value("FILE"),
        default: "",
        topic: Topic::Cluster,
        doc: "Authorities of the API server at --apiserver-host, as PEM; counts only with that flag",
        effect: Effect::Sets(|settings, values| {
            settings.cluster.certificate_authority = values.last_unless_empty().map(Into::into);
            Ok(())
        }),
    },
    Flag {
        name: "watch-namespace",
        shape: Shape::Value("NAMESPACE"),
        default: "",
        topic: Topic::Cluster,
        doc: "Serve only this namespace, for which a Role is enough. IngressClasses may then be out of sight: with \
              --ingress-class-by-name, a name of --ingress-class counts without one",
        effect: Effect::Sets(|settings, values| {
            if let Some(namespace) = values.last_unless_empty() {
                settings.cluster.namespaces = WatchedNamespaces::One(namespace.into());
                settings.controller.implied_classes = true;
            }
            Ok(())
        }),
    },
    Flag {
        name: "watch-namespace-selector",
        shape: Shape::Value("SELECTOR"),
        default: "",
        topic: Topic::Cluster,
        doc: "Serve only namespaces with labels of this selector, such as team=shop; not with --watch-namespace",
        effect: Effect::Sets(|settings, values| {
            let Some(selector) = values.last_unless_empty() else { return Ok(()) };
            if let WatchedNamespaces::One(_) = settings.cluster.namespaces {
                return Err("excludes --watch-namespace: expected one of them".into());
            }
            settings.cluster.namespaces = WatchedNamespaces::Labelled(selector.to_owned());
            Ok(())
        }),
    },
];
