//! A look-up in a table of 10,000 hosts allocates nothing, also where an entry point has hosts of its own, and where routes want
//! more of a request than its path, or stand behind those of a more specific name.

use gateway::config::{
    Action, CallMatch, EntryPoint, HostName, Origin, Owner, PathKind, PathMatching, QueryMatch, Route, RouteMatch,
    Subject, Update, ValueMatch, VirtualHost,
};
use gateway::headers::Headers;
use gateway::request::{RequestView, normalize};
use gateway::table::{Found, Publisher};
use http::{HeaderValue, Method, Version, header};
use std::borrow::Cow;
use std::sync::Arc;

const HOSTS: usize = 10_000;
/// A port that has no hosts but its own.
const OWN_PORT: EntryPoint = EntryPoint::Port { port: 8443, tls: true };
/// A path that only the routes of the widest name have.
const ONLY_BEHIND: &str = "/status";

fn route(matches: RouteMatch) -> Route {
    Route {
        origin: Origin::new(Subject::other("Ingress default/shop"), "spec.rules[0].http.paths[0]"),
        owner: Owner::default(),
        matches,
        action: Action::DefaultBackend(Arc::default()),
        policies: Arc::default(),
        locations: Arc::default(),
    }
}

fn virtual_host(name: HostName, kind: PathKind) -> VirtualHost {
    let paths = ["/", "/shop", "/shop/cart/"].map(|path| route(RouteMatch::path(kind, path)));
    VirtualHost::new(name, paths.into())
}

/// With routes as a listener has them, for methods, arguments and calls of gRPC. What these do not take is for those of wider names.
fn host_of_gateway(name: HostName) -> VirtualHost {
    let cart = || RouteMatch::path(PathKind::Prefix, "/shop/cart");
    let argument = QueryMatch { name: "page".into(), value: ValueMatch::Exact("2".into()) };
    let call = CallMatch { method: Some(ValueMatch::Exact("cart".into())), ..CallMatch::default() };
    let wanting = [
        RouteMatch { method: Some(Method::POST), ..cart() },
        RouteMatch { query: [argument].into(), ..cart() },
        RouteMatch { call: Some(Arc::new(call)), ..RouteMatch::path(PathKind::Prefix, "/") },
        RouteMatch { method: Some(Method::GET), ..RouteMatch::path(PathKind::Exact, "/shop") },
    ];
    let reading = |path| RouteMatch { method: Some(Method::GET), ..RouteMatch::path(PathKind::Prefix, path) };
    let less_specific = [["/shop", "/shop/cart/7"], [ONLY_BEHIND, "/"]];
    let less_specific = less_specific.map(|paths| Vec::from(paths.map(|path| route(reading(path)))));
    VirtualHost { less_specific: less_specific.into(), ..VirtualHost::new(name, wanting.map(route).into()) }
}

fn publisher() -> Publisher {
    let named = |host: VirtualHost| (host.name.clone(), Some(Arc::new(host)));
    let exact = (0..HOSTS).map(|n| {
        let kind = [PathKind::Exact, PathKind::Prefix, PathKind::Regex][n % 3];
        virtual_host(HostName::Exact(format!("shop-{n}.example.com").into()), kind)
    });
    let others = [HostName::Wildcard("example.com".into()), HostName::Pattern("^x[0-9]+$".into()), HostName::Any];
    let others = others.map(|name| virtual_host(name, PathKind::Prefix));
    let of_http = (0..HOSTS / 2).map(|n| HostName::Exact(format!("shop-{n}.example.com").into()));
    let of_http = of_http.chain([HostName::Subdomains("example.com".into()), HostName::Any]);
    let of_http = of_http.map(host_of_gateway).map(named);
    let ats = [EntryPoint::Http, OWN_PORT];
    let entry_hosts = of_http.flat_map(|(name, host)| ats.map(|at| (at, name.clone(), host.clone()))).collect();
    let publisher = Publisher::new(Arc::default());
    let hosts = exact.chain(others).map(named).collect();
    let published = publisher.publish(Update { hosts, entry_hosts, ..Update::default() });
    assert_eq!(published.rejected, []);
    publisher
}

#[test]
fn lookup_allocates_nothing() {
    let publisher = publisher();
    let hosts: Vec<String> = (0..HOSTS).map(|n| format!("Shop-{n}.Example.com:8080")).collect();
    let others = ["other.example.com", "x1", "unknown.test.", "", "[::1]:80"].map(str::to_owned);
    let value = |host: &String| HeaderValue::from_bytes(host.as_bytes()).expect("a host");
    let heads = hosts.iter().chain(&others).map(|host| Headers::from_iter([(header::HOST, value(host))]));
    let heads: Vec<Headers> = heads.collect();
    let paths = [
        "/",
        "/shop",
        "/shop/cart",
        "/shop/cart?page=2",
        "/shop/cart?page=1&q=x",
        "/shop/cart/7",
        ONLY_BEHIND,
        "/.well-known/acme-challenge/x",
        "/no such",
    ];

    let request = RequestView::new(&Method::GET, ONLY_BEHIND.as_bytes(), &heads[0], Version::HTTP_11);
    let table = publisher.load();
    let behind = table.find(OWN_PORT, &request, ONLY_BEHIND.as_bytes());
    assert!(matches!(behind, Found::Route(route) if &*route.matches.path.value == ONLY_BEHIND), "{behind:?}");

    let look_up = || {
        let mut found = 0;
        for headers in &heads {
            for path in paths {
                let request = RequestView::new(&Method::GET, path.as_bytes(), headers, Version::HTTP_11);
                let path = normalize(request.path(), PathMatching::Nginx);
                let Ok(path @ Cow::Borrowed(_)) = path else { panic!("the path is normal") };
                let table = publisher.load();
                for at in EntryPoint::SHARED.into_iter().chain([OWN_PORT]) {
                    let is_found = matches!(table.find(at, &request, &path), Found::Route(_) | Found::AddSlash(_));
                    found += usize::from(is_found);
                }
            }
        }
        found
    };
    // The first look-up of a thread sets up what arc-swap and the regex engine keep for the thread.
    let found = look_up();
    assert!(found > HOSTS, "{found}");
    let allocations = allocation_counter::measure(|| assert_eq!(look_up(), found));
    assert_eq!(allocations.count_total, 0);
}
