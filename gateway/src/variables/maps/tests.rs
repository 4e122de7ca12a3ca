use super::*;
use crate::config::{AddressMap, MapKey, Origin, Piece, Subject, Template, TextMap, Variable};
use ipnet::IpNet;

/// A request for this host, from this address, with this `X-Forwarded-For`.
#[derive(Default)]
struct Request<'a> {
    host: &'a str,
    address: &'a str,
    forwarded: &'a str,
    maps: Option<&'a Maps>,
}

impl Values for Request<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::Host => append(Some(self.host.as_bytes()), out),
            Variable::RemoteAddr => append(Some(self.address.as_bytes()), out),
            Variable::Header(_) => append(Some(self.forwarded.as_bytes()), out),
            Variable::Named(name) => self.maps.is_some_and(|maps| maps.value(name, self, out) == Ok(true)),
            _ => false,
        }
    }
}

/// A template in which `$1` and names that are none of nginx's may stand.
fn template(text: &str) -> Template {
    let variable = |name: &str| match name.parse() {
        Ok(number) => Variable::Group(number),
        Err(_) => Variable::parse(name).unwrap_or_else(|_| Variable::Named(name.into())),
    };
    let pieces = text.split_inclusive(' ').flat_map(|word| match word.trim_end().strip_prefix('$') {
        Some(name) => vec![Piece::Variable(variable(name))],
        None => vec![Piece::Literal(word.into())],
    });
    Template(pieces.collect())
}

fn variable(name: &str, mapping: Mapping) -> MappedVariable {
    let origin = Origin::new(Subject::other("ConfigMap adit/adit"), "data.http-snippet line 1");
    MappedVariable { name: name.into(), origin, mapping }
}

fn text_map(source: &str, entries: &[(MapKey, &str)], default: &str) -> Mapping {
    let entries = entries.iter().map(|(key, value)| (key.clone(), template(value))).collect();
    Mapping::Text(TextMap { source: template(source), hostnames: true, entries, default: template(default) })
}

fn regex(pattern: &str, ignores_case: bool) -> MapKey {
    MapKey::Regex { pattern: pattern.into(), ignores_case }
}

fn value(maps: &Maps, name: &str, request: &Request<'_>) -> Option<String> {
    let mut out = Vec::new();
    let found = maps.value(name, request, &mut out).expect("a value");
    assert!(found || out.is_empty(), "an absent value appends nothing");
    found.then(|| String::from_utf8(out).expect("text"))
}

fn compiled(mappings: &[(&str, Mapping)]) -> Result<Maps, InvalidMap> {
    let variables: Vec<_> = mappings.iter().map(|(name, mapping)| variable(name, mapping.clone())).collect();
    Maps::compile(&variables)
}

#[test]
fn texts_come_before_hosts_and_those_before_regular_expressions() {
    let entries = [
        (regex("^a", false), "pattern"),
        (MapKey::Beginning("www.".into()), "short-beginning"),
        (MapKey::Beginning("www.b.".into()), "beginning"),
        (MapKey::Suffix(".com".into()), "short-suffix"),
        (MapKey::Suffix(".b.com".into()), "suffix"),
        (MapKey::Text("a.b.com".into()), "text"),
        (regex("(?<first>.)(z)$", true), "$first $2 $host"),
    ];
    let maps = compiled(&[("v", text_map("$host", &entries, "$remote_addr"))]).expect("valid");
    for (host, expected) in [
        ("A.b.COM", "text"),
        ("a.b.com.", "text"),
        ("x.y.b.com", "suffix"),
        ("b.com", "short-suffix"),
        (".com", "192.0.2.1"),
        ("www.b.org", "beginning"),
        ("WWW.org", "short-beginning"),
        ("a.org", "pattern"),
        ("A.org", "192.0.2.1"),
        ("yZ", "yZyZ"),
    ] {
        let request = Request { host, address: "192.0.2.1", ..Request::default() };
        assert_eq!(value(&maps, "v", &request).as_deref(), Some(expected), "{host}");
    }
    assert_eq!(value(&maps, "other", &Request::default()), None);
}

fn range(text: &str) -> crate::config::AddressRange {
    text.parse::<IpNet>().expect(text).into()
}

#[test]
fn the_narrowest_network_counts() {
    let entries = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "2001:db8::/32"];
    let map = AddressMap {
        source: template("$remote_addr"),
        entries: entries.map(|text| (range(text), text.into())).into(),
        default: "default".into(),
        proxies: [].into(),
        recursive: false,
    };
    let maps = compiled(&[("v", Mapping::Address(map))]).expect("valid");
    for (address, expected) in [
        ("10.1.2.3", "10.1.2.3/32"),
        ("10.1.2.4", "10.1.0.0/16"),
        ("10.2.0.0", "10.0.0.0/8"),
        ("192.0.2.1", "0.0.0.0/0"),
        ("::ffff:10.1.2.3", "10.1.2.3/32"),
        ("2001:db8::1", "2001:db8::/32"),
        ("::1", "default"),
        ("no address", "0.0.0.0/0"),
    ] {
        assert_eq!(
            value(&maps, "v", &Request { address, ..Request::default() }).as_deref(),
            Some(expected),
            "{address}"
        );
    }
}

#[test]
fn proxies_are_believed() {
    let map = |recursive| AddressMap {
        source: template("$remote_addr"),
        entries: ["198.51.100.1/32", "10.0.0.2/32", "10.0.0.1/32"].map(|text| (range(text), text.into())).into(),
        default: "default".into(),
        proxies: ["10.0.0.0/8".parse().expect("a network")].into(),
        recursive,
    };
    let maps = compiled(&[("one", Mapping::Address(map(false))), ("all", Mapping::Address(map(true)))]).expect("valid");
    for (address, forwarded, one, all) in [
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "10.0.0.2/32", "198.51.100.1/32"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1/32", "198.51.100.1/32"),
        ("10.0.0.1", "", "10.0.0.1/32", "10.0.0.1/32"),
        ("10.0.0.1", "nonsense", "10.0.0.1/32", "10.0.0.1/32"),
        ("192.0.2.1", "198.51.100.1", "default", "default"),
    ] {
        let request = Request { address, forwarded, ..Request::default() };
        assert_eq!(value(&maps, "one", &request).as_deref(), Some(one), "{address} {forwarded}");
        assert_eq!(value(&maps, "all", &request).as_deref(), Some(all), "{address} {forwarded}");
    }
}

#[test]
fn variables_may_be_made_of_each_other_but_not_of_themselves() {
    let of = |source: &str| text_map(source, &[(MapKey::Text("a".into()), "found")], "$host");
    let maps = compiled(&[("first", of("$host")), ("second", text_map("$first", &[], "$first"))]).expect("valid");
    let request = Request { host: "a", maps: Some(&maps), ..Request::default() };
    assert_eq!(value(&maps, "second", &request).as_deref(), Some("found"));
    for circle in [&[("a", of("$a"))][..], &[("a", of("$b")), ("b", of("$c")), ("c", text_map("$host", &[], "$a"))]] {
        assert!(compiled(circle).expect_err("a circle").reason.contains("made of itself"));
    }
}

#[test]
fn what_a_variable_asks_for_is_bounded() {
    let names: Vec<_> = (0..8).map(|number| format!("v{number}")).collect();
    let twice = |number: usize| match number {
        0 => text_map("$host", &[], "x"),
        _ => text_map(&format!("${0} ${0}", names[number - 1]), &[], "x"),
    };
    let mappings = |count| (0..count).map(|number| (names[number].as_str(), twice(number))).collect::<Vec<_>>();
    assert!(compiled(&mappings(5)).is_ok(), "31 of them");
    let fault = compiled(&mappings(6)).expect_err("63 of them");
    assert!(fault.number == 5 && fault.reason.contains("at most 32"), "{fault:?}");
}

#[test]
fn regular_expressions_are_bounded_together() {
    let large = |name| (name, text_map("$host", &[(regex("[a-z]{4500}", false), "x")], ""));
    assert!(compiled(&[large("a"), large("b")]).is_ok());
    assert!(compiled(&[large("a"), large("b"), large("c")]).is_err_and(|fault| fault.number == 2));
    let wrong = compiled(&[("a", text_map("$host", &[(regex("(", false), "x")], ""))]);
    assert!(wrong.is_err_and(|fault| fault.reason.contains("cannot be used")));
}

#[test]
fn what_takes_too_much_is_no_value() {
    let pattern = regex("^([a-z]{4500}|a)+$", false);
    let maps = compiled(&[
        ("slow", text_map("$host", &[(pattern, "x")], "")),
        ("long", text_map("$host", &[], "$host $host $host")),
    ]);
    let maps = maps.expect("valid");
    let (short, long) = ("a".repeat(100), "a".repeat(6000));
    let mut out = Vec::new();
    let mut of = |name, host| maps.value(name, &Request { host, ..Request::default() }, &mut out);
    assert_eq!((of("slow", &short), of("long", &short)), (Ok(true), Ok(true)));
    assert_eq!((of("slow", &long), of("long", &long)), (Err(Overrun), Err(Overrun)));
    assert_eq!(out.len(), "x".len() + 300);
}
