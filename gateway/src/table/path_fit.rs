//! What a declared path is to that of a request, for the look-up and for what is said of it afterwards.

use crate::config::{PathKind, PathMatching};

/// How a route's path takes that of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFit {
    /// It is the path, byte for byte.
    Equal,
    /// It is a prefix of the path, by whole elements.
    Prefix,
    /// It is the path with a slash at its end: clients are redirected there.
    AddSlash,
    /// Its regular expression matches the beginning of the path.
    Pattern,
    /// It is a location, and the path begins with it, byte for byte.
    TextPrefix,
    /// It is a location whose regular expression matches somewhere in the path.
    Within,
}

/// A declared path without its one trailing slash.
pub(super) fn base(declared: &str) -> &str {
    declared.strip_suffix('/').unwrap_or(declared)
}

/// How an Exact or Prefix path takes a path that begins with its base; `rest` is what follows there, and `has_slash` says
/// whether the declared path has a slash after its base.
///
/// Strict mode ignores the trailing slash of a Prefix path. nginx mode does as ingress-nginx's locations: a Prefix
/// `/foo` makes `= /foo` and `/foo/`, a Prefix `/foo/` only `/foo/`, and nginx redirects to a location that lacks
/// but the slash (`ngx_http_core_find_static_location`, `auto_redirect`).
pub(super) fn fit(kind: PathKind, has_slash: bool, rest: &[u8], mode: PathMatching) -> Option<PathFit> {
    match (rest, kind, has_slash) {
        (_, PathKind::Regex, _) => None,
        ([], PathKind::Exact, false) | ([b'/'], PathKind::Exact, true) => Some(PathFit::Equal),
        ([], _, true) if mode == PathMatching::Nginx => Some(PathFit::AddSlash),
        ([] | [b'/', ..], PathKind::Prefix, _) => Some(PathFit::Prefix),
        _ => None,
    }
}
