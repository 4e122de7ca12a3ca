//! Annotations whose prefix is not the one that counts, though it was probably meant.

use super::entry::Annotation;
use std::collections::BTreeMap;

/// The prefix of the other Ingress controller for nginx, whose annotations have other names.
const OF_F5: [&str; 2] = ["nginx.org", "nginx.com"];

/// What ingress-nginx's prefix was until 2017.
const FORMER: &str = "ingress.kubernetes.io";

/// What is wrong with an annotation of this full name, if it was probably meant to begin with `prefix`.
pub(super) fn complaint(name: &str, prefix: &str) -> Option<String> {
    let (found, key) = name.split_once('/').unwrap_or_else(|| without_slash(name, prefix));
    let known = Annotation::named(key);
    let prefix = known.map_or(prefix, |annotation| annotation.prefix(prefix));
    let is_known = known.is_some();
    let wrong = match found {
        "" if is_known => format!("has no prefix: expected {prefix:?} before a slash"),
        _ if OF_F5.contains(&found) => "is an annotation of F5's controller, and not of ingress-nginx".to_owned(),
        FORMER if is_known => format!("has a former prefix: expected {prefix:?}"),
        _ if is_like(found, prefix) => format!("has a prefix that is not read: expected {prefix:?}"),
        _ => return None,
    };
    let suggestion = if is_known { format!("; did you mean {:?}?", format!("{prefix}/{key}")) } else { String::new() };
    Some(format!("{wrong}; it is ignored{suggestion}"))
}

/// Whether an annotation has the former prefix, and stands there with the one that counts, too.
pub(super) fn has_successor(name: &str, prefix: &str, annotations: &BTreeMap<String, String>) -> bool {
    let key = name.strip_prefix(FORMER).and_then(|rest| rest.strip_prefix('/'));
    key.is_some_and(|key| annotations.contains_key(&format!("{prefix}/{key}")))
}

/// The prefix and the key of a name in which something else stands for the slash, or nothing.
fn without_slash<'a>(name: &'a str, prefix: &'a str) -> (&'a str, &'a str) {
    match name.strip_prefix(prefix) {
        Some(key) => (prefix, key.trim_start_matches(['.', '-', '_', ':'])),
        None => ("", name),
    }
}

/// Whether it is the prefix with an error or two, or its words in another order or form.
fn is_like(found: &str, prefix: &str) -> bool {
    const ERRORS: usize = 2;
    let is_of_kubernetes = found.ends_with("kubernetes.io") || found.ends_with("k8s.io");
    strsim::damerau_levenshtein(found, prefix) <= ERRORS || (found.contains("nginx") && is_of_kubernetes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "nginx.ingress.kubernetes.io";

    #[test]
    fn what_was_meant_for_us_is_told_from_what_was_not() {
        for name in [
            "ingress.nginx.kubernetes.io/app-root",
            "nginx.ingress.kubernets.io/app-root",
            "ngnix.ingress.kubernetes.io/app-root",
            "nginx.ingress.k8s.io/app-root",
            "nginx.kubernetes.io/app-root",
            "ingress.kubernetes.io/app-root",
            "nginx.org/app-root",
            "nginx.ingress.kubernetes.io.app-root",
            "app-root",
        ] {
            let complaint = complaint(name, PREFIX).unwrap_or_else(|| panic!("{name}"));
            assert!(complaint.ends_with("did you mean \"nginx.ingress.kubernetes.io/app-root\"?"), "{complaint}");
        }
        for name in ["adit.de/slow-start", "slow-start"] {
            let complaint = complaint(name, PREFIX).unwrap_or_else(|| panic!("{name}"));
            assert!(complaint.ends_with("did you mean \"adit.dev/slow-start\"?"), "{complaint}");
        }
        assert!(complaint("nginx.org/rewrites", PREFIX).is_some_and(|complaint| complaint.ends_with("it is ignored")));
        for name in [
            "kubernetes.io/ingress.class",
            "ingress.kubernetes.io/ssl-cert",
            "alb.ingress.kubernetes.io/backend-protocol",
            "traefik.ingress.kubernetes.io/router.entrypoints",
            "haproxy.org/ssl-redirect",
            "cert-manager.io/cluster-issuer",
            "description",
        ] {
            assert_eq!(complaint(name, PREFIX), None);
        }
    }

    #[test]
    fn who_sets_both_prefixes_has_meant_it() {
        let names = ["ingress.kubernetes.io/app-root", "nginx.ingress.kubernetes.io/app-root"];
        let annotations = names.map(|name| (name.to_owned(), "/shop".to_owned())).into();
        assert!(has_successor(names[0], PREFIX, &annotations));
        for name in ["ingress.kubernetes.io/ssl-redirect", "ingress.kubernetes.io", "nginx.org/app-root"] {
            assert!(!has_successor(name, PREFIX, &annotations), "{name}");
        }
    }
}
