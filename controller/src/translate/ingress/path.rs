//! Which paths may be served.

/// The `pathType` of a path, `ImplementationSpecific` being Prefix as in ingress-nginx (P25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    /// `Exact` or `Prefix`: what the API server refuses, is refused.
    Standard,
    /// `ImplementationSpecific`: anything after the first slash.
    ImplementationSpecific,
}

/// Why a path is not served, if it is not.
pub(super) fn refusal(path: &str, declared: Declared) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("is not an absolute path: expected one that begins with '/'");
    }
    if path.chars().any(char::is_control) {
        return Some("contains a control character");
    }
    if has_nginx_directive(path) {
        return Some(
            "contains text that looks like nginx directives or a path of secret files, which ingress-nginx refuses, too",
        );
    }
    if declared == Declared::ImplementationSpecific {
        return None;
    }
    let lower = path.to_ascii_lowercase();
    let hidden = ["//", "/./", "/../", "%2f"].iter().any(|part| lower.contains(part));
    if hidden || lower.ends_with("/.") || lower.ends_with("/..") {
        return Some("contains //, /./, /../ or %2F, which the API server refuses in Exact and Prefix paths");
    }
    None
}

/// Whether an Exact or Prefix path has characters that ingress-nginx's webhook refuses
/// (`strict-validate-path-type`): mostly regular expressions of the wrong `pathType`.
pub(super) fn is_unusual(path: &str, declared: Declared) -> bool {
    declared == Declared::Standard && !path.chars().all(|c| c.is_ascii_alphanumeric() || "/-._".contains(c))
}

/// ingress-nginx's deep inspection (`internal/ingress/inspector/rules.go`). These texts can do no harm here; they are
/// refused because whoever wrote them meant harm (V16).
fn has_nginx_directive(path: &str) -> bool {
    let directive = |name: &str| path.find(name).is_some_and(|at| path[at..].contains(';'));
    let file = |name: &str| path.contains(&format!("/etc/{name}"));
    directive("alias")
        || directive("root")
        || ["passwd", "shadow", "group", "nginx", "ingress-controller"].iter().any(|name| file(name))
        || path.contains("/var/run/secrets")
        || path.contains("_by_lua")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_refused() {
        for path in ["/bla{alias /var/run/secrets/;}location ~* ^/abcd", "/a;root x;", "/x_by_lua", "/etc/passwd"] {
            assert!(refusal(path, Declared::ImplementationSpecific).is_some(), "{path}");
        }
        for path in ["/", "/alias", "/root/x", "/shop(/|$)(.*)"] {
            assert_eq!(refusal(path, Declared::ImplementationSpecific), None, "{path}");
        }
    }

    #[test]
    fn standard_paths_are_those_that_the_api_server_takes() {
        for path in ["x", "", "/a//b", "/a/./b", "/a/../b", "/a%2Fb", "/a/..", "/a/.", "/a\nb"] {
            assert!(refusal(path, Declared::Standard).is_some(), "{path:?}");
        }
        assert_eq!(refusal("/a/.b/..c", Declared::Standard), None);
        assert!(is_unusual("/a(b)", Declared::Standard));
        assert!(!is_unusual("/a(b)", Declared::ImplementationSpecific));
    }
}
