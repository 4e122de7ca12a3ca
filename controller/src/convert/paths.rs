//! The paths of a host as those of HTTPRoutes: which route takes which path.
//!
//! Below a path that ends with a slash, an Ingress in nginx mode takes what lies there, and redirects who leaves the slash out.
//! An HTTPRoute takes both alike. So what is asked is who takes a path itself, and who takes what lies below it.

use super::patterns;
use gateway::config::{PathKind, PathMatch, PathMatching, Route};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The longest path of an HTTPRoute.
const LONGEST: usize = 1024;

/// A path, and who takes the requests for it.
#[derive(Clone, Debug)]
pub(super) struct Taken<'a> {
    pub(super) kind: &'static str,
    pub(super) path: String,
    pub(super) route: &'a Route,
    /// They are redirected to the path of the route, which has a slash more.
    pub(super) adds_slash: bool,
}

/// Why a route's path has no counterpart.
pub(super) type Fault<'a> = (&'a Route, String);

impl Taken<'_> {
    /// As it stands in a match.
    pub(super) fn value(&self) -> Value {
        json!({"type": self.kind, "value": self.path})
    }

    /// Whether it takes all that no other path takes.
    pub(super) fn is_root(&self) -> bool {
        self.kind == PREFIX && self.path == "/"
    }

    /// Whether it takes `/` and nothing else.
    pub(super) fn is_exact_root(&self) -> bool {
        self.kind == EXACT && self.path == "/"
    }

    /// Its place among the paths of a host, as HTTPRoutes are read.
    fn place(&self) -> Option<PathMatch> {
        let of = |kind, value: &str| PathMatch { kind, value: value.into() };
        match self.kind {
            PREFIX => Some(of(PathKind::Prefix, &self.path)),
            REGEX => Some(of(PathKind::Regex, &format!("(?-i:{})$", self.path))),
            _ => None,
        }
    }
}

const EXACT: &str = "Exact";
const PREFIX: &str = "PathPrefix";
const REGEX: &str = "RegularExpression";

/// Who takes which paths of a host.
///
/// # Errors
/// The first route that cannot be had.
pub(super) fn of_host(routes: &[Route], mode: PathMatching) -> Result<Vec<Taken<'_>>, Fault<'_>> {
    let mut bases: BTreeMap<&str, Base<'_>> = BTreeMap::new();
    let mut taken = Vec::new();
    for route in routes {
        let PathMatch { kind, value } = &route.matches.path;
        if *kind == PathKind::Regex {
            taken.push(of_pattern(route)?);
        } else {
            check(value).map_err(|fault| (route, fault))?;
            let base = value.strip_suffix('/').unwrap_or(value);
            bases.entry(base).or_default().add(*kind, base.len() < value.len(), route);
        }
    }
    taken.extend(bases.into_iter().flat_map(|(base, routes)| routes.taken(base, mode)));
    check_order(&taken)?;
    Ok(taken)
}

fn of_pattern(route: &Route) -> Result<Taken<'_>, Fault<'_>> {
    let value = &route.matches.path.value;
    let (kind, path) = match &**value {
        "/" => (PREFIX, "/".to_owned()),
        pattern => {
            let why =
                |fault: String| (route, format!("is a regular expression that an HTTPRoute cannot have: it {fault}"));
            (REGEX, patterns::of_path(pattern).map_err(why)?)
        }
    };
    if path.len() > LONGEST {
        return Err((route, format!("is longer than the {LONGEST} bytes that a path of an HTTPRoute may have")));
    }
    Ok(Taken { kind, path, route, adds_slash: false })
}

/// Whether an HTTPRoute may have this path.
fn check(path: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(c);
    if path.len() > LONGEST || !path.chars().all(is_allowed) {
        let expected = "letters, digits and /-._~!$&'()*+,;=:@% only";
        return Err(format!("is no path that an HTTPRoute may have: expected {expected}, and at most {LONGEST} bytes"));
    }
    let lower = path.to_ascii_lowercase();
    let hidden = ["//", "/./", "/../", "%2f"].iter().any(|part| lower.contains(part));
    if hidden || lower.ends_with("/.") || lower.ends_with("/..") {
        return Err("has //, /./, /../ or %2F, which no path of an HTTPRoute may have".to_owned());
    }
    Ok(())
}

/// Longer paths come first in both; what is added to regular expressions must not change who comes before whom.
fn check_order<'a>(taken: &[Taken<'a>]) -> Result<(), Fault<'a>> {
    let mut places: Vec<_> = taken.iter().filter_map(|taken| Some((taken, taken.place()?))).collect();
    places.sort_by(|(a, _), (b, _)| a.route.matches.path.cmp(&b.route.matches.path));
    match places.windows(2).find(|pair| pair[0].1 > pair[1].1) {
        Some(pair) => Err((
            pair[0].0.route,
            format!(
                "comes before {:?} in an Ingress, and after it in an HTTPRoute, where the longer expression counts",
                pair[1].0.route.matches.path.value
            ),
        )),
        None => Ok(()),
    }
}

/// The routes of one path, with and without a slash at its end.
#[derive(Default)]
struct Base<'a> {
    exact_bare: Option<&'a Route>,
    exact_slash: Option<&'a Route>,
    prefix_bare: Option<&'a Route>,
    prefix_slash: Option<&'a Route>,
}

impl<'a> Base<'a> {
    fn add(&mut self, kind: PathKind, has_slash: bool, route: &'a Route) {
        let slot = match (kind, has_slash) {
            (PathKind::Exact, false) => &mut self.exact_bare,
            (PathKind::Exact, true) => &mut self.exact_slash,
            (_, false) => &mut self.prefix_bare,
            (_, true) => &mut self.prefix_slash,
        };
        slot.get_or_insert(route);
    }

    fn taken(&self, base: &str, mode: PathMatching) -> Vec<Taken<'a>> {
        let below = self.prefix_slash.or(self.prefix_bare);
        let mut taken = Vec::new();
        if let Some(route) = below {
            let path = if base.is_empty() { "/" } else { base };
            taken.push(Taken { kind: PREFIX, path: path.to_owned(), route, adds_slash: false });
        }
        if let Some((route, adds_slash)) = self.itself(mode).filter(|_| !base.is_empty())
            && (adds_slash || below.is_none_or(|below| !std::ptr::eq(below, route)))
        {
            taken.push(Taken { kind: EXACT, path: base.to_owned(), route, adds_slash });
        }
        if let Some(route) = self.exact_slash {
            taken.push(Taken { kind: EXACT, path: format!("{base}/"), route, adds_slash: false });
        }
        taken
    }

    /// Who takes the path itself, and whether that only adds a slash.
    fn itself(&self, mode: PathMatching) -> Option<(&'a Route, bool)> {
        let adding = |route: &&Route| mode == PathMatching::Nginx && route.policies.add_slash;
        let equal = match mode {
            PathMatching::Nginx => self.exact_bare.or(self.prefix_bare),
            PathMatching::Strict => self.exact_bare.or(self.prefix_slash).or(self.prefix_bare),
        };
        let slash = || self.exact_slash.filter(adding).or(self.prefix_slash.filter(adding));
        equal.map(|route| (route, false)).or_else(|| slash().map(|route| (route, true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::config::{Action, Origin, Owner, RouteMatch, Subject};
    use std::sync::Arc;

    fn route(kind: PathKind, path: &str) -> Route {
        Route {
            origin: Origin::new(Subject::other("Ingress a/b"), path),
            owner: Owner::default(),
            matches: RouteMatch::path(kind, path),
            action: Action::Reply(200),
            policies: Arc::default(),
            locations: Arc::default(),
        }
    }

    /// Each path with the route that takes it.
    fn taken(routes: &[(PathKind, &str)], mode: PathMatching) -> Vec<String> {
        let routes: Vec<_> = routes.iter().map(|(kind, path)| route(*kind, path)).collect();
        let shown = |taken: &Taken<'_>| {
            let slash = if taken.adds_slash { " adds a slash" } else { "" };
            format!("{} {}: {}{slash}", taken.kind, taken.path, taken.route.origin.field)
        };
        of_host(&routes, mode).expect("paths").iter().map(shown).collect()
    }

    #[test]
    fn a_slash_is_added_in_nginx_mode() {
        let routes = [(PathKind::Prefix, "/a/"), (PathKind::Prefix, "/")];
        let of_all = ["PathPrefix /: /", "PathPrefix /a: /a/"];
        assert_eq!(taken(&routes, PathMatching::Strict), of_all);
        let mut nginx = of_all.to_vec();
        nginx.push("Exact /a: /a/ adds a slash");
        assert_eq!(taken(&routes, PathMatching::Nginx), nginx);
    }

    #[test]
    fn who_takes_a_path_need_not_take_what_lies_below() {
        use PathKind::{Exact, Prefix};
        for (routes, nginx) in [
            (&[(Prefix, "/a"), (Prefix, "/a/")][..], &["PathPrefix /a: /a/", "Exact /a: /a"][..]),
            (&[(Exact, "/a"), (Prefix, "/a")], &["PathPrefix /a: /a", "Exact /a: /a"]),
            (&[(Exact, "/a/")], &["Exact /a: /a/ adds a slash", "Exact /a/: /a/"]),
            (&[(Exact, "/")], &["Exact /: /"]),
            (&[(Exact, "/a/"), (Prefix, "/a")], &["PathPrefix /a: /a", "Exact /a/: /a/"]),
        ] {
            assert_eq!(taken(routes, PathMatching::Nginx), nginx, "{routes:?}");
        }
    }

    #[test]
    fn regular_expressions_keep_their_order() {
        let routes = [(PathKind::Regex, "/a.*"), (PathKind::Regex, "/ab"), (PathKind::Regex, "/")];
        assert_eq!(
            taken(&routes, PathMatching::Nginx),
            ["RegularExpression (?i)/a.*(?s:.*): /a.*", "RegularExpression (?i)/ab(?s:.*): /ab", "PathPrefix /: /"]
        );
        let mixed = [route(PathKind::Prefix, "/abcdef"), route(PathKind::Regex, "/a.*")];
        let (at, fault) = of_host(&mixed, PathMatching::Strict).expect_err("another order");
        assert_eq!(&*at.origin.field, "/abcdef");
        assert!(fault.contains("\"/a.*\""), "{fault}");
    }

    #[test]
    fn what_no_route_may_have_is_told() {
        for path in ["/a b", "/a//b", "/a/..", "/ä", "/a%2Fb"] {
            assert!(of_host(&[route(PathKind::Prefix, path)], PathMatching::Nginx).is_err(), "{path}");
        }
    }
}
