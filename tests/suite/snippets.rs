//! What is said of snippets: by `adit check` line by line, and in diagnostics.

use anyhow::Result;
use controller::cli::check::check;
use controller::settings::ControllerSettings;
use serde_json::json;
use std::fs;
use tests::adit::annotated;
use tests::checked::said;
use tests::objects::config_map;

const ALLOWED: [(&str, &str); 2] = [("allow-snippet-annotations", "true"), ("annotations-risk-level", "Critical")];

/// What is said of an Ingress with a snippet that is allowed.
fn of(annotation: &str, snippet: &str) -> Result<Vec<String>> {
    said(&objects(annotation, snippet))
}

fn objects(annotation: &str, snippet: &str) -> String {
    let allowed: serde_json::Map<_, _> = ALLOWED.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    annotated(&[(annotation, snippet)], &[], &json!(allowed))
}

#[test]
fn check_lists_which_lines_work() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let snippet = "# headers\nmore_set_headers \"A: b\";\ngzip_buffers 4 8k;\nif ($host = a) {\n  proxy_pass http://user:secret@x;\n}\n";
    fs::write(directory.path().join("shop.yaml"), objects("configuration-snippet", snippet))?;
    let settings = ControllerSettings::default();
    let report = check(&[directory.path().to_owned()], settings).to_string();
    for expected in [
        "configuration-snippet]: 2 of 4 directives work\n",
        "  line 2: works: more_set_headers \"A: b\"\n",
        "  line 3: no effect: gzip_buffers 4 8k has no effect: Adit chooses the sizes of its buffers and windows\n",
        "  line 4: works: if ($host = a)\n",
        "  line 5: fault: proxy_pass http://…@x is refused: backends are those of the Ingress's rules",
    ] {
        assert!(report.contains(expected), "{report}");
    }
    assert!(!report.contains("secret"), "{report}");
    Ok(())
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_line() -> Result<()> {
    let said = of("server-snippet", "listen 99;\nadd_header A;\nreturn 200 $nope;\nreturn 200 \"a;\n")?;
    for expected in [
        "\"listen 99\" in line 1 is refused: ",
        "\"add_header A\" in line 2 has 1 argument: expected 2 to 3",
        "\"return 200 $nope\" in line 3 uses the variable $nope, ",
        "line 4, column 12: the snippet is not nginx's syntax: the quote that begins here has no end: expected another \"",
        "has 4 faults, and requests are not safe without the rest of it: every request of its hosts is answered with 503",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
    }
    Ok(())
}

#[test]
fn an_auth_request_says_what_is_not_the_clients() -> Result<()> {
    let said = of("auth-snippet", "if ($uri ~ a) { return 200; }\nset $args a;\nbreak;\nadd_header A b;\nroot /;\n")?;
    for expected in [
        "line 1 uses the variable $uri, which in an auth request is not of the client's request: expected $request_uri",
        "line 2 uses the variable $args, which in an auth request",
        "\"break\" in line 3 is not allowed in an auth request: expected it in a server or ",
        "line 4 has no effect: the client does not get the response of an auth server",
        "line 5 is refused: it names a file",
        "has 4 faults",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
    }
    Ok(())
}

#[test]
fn an_auth_request_that_is_never_sent_is_said_to_have_no_effect() -> Result<()> {
    let said = of("auth-snippet", "return 200;")?;
    let expected = "auth-snippet]: \"return 200;\" has no effect without auth-url";
    assert!(said.iter().any(|said| said.contains(expected)), "{said:#?}");
    Ok(())
}

#[test]
fn each_directive_of_streams_says_what_to_write_instead() -> Result<()> {
    let said = of("stream-snippet", "server { listen 9; }\nallow 10.0.0.0/8;\nproxy_timeout 1h;\nreturn a;\nfoo;\n")?;
    for expected in [
        "line 1 is refused: a server of a snippet opens a port of its own; expected an entry of --tcp-services-configmap",
        "line 2 is refused: TCP and UDP services have no rules for the addresses of clients yet; expected a NetworkPolicy",
        "line 3 has no effect: the ConfigMap's proxy-stream-timeout sets it",
        "line 4 is refused: a TCP or UDP service only carries bytes",
        "line 5 is not a directive that Adit has",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
    }
    Ok(())
}

#[test]
fn a_snippet_of_many_faults_causes_few_diagnostics() -> Result<()> {
    let said = of("configuration-snippet", &"gzip_buffers 4 8k;\nroot /;\n".repeat(400))?;
    assert_eq!(said.iter().filter(|said| said.contains("names a file")).count(), 20);
    assert!(said.iter().any(|said| said.contains("has 400 faults, all of which `adit check` lists, ")), "{said:#?}");
    Ok(())
}

#[test]
fn huge_and_deep_snippets_are_refused() -> Result<()> {
    for (snippet, expected) in [
        ("a;".repeat(1 << 19), "the text is too long: expected at most 256 KiB"),
        ("set $a b;".repeat(1001), "there are too many directives: expected at most 1000"),
        (
            format!("{}{}", "if ($host) {".repeat(1000), "}".repeat(1000)),
            "blocks are nested too deeply: expected at most 8",
        ),
        ("if ($host ~ \"[a-z]{900}\") { set $a b; }".repeat(12), "has too many or too large regular expressions"),
    ] {
        for annotation in ["configuration-snippet", "server-snippet", "auth-snippet"] {
            let said = of(annotation, &snippet)?;
            assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
        }
    }
    Ok(())
}

#[test]
fn a_snippet_that_is_not_allowed_says_what_would_allow_it() -> Result<()> {
    for config in [json!({}), json!({ALLOWED[0].0: ALLOWED[0].1}), json!({ALLOWED[1].0: ALLOWED[1].1})] {
        let said = said(&annotated(&[("configuration-snippet", "gzip on;")], &[], &config))?;
        let expected =
            "is not allowed: expected allow-snippet-annotations: \"true\" and annotations-risk-level: Critical";
        assert!(said.iter().any(|said| said.contains(expected)), "{said:#?}");
    }
    Ok(())
}

#[test]
fn the_younger_server_snippet_of_a_host_is_said_to_be_ignored() -> Result<()> {
    let ingress = |name: &str, path: &str| {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "annotations": {"nginx.ingress.kubernetes.io/server-snippet": "expires 1h;"}},
            "spec": {"rules": [{"host": "h", "http": {"paths": [
                {"path": path, "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}},
            ]}}]},
        })
    };
    let config = config_map("adit", &json!({ALLOWED[0].0: ALLOWED[0].1, ALLOWED[1].0: ALLOWED[1].1}));
    let said = said(&tests::adit::documents([config, ingress("older", "/a"), ingress("younger", "/b")]))?;
    let expected = "Ingress default/younger: metadata.annotations[nginx.ingress.kubernetes.io/server-snippet]: is ignored for host h: Ingress \
                    default/older has a server-snippet, too, and is older";
    assert!(said.iter().any(|said| said.contains(expected)), "{said:#?}");
    Ok(())
}

#[test]
fn a_location_says_what_is_wrong_in_it() -> Result<()> {
    let said = of(
        "server-snippet",
        "location /a {\n  alias /etc;\n  location /b { }\n  proxy_pass http://x.kube-system:80;\n}\nlocation /a { }\n\
         location @b { proxy_pass http://s.default/x; }\nlocation ~ \"a(\" { }\nlocation == /c { }\nlocation ~ ^/d { proxy_pass http://s.default/x; }\n\
         location /e { proxy_pass http://s.default/x; break; }\nlocation /f { proxy_pass http://$host; }\n\
         location /g { proxy_pass http://10.0.0.1; }\nlocation /h { if ($host) { proxy_pass http://s.default; } }\n\
         location i;\nproxy_pass http://s.default;\n\
         location = /j { location ~ k { } }\nlocation /l { location @m { } }\nlocation ~ ^/n { location /n/o { } }\n",
    )?;
    for expected in [
        "line 2 is refused: it names a file",
        "line 3 is outside of the location \"/a\" that it stands in: nginx refuses it",
        "line 4 is refused: it names a Service of another namespace; expected one of default, or allow-cross-namespace-resources",
        "\"location /a\" in line 6 stands here twice",
        "line 7 has a proxy_pass with a path, which nginx refuses in a named location",
        "line 8 has the regular expression \"a(\", which cannot be used",
        "line 9 has the modifier \"==\": expected =, ^~, ~, ~* or none",
        "line 10 has a proxy_pass with a path, which nginx refuses",
        "line 11 has a proxy_pass with a path beside rewrite or break",
        "line 12 is refused: it has a variable in its URL",
        "line 13 is refused: expected a Service, as http://NAME.NAMESPACE:PORT",
        "line 14 is refused: backends are those of the Ingress's rules",
        "line 15 has no block",
        "line 16 is refused: backends are those of the Ingress's rules",
        "line 17 stands in a location that is exact or has a name: nginx takes one only in others",
        "line 18 is a named location: nginx takes one only in a server",
        "line 19 is outside of the location \"^/n\" that it stands in: nginx refuses it",
        "every request of its hosts is answered with 503",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
    }
    Ok(())
}

#[test]
fn a_location_that_takes_no_request_and_one_that_is_a_path_are_said() -> Result<()> {
    let said = of("server-snippet", "location metrics { deny all; }\nlocation / { return 200; }\n")?;
    for expected in [
        "\"location metrics\" in line 1 takes no request, in nginx neither",
        "server-snippet] line 2: \"/\" is also a path of host ",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
    }
    assert!(!said.iter().any(|said| said.starts_with("error")), "{said:#?}");
    Ok(())
}

#[test]
fn each_fault_of_map_and_geo_says_its_line() -> Result<()> {
    let snippet = "map $host $a {\n  include f;\n  default x y;\n  ~( b;\n  a b;\n  A c;\n  a $nope;\n  hostnames;\n}\n\
                   map $host $uri { }\nmap $host b { }\ngeo host $c { }\n\
                   geo $d {\n  10.0.0.0/8 a;\n  ranges;\n  10.0.0.300 b;\n  proxy c;\n  delete 10.0.0.0/9;\n}\n\
                   geo $e {\n  ranges;\n  10.0.0.1-10.0.0.9 a;\n  10.0.0.5-10.0.0.12 b;\n  10.0.0.0/8 c;\n}\n\
                   map $g $f { default a; }\nmap $f $g { default a; }\n";
    let config = json!({"http-snippet": snippet});
    let said = said(&annotated(&[], &[], &config))?;
    for expected in [
        "line 2 is refused: it names a file",
        "line 3 has 2 values: expected one",
        "line 4 has the regular expression",
        "line 6 stands here twice",
        "line 7 uses the variable $nope, which is not supported",
        "line 8 comes too late: expected hostnames before the pairs",
        "line 10 makes $uri, which is one of nginx's own variables",
        "line 11 does not end with a variable",
        "line 12 has \"host\" for an address: expected a variable",
        "line 15 comes too late: expected ranges before the pairs",
        "line 16 is not valid: expected an IP address",
        "line 17 is not valid: expected an IP address",
        "line 18 deletes what does not stand before it",
        "line 23 overlaps a range before it",
        "line 24 is not a range of addresses",
        "line 26 is made of itself: expected a value without it",
        "every request is answered with 503",
    ] {
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:#?}");
    }
    Ok(())
}

#[test]
fn a_location_that_no_path_leads_to_is_reported() -> Result<()> {
    let ingress = |name: &str, path: &str, annotation: &str| {
        let snippet = "location /shopping { }\nlocation /shop/a { }\nlocation ~ a { }\n";
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "annotations": {annotation: snippet}},
            "spec": {"rules": [{"host": "h", "http": {"paths": [
                {"path": path, "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}},
            ]}}]},
        })
    };
    let config = config_map("adit", &json!({ALLOWED[0].0: ALLOWED[0].1, ALLOWED[1].0: ALLOWED[1].1}));
    let outside = |path: &str| -> Result<Vec<String>> {
        let own = ingress("shop", path, "nginx.ingress.kubernetes.io/configuration-snippet");
        let said = said(&tests::adit::documents([config.clone(), ingress("a", "/a", "example.com/none"), own]))?;
        Ok(said.into_iter().filter(|said| said.contains("is within no path")).collect())
    };
    assert_eq!(outside("/")?, [""; 0]);
    let said = outside("/shop")?;
    let expected = "configuration-snippet] line 1: \"/shopping\" is within no path that the Ingress has for host h, which nginx refuses: the \
                    location takes no request there";
    assert!(matches!(&*said, [only] if only.contains(expected)), "{said:#?}");
    Ok(())
}
