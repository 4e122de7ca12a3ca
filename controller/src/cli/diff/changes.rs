//! What differs between two versions: by host its routes, certificates and policies, then what is of no host.

use super::fields::differences;
use super::versions::Versions;
use crate::cli::snapshot::Snapshot;
use crate::diagnostic::{Place, shown};
use crate::object::ObjectKey;
use gateway::config::{
    Action, Certificate, EntryPoint, HostName, HttpPort, Location, Origin, Route, RouteBackend, StreamBackend,
    StreamListener, Subject, TlsRoute, VirtualHost, WwwRedirect,
};
use gateway::table::Streams;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Only the new version has it.
    Added,
    /// Only the old version has it.
    Removed,
    /// Both have it.
    Changed,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// The host; empty for what is of no host.
    pub(super) host: String,
    /// Such as `route Prefix /cart` or `certificate`.
    pub(super) what: String,
    /// The object that it comes from, if it is one: of the new version, if that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
    /// Where that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
    /// What it is, or what of it differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
}

/// Something that one version has: its details as they are shown, and what it comes from.
struct Part<'v, T> {
    value: &'v T,
    shown: String,
    origin: Option<&'v Origin>,
}

/// All that differs.
pub(super) fn changes(versions: &Versions) -> Vec<Change> {
    let Versions { old, new } = versions;
    let of_all = |side: &Snapshot| side.translator.hosts().map(|host| (None, host.name.clone())).collect::<Vec<_>>();
    let of_one = |side: &Snapshot| {
        let hosts = side.translator.entry_hosts();
        hosts.map(|(entry, host)| (Some(entry), host.name.clone())).collect::<Vec<_>>()
    };
    let places: BTreeSet<_> = [old, new].iter().flat_map(|side| [of_all(side), of_one(side)].concat()).collect();
    let mut changes: Vec<_> = places.iter().flat_map(|(entry, name)| of_host(versions, *entry, name)).collect();
    changes.extend(of_ports(versions));
    let settings = [old, new].map(|side| side.translator.settings());
    if let [Some(before), Some(after)] = settings
        && before != after
    {
        let details = differences(&**before, &**after);
        let what = "settings of the gateway".to_owned();
        changes.push(Change { kind: Kind::Changed, host: String::new(), what, object: None, place: None, details });
    }
    changes
}

/// What differs of a host of all entry points, or of one.
fn of_host(versions: &Versions, entry: Option<EntryPoint>, name: &HostName) -> Vec<Change> {
    let [before, after] = [&versions.old, &versions.new].map(|side| {
        let host = entry.map_or_else(|| side.translator.host(name), |entry| side.translator.host_at(entry, name));
        host.map(|host| &**host)
    });
    if before == after {
        return Vec::new();
    }
    let host = EntryPoint::title(entry, name);
    let mut differ = Differ { versions, host, changes: Vec::new() };
    let route = |before: &Route, after: &Route| of_route(versions, before, after);
    differ.all(before.map(routes).unwrap_or_default(), after.map(routes).unwrap_or_default(), route);
    differ.all(before.map(certificates).unwrap_or_default(), after.map(certificates).unwrap_or_default(), |_, _| {
        vec!["another certificate or key".to_owned()]
    });
    differ.all(before.map(redirect).unwrap_or_default(), after.map(redirect).unwrap_or_default(), differences);
    differ.all(before.map(tls_route).unwrap_or_default(), after.map(tls_route).unwrap_or_default(), differences);
    if let (Some(before), Some(after)) = (before, after) {
        if before.policies != after.policies {
            let details = differences(&before.policies, &after.policies);
            differ.add(Kind::Changed, "policies of the host".to_owned(), None, details);
        }
        if before.locations != after.locations {
            differ.add(
                Kind::Changed,
                "locations of snippets".to_owned(),
                None,
                locations(&before.locations, &after.locations),
            );
        }
    }
    differ.changes
}

type Parts<'v, T> = BTreeMap<String, Part<'v, T>>;

/// Finds changes of one host.
struct Differ<'v> {
    versions: &'v Versions,
    host: String,
    changes: Vec<Change>,
}

impl Differ<'_> {
    /// Compares parts by their names.
    fn all<T: PartialEq>(&mut self, old: Parts<'_, T>, mut new: Parts<'_, T>, details: impl Fn(&T, &T) -> Vec<String>) {
        for (what, before) in old {
            match new.remove(&what) {
                None => self.add(Kind::Removed, what, before.origin, vec![before.shown]),
                Some(after) if before.value != after.value => {
                    let mut details = details(before.value, after.value);
                    if before.shown != after.shown {
                        details.insert(0, format!("{} -> {}", before.shown, after.shown));
                    }
                    // Only its place within its object is another one.
                    if !details.is_empty() {
                        self.add(Kind::Changed, what, after.origin, details);
                    }
                }
                Some(_) => {}
            }
        }
        for (what, after) in new {
            self.add(Kind::Added, what, after.origin, vec![after.shown]);
        }
    }

    fn add(&mut self, kind: Kind, what: String, origin: Option<&Origin>, details: Vec<String>) {
        let side = if kind == Kind::Removed { &self.versions.old } else { &self.versions.new };
        let place = origin.and_then(|origin| side.place(&origin.object)).cloned();
        let object = origin.map(|origin| origin.object.to_string());
        self.changes.push(Change { kind, host: self.host.clone(), what, object, place, details });
    }
}

/// The routes by what they match. Of two that match the same the first counts.
fn routes(host: &VirtualHost) -> Parts<'_, Route> {
    let mut routes = BTreeMap::new();
    for route in &host.routes {
        let path = &route.matches.path;
        let mut what = format!("route {:?} {}", path.kind, path.value);
        if let Some(method) = &route.matches.method {
            what.push_str(&format!(" {method}"));
        }
        for (name, wanted) in
            [("headers", format!("{:?}", route.matches.headers)), ("query", format!("{:?}", route.matches.query))]
        {
            if wanted != "[]" {
                what.push_str(&format!(" {name} {wanted}"));
            }
        }
        let part = Part { value: route, shown: action(&route.action), origin: Some(&route.origin) };
        routes.entry(what).or_insert(part);
    }
    routes
}

fn of_route(versions: &Versions, old: &Route, new: &Route) -> Vec<String> {
    let mut details = annotations(versions, &old.origin.object, &new.origin.object);
    if old.origin.object != new.origin.object {
        details.push(format!("of {} -> {}", old.origin.object, new.origin.object));
    }
    details.extend(differences(&old.policies, &new.policies));
    if let (Action::Forward(before), Action::Forward(after)) = (&old.action, &new.action) {
        let pairs = before.iter().zip(after.iter()).filter(|(before, after)| before.backend == after.backend);
        details.extend(pairs.flat_map(|(before, after)| of_backend(before, after)));
    }
    if old.locations != new.locations {
        details.extend(locations(&old.locations, &new.locations));
    }
    details
}

/// The annotations by which two Ingresses differ.
fn annotations(versions: &Versions, old: &Subject, new: &Subject) -> Vec<String> {
    let applied = |side: &Snapshot, object: &Subject| -> BTreeMap<&'static str, Arc<str>> {
        let applied = ObjectKey::of(object).map(|key| side.translator.applied(&key).to_vec()).unwrap_or_default();
        applied.into_iter().map(|applied| (applied.key, applied.value)).collect()
    };
    let (old, new) = (applied(&versions.old, old), applied(&versions.new, new));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let value = |value: Option<&Arc<str>>| value.map_or("nothing".to_owned(), |value| format!("{:?}", shown(value)));
    let differing = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differing.map(|name| format!("annotation {name}: {} -> {}", value(old.get(name)), value(new.get(name)))).collect()
}

/// What of a backend differs that [`action`] does not show.
fn of_backend(old: &RouteBackend, new: &RouteBackend) -> Vec<String> {
    let mut details = differences(&old.policies, &new.policies);
    for (name, before, after) in [
        ("affinity", format!("{:?}", old.affinity), format!("{:?}", new.affinity)),
        ("when", format!("{:?}", old.when), format!("{:?}", new.when)),
    ] {
        if before != after {
            details.push(format!("{name}: {} -> {}", shown(&before), shown(&after)));
        }
    }
    details
}

/// What a route does, as far as it fits a line.
fn action(action: &Action) -> String {
    match action {
        Action::Forward(backends) => {
            let is_one = backends.len() == 1;
            let backend = |backend: &RouteBackend| match (backend.canary, is_one) {
                (true, _) => format!("{} (canary, weight {})", backend.backend, backend.weight),
                (false, true) => backend.backend.to_string(),
                (false, false) => format!("{} (weight {})", backend.backend, backend.weight),
            };
            format!("forwarded to {}", backends.iter().map(backend).collect::<Vec<_>>().join(", "))
        }
        Action::DefaultBackend(_) => "forwarded to the default backend".to_owned(),
        Action::Reply(status) => format!("answered {status}"),
        Action::NotFound => "answered 404".to_owned(),
        Action::Redirect(redirect) => format!("redirected: {redirect:?}"),
        Action::UrlRedirect(redirect) => format!("redirected: {redirect:?}"),
    }
}

fn locations(old: &[Location], new: &[Location]) -> Vec<String> {
    let name = |location: &Location| {
        format!("location {} {}", location.kind.modifier(), location.route.matches.path.value).replace("  ", " ")
    };
    let by_name = |locations: &[Location]| {
        locations.iter().map(|location| (name(location), location.clone())).collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (by_name(old), by_name(new));
    let removed = old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("removed: {name}"));
    let others = new.iter().filter_map(|(name, location)| match old.get(name) {
        None => Some(format!("added: {name}")),
        Some(before) if before != location => Some(format!("changed: {name}")),
        Some(_) => None,
    });
    removed.chain(others).collect()
}

/// The certificates by the Secrets that they are from.
fn certificates(host: &VirtualHost) -> Parts<'_, Arc<Certificate>> {
    let Some(tls) = &host.tls else { return BTreeMap::new() };
    if tls.certificates.is_empty() {
        return BTreeMap::new();
    }
    let parts = tls.certificates.iter().map(|certificate| {
        let shown = format!("of {}", certificate.origin.object);
        (format!("certificate {shown}"), Part { value: certificate, shown, origin: Some(&certificate.origin) })
    });
    parts.collect()
}

fn redirect(host: &VirtualHost) -> Parts<'_, WwwRedirect> {
    let parts = host.www_redirect.as_deref().into_iter().map(|redirect| {
        let shown = format!("{} to {}", redirect.code, redirect.to);
        ("redirect of the host".to_owned(), Part { value: redirect, shown, origin: Some(&redirect.origin) })
    });
    parts.collect()
}

fn tls_route(host: &VirtualHost) -> Parts<'_, TlsRoute> {
    let parts = host.tls_route.as_deref().into_iter().map(|route| {
        let what = if route.terminates { "TLS that ends here" } else { "TLS passthrough" };
        let shown = format!("to {}", of_sessions(&route.backends));
        (what.to_owned(), Part { value: route, shown, origin: Some(&route.origin) })
    });
    parts.collect()
}

/// TCP and UDP services, and ports for HTTP and HTTPS.
fn of_ports(versions: &Versions) -> Vec<Change> {
    let [old, new] = [&versions.old, &versions.new].map(|side| side.publisher.load());
    let mut differ = Differ { versions, host: String::new(), changes: Vec::new() };
    differ.all(streams(old.streams()), streams(new.streams()), differences);
    differ.all(ports(old.ports()), ports(new.ports()), differences);
    differ.changes
}

fn ports(ports: &[HttpPort]) -> Parts<'_, HttpPort> {
    let parts = ports.iter().map(|port| {
        let shown = "opened for a listener".to_owned();
        (port.entry_point().to_string(), Part { value: port, shown, origin: Some(&port.origin) })
    });
    parts.collect()
}

fn streams(streams: &Streams) -> Parts<'_, StreamListener> {
    let parts = streams.iter().map(|stream| {
        let listener = &stream.listener;
        let shown = format!("forwarded to {}", of_sessions(&listener.backends));
        let what = format!("{} port {}", listener.protocol, listener.port);
        (what, Part { value: listener, shown, origin: Some(&listener.origin) })
    });
    parts.collect()
}

/// The backends of sessions, with their weights where there are several.
fn of_sessions(backends: &[StreamBackend]) -> String {
    let is_one = backends.len() == 1;
    let shown = backends.iter().map(|StreamBackend { backend, weight, .. }| match is_one {
        true => backend.to_string(),
        false => format!("{backend} (weight {weight})"),
    });
    shown.collect::<Vec<_>>().join(", ")
}
