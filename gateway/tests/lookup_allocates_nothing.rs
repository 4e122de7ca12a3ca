//! A look-up in a table of 10,000 hosts allocates nothing.

use gateway::config::{HostName, Origin, Owner, PathKind, PathMatching, Route, Target, Update, VirtualHost};
use gateway::request::normalize;
use gateway::table::{Found, Publisher};
use std::borrow::Cow;
use std::sync::Arc;

const HOSTS: usize = 10_000;

fn virtual_host(name: HostName, kind: PathKind) -> (HostName, Option<Arc<VirtualHost>>) {
    let route = |path: &str| Route {
        origin: Origin::new("Ingress default/shop", "spec.rules[0].http.paths[0]"),
        owner: Owner::default(),
        path: path.into(),
        kind,
        target: Target::Default,
        policies: Arc::default(),
    };
    let host = VirtualHost {
        name: name.clone(),
        routes: ["/", "/shop", "/shop/cart/"].map(route).into(),
        www_redirect: None,
        passthrough: None,
        tls: None,
    };
    (name, Some(Arc::new(host)))
}

fn publisher() -> Publisher {
    let exact = (0..HOSTS).map(|n| {
        let kind = [PathKind::Exact, PathKind::Prefix, PathKind::Regex][n % 3];
        virtual_host(HostName::Exact(format!("shop-{n}.example.com").into()), kind)
    });
    let others = [HostName::Wildcard("example.com".into()), HostName::Pattern("^x[0-9]+$".into()), HostName::Any];
    let others = others.map(|name| virtual_host(name, PathKind::Prefix));
    let publisher = Publisher::new(Arc::default());
    let published = publisher.publish(Update { hosts: exact.chain(others).collect(), ..Update::default() });
    assert_eq!(published.rejected, []);
    publisher
}

#[test]
fn lookup_allocates_nothing() {
    let publisher = publisher();
    let hosts: Vec<String> = (0..HOSTS).map(|n| format!("Shop-{n}.Example.com:8080")).collect();
    let others = ["other.example.com", "x1", "unknown.test.", "", "[::1]:80"].map(str::to_owned);
    let hosts: Vec<&str> = hosts.iter().chain(&others).map(String::as_str).collect();
    let paths = ["/", "/shop", "/shop/cart", "/shop/cart/7", "/.well-known/acme-challenge/x", "/no such"];

    let look_up = || {
        let mut found = 0;
        for host in &hosts {
            for path in paths {
                let path = normalize(path.as_bytes(), PathMatching::Nginx);
                let Ok(path @ Cow::Borrowed(_)) = path else { panic!("the path is normal") };
                found +=
                    usize::from(matches!(publisher.load().find(host, &path), Found::Route(_) | Found::AddSlash(_)));
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
