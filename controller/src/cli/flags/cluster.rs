//! The flags about the cluster that objects come from, where they do not come from files.

use super::flag::{Effect, Flag, Shape, Topic};
use crate::settings::WatchedNamespaces;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "kubeconfig",
        shape: Shape::Value("FILE"),
        default: "",
        topic: Topic::Cluster,
        doc: "Kubeconfig file with the API server and the credentials. Without this flag the service account of the \
              Pod is used",
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
        doc: "URL of the API server, in place of that of the kubeconfig or of the Pod. Without --kubeconfig no \
              credentials are sent to it",
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
        doc: "PEM file with the CA certificates that verify the API server at --apiserver-host. It has no effect \
              without that flag",
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
        doc: "Serve only the objects of this namespace; a Role is enough for that. If IngressClasses cannot be read, \
              use --ingress-class-by-name: then Ingresses are served whose class has a name of --ingress-class. \
              Without this flag all namespaces are served",
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
        doc: "Serve only the objects of namespaces whose labels match this selector, such as team=shop. It excludes \
              --watch-namespace",
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
