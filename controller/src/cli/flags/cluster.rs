//! The flags about the cluster that objects come from, where they do not come from files.

use super::flag::{Flag, Shape};
use crate::settings::WatchedNamespaces;

pub(super) const FLAGS: &[Flag] = &[
    Flag::full(
        "kubeconfig",
        Shape::Value("FILE"),
        "",
        "Kubeconfig file with the API server and the credentials. Without this flag the service account of the Pod \
         is used",
        |values, settings| {
            settings.cluster.kubeconfig = values.last_unless_empty().map(Into::into);
            Ok(())
        },
    ),
    Flag::full(
        "apiserver-host",
        Shape::Value("URL"),
        "",
        "URL of the API server, in place of that of the kubeconfig or of the Pod. Without --kubeconfig no \
         credentials are sent to it",
        |values, settings| {
            settings.cluster.apiserver = values.last_unless_empty().map(str::to_owned);
            Ok(())
        },
    ),
    Flag::full(
        "certificate-authority",
        Shape::Value("FILE"),
        "",
        "PEM file with the CA certificates that verify the API server at --apiserver-host. It has no effect without \
         that flag",
        |values, settings| {
            settings.cluster.certificate_authority = values.last_unless_empty().map(Into::into);
            Ok(())
        },
    ),
    Flag::full(
        "watch-namespace",
        Shape::Value("NAMESPACE"),
        "",
        "Serve only the objects of this namespace; a Role is enough for that. If IngressClasses cannot be read, use \
         --ingress-class-by-name: then Ingresses are served whose class has a name of --ingress-class. Without this \
         flag all namespaces are served",
        |values, settings| {
            if let Some(namespace) = values.last_unless_empty() {
                settings.cluster.namespaces = WatchedNamespaces::One(namespace.into());
                settings.controller.implied_classes = true;
            }
            Ok(())
        },
    ),
    Flag::full(
        "watch-namespace-selector",
        Shape::Value("SELECTOR"),
        "",
        "Serve only the objects of namespaces whose labels match this selector, such as team=shop. It excludes \
         --watch-namespace",
        |values, settings| {
            let Some(selector) = values.last_unless_empty() else { return Ok(()) };
            if let WatchedNamespaces::One(_) = settings.cluster.namespaces {
                return Err("excludes --watch-namespace: expected one of them".into());
            }
            settings.cluster.namespaces = WatchedNamespaces::Labelled(selector.to_owned());
            Ok(())
        },
    ),
];
