//! ListenerSets.

use super::*;

/// The Gateway `edge`, which takes sets of its own namespace, with the listener of `own.example`.
fn taking(from: &str) -> String {
    format!(
        "{{kind: Gateway, metadata: {{name: edge}}, spec: {{gatewayClassName: adit, allowedListeners: {{namespaces: {{from: {from}}}}}, \
         listeners: [{}]}}}}",
        of_host("own", "own.example")
    )
}

fn of_host(name: &str, host: &str) -> String {
    format!("{{name: {name}, port: 80, protocol: HTTP, hostname: {host}}}")
}

fn set(name: &str, listeners: &[String]) -> String {
    format!(
        "{{kind: ListenerSet, metadata: {{name: {name}}}, spec: {{parentRef: {{name: edge}}, listeners: [{}]}}}}",
        listeners.join(", ")
    )
}

fn route(parents: &str) -> String {
    format!(
        "{{kind: HTTPRoute, metadata: {{name: r}}, spec: {{parentRefs: [{parents}], rules: [{}]}}}}",
        to("/", "echo")
    )
}

/// The conditions of a set, and those of its listeners with how many routes they have.
type Shown = (Vec<String>, Vec<(usize, Vec<String>)>);

const ACCEPTED: [&str; 4] = ["ResolvedRefs", "Accepted", "Programmed", "!Conflicted: NoConflicts"];

impl World {
    fn set(&self, name: &str) -> Option<Shown> {
        match self.parts(Kind::ListenerSet, name)? {
            StatusParts::ListenerSet { conditions, listeners } => Some((shown(conditions), shown_listeners(listeners))),
            other => panic!("no status of a ListenerSet: {other:?}"),
        }
    }

    fn attached_sets(&self) -> usize {
        match self.parts(Kind::Gateway, "edge") {
            Some(StatusParts::Gateway { attached_sets, .. }) => *attached_sets,
            other => panic!("no status of a Gateway: {other:?}"),
        }
    }
}

#[test]
fn a_set_adds_listeners_and_has_a_status_of_its_own() {
    let to_both = "{name: edge}, {kind: ListenerSet, name: a, sectionName: two}";
    let one_and_two = [of_host("one", "one.example"), of_host("two", "two.example")];
    let mut world = world(&[taking("Same"), set("a", &one_and_two), route(to_both)]);
    assert_eq!(world.parents("r"), [["Accepted", "ResolvedRefs"], ["Accepted", "ResolvedRefs"]]);
    assert_eq!((world.gateway().1, world.attached_sets()), (vec![listener(1, &ACCEPTED)], 1));
    let added = ["Accepted", "Programmed"].map(str::to_owned).to_vec();
    assert_eq!(world.set("a"), Some((added, vec![listener(0, &ACCEPTED), listener(1, &ACCEPTED)])));

    let update = world.delete(Kind::ListenerSet, "a");
    assert_eq!(touched(&update), ["-one.example HTTP", "-two.example HTTP"]);
    assert_eq!((world.set("a"), world.attached_sets()), (None, 0));
    assert_eq!(world.parents("r"), [["Accepted", "ResolvedRefs"]]);
    world.apply(&set("a", &one_and_two));
    assert_eq!(world.attached_sets(), 1);
    world.delete(Kind::Gateway, "edge");
    assert_eq!(world.set("a"), None);
}

#[test]
fn a_gateway_says_whose_sets_it_takes() {
    for from in ["None", "Selector"] {
        let world =
            world(&[taking(from), set("a", &[of_host("one", "one.example")]), route("{kind: ListenerSet, name: a}")]);
        let refused = ["!Accepted: NotAllowed", "!Programmed: NotAllowed"].map(str::to_owned).to_vec();
        assert_eq!((world.set("a"), world.attached_sets()), (Some((refused, Vec::new())), 0), "{from}");
        assert_eq!(world.parents("r"), [["!Accepted: NoMatchingParent", "ResolvedRefs"]]);
        assert!(
            world.said(Severity::Error).iter().any(|said| said.contains("takes no ListenerSets of this namespace"))
        );
    }
}

#[test]
fn what_comes_first_wins_conflicts() {
    let (own, shared) = (of_host("taken", "own.example"), of_host("shared", "shared.example"));
    let tcp = "{name: tcp, port: 80, protocol: TCP}".to_owned();
    let world =
        world(&[taking("Same"), set("a", &[own, shared.clone(), tcp.clone()]), set("b", &[shared]), set("c", &[tcp])]);
    assert_eq!((world.gateway().1, world.attached_sets()), (vec![listener(0, &ACCEPTED)], 1));
    let conflicted = |reason: &str| {
        let conditions = [format!("!Accepted: {reason}"), format!("!Programmed: {reason}")];
        (0, [["ResolvedRefs".to_owned(), "Conflicted".to_owned()], conditions].concat())
    };
    let (hostname, protocol) = (conflicted("HostnameConflict"), conflicted("ProtocolConflict"));
    let added = ["Accepted", "Programmed"].map(str::to_owned).to_vec();
    assert_eq!(world.set("a"), Some((added, vec![hostname.clone(), listener(0, &ACCEPTED), protocol.clone()])));
    let invalid = ["!Accepted: ListenersNotValid", "!Programmed: ListenersNotValid"].map(str::to_owned).to_vec();
    assert_eq!(world.set("b"), Some((invalid.clone(), vec![hostname])));
    assert_eq!(world.set("c"), Some((invalid, vec![protocol])));
}
