use super::*;
use crate::address::Address;
use crate::object::{Kind, NamespacedName};
use clap::Command;
use std::time::Duration;

fn parse(args: &[&str]) -> Result<Flags, String> {
    let args = spelled_out(args.iter().map(OsString::from));
    let command = Command::new("adit").no_binary_name(true).args(super::args(&[Topic::Objects]));
    collect(&command.try_get_matches_from(args).map_err(|error| error.to_string())?, Settings::default())
}

fn settings(args: &[&str]) -> Settings {
    parse(args).expect("valid flags").settings
}

/// As clap's own texts.
#[test]
fn texts_have_no_full_stop() {
    for flag in Flag::all() {
        assert!(!flag.doc.ends_with('.'), "{}", flag.name);
    }
}

/// What a flag refers to is watched: it is among the references of the settings.
#[test]
fn what_flags_refer_to_is_known_to_the_settings() {
    let name: NamespacedName = "a/b".parse().expect("a name");
    for flag in Flag::all() {
        let Some(kind) = flag.refers else { continue };
        let settings = settings(&[&format!("--{}=a/b", flag.name)]);
        let published = settings.cluster.status.publish_service.iter().map(|name| (Kind::Service, name));
        assert!(settings.controller.references().chain(published).any(|found| found == (kind, &name)), "{}", flag.name);
    }
}

/// What `--help` calls the default is what happens without the flag.
#[test]
fn documented_defaults_are_the_defaults() {
    for flag in Flag::all().filter(|flag| !flag.facets.default.is_empty()) {
        let arg = format!("--{}={}", flag.name, flag.facets.default.replace(", ", ","));
        assert_eq!(settings(&[&arg]), Settings::default(), "{arg}");
    }
}

#[test]
fn switches_take_gos_values() {
    for (args, expected) in [
        (&["--disable-catch-all"][..], true),
        (&["--disable-catch-all=true"], true),
        (&["-disable-catch-all=T"], true),
        (&["-disable-catch-all", "--http-port=1"], true),
        (&["--disable-catch-all=1", "--disable-catch-all=false"], false),
    ] {
        assert_eq!(settings(args).controller.disable_catch_all, expected, "{args:?}");
    }
    let error = parse(&["--disable-catch-all=yes"]).expect_err("not a Go boolean");
    assert_eq!(error, "--disable-catch-all: \"yes\" is not a boolean: expected true or false");
}

/// As a path, the value would make a gateway serve files and not its cluster.
#[test]
fn a_switch_may_have_its_value_after_a_blank() {
    for (args, expected) in [
        (&["--disable-catch-all", "true"][..], true),
        (&["-disable-catch-all", "false"], false),
        (&["--disable-catch-all", "--http-port", "1"], true),
    ] {
        assert_eq!(settings(args).controller.disable_catch_all, expected, "{args:?}");
    }
    let spelled = |args: &[&str]| spelled_out(args.iter().map(OsString::from)).join(&OsString::from(" "));
    assert_eq!(spelled(&["--logtostderr", "false", "true"]), "--logtostderr=false true");
    assert_eq!(spelled(&["--disable-catch-all=1", "true", "dir"]), "--disable-catch-all=1 true dir");
    assert_eq!(spelled(&["--election-id", "true"]), "--election-id true");
    assert_eq!(spelled(&["--", "-configmap", "--disable-catch-all", "true"]), "-- -configmap --disable-catch-all true");
}

#[test]
fn adits_own_ports_differ() {
    for (args, expected) in [
        (&["--http-port=443"][..], "--http-port and --https-port are both 443: expected different ports"),
        (
            &["--https-port=8080", "--healthz-port=8080"],
            "--https-port and --healthz-port are both 8080: expected different ports",
        ),
        (
            &["--http-port=10254", "--bind-address=10.0.0.1"],
            "--http-port and --healthz-port are both 10254: expected different ports",
        ),
    ] {
        assert_eq!(parse(args).expect_err("one port twice"), expected);
    }
    const WEBHOOK: [&str; 2] = ["--validating-webhook-certificate=a", "--validating-webhook-key=b"];
    let error = parse(&[&["--validating-webhook=:10254"], &WEBHOOK[..]].concat()).expect_err("one port twice");
    assert_eq!(error, "--healthz-port and --validating-webhook are both 10254: expected different ports");
    settings(&[&["--validating-webhook=127.0.0.1:443", "--bind-address=10.0.0.1"], &WEBHOOK[..]].concat());
    settings(&["--http-port=0", "--https-port=0", "--healthz-port=0"]);
    settings(&["--http-port=10254", "--bind-address=10.0.0.1", "--healthz-host=127.0.0.1"]);
}

#[test]
fn a_webhook_has_an_address_and_a_certificate() {
    let flags = |address: &str| {
        let address = format!("--validating-webhook={address}");
        parse(&[&*address, "--validating-webhook-certificate=a", "--validating-webhook-key=b"])
    };
    for (text, address, port) in [
        (":8443", None, 8443),
        ("127.0.0.1:0", Some([127, 0, 0, 1].into()), 0),
        ("[::1]:9", Some(std::net::Ipv6Addr::LOCALHOST.into()), 9),
    ] {
        let flags = flags(text).expect("an address");
        let webhook = flags.settings.serve.webhook;
        assert_eq!((webhook.address, webhook.port), (address, Some(port)), "{text}");
        assert_eq!(flags.settings.controller.own_ports.webhook, port);
    }
    assert_eq!(flags("").expect("none").settings.serve.webhook.port, None);
    for text in ["8443", "localhost:8443", ":https", ":65536"] {
        let error = flags(text).expect_err(text);
        assert!(error.contains("is not an address to listen on: expected a form such as :8443"), "{error}");
    }
    let error = parse(&["--validating-webhook=:8443", "--validating-webhook-certificate=a"]).expect_err("no key");
    assert!(error.starts_with("--validating-webhook-key: is missing"), "{error}");
    let own = settings(&["--validating-webhook=:8443", "--validating-webhook-name=x"]).serve.webhook;
    assert_eq!((own.certificate, own.name.as_str()), (None, "x"));
    parse(&["--validating-webhook-name=a/b"]).expect_err("no name");
}

#[test]
fn values_follow_a_blank_or_an_equals_sign() {
    let expected = Some(NamespacedName { namespace: "a".into(), name: "b".into() });
    for args in [&["--configmap=a/b"][..], &["--configmap", "a/b"], &["-configmap", "a/b"], &["-configmap=a/b"]] {
        assert_eq!(settings(args).controller.configmap, expected, "{args:?}");
    }
    assert_eq!(settings(&["--configmap="]).controller.configmap, None);
}

#[test]
fn durations_are_seconds_or_gos() {
    for (text, seconds) in [("0", 0.0), ("30", 30.0), ("30s", 30.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("250ms", 0.25)]
    {
        let arg = format!("--shutdown-grace-period={text}");
        assert_eq!(settings(&[&arg]).serve.shutdown_grace, Duration::from_secs_f64(seconds), "{text}");
    }
    for text in ["", "-1s", "soon", "1x"] {
        assert!(parse(&[&format!("--shutdown-grace-period={text}")]).is_err(), "{text:?}");
    }
}

#[test]
fn repeated_flags_replace_the_default_and_add_up() {
    let classes = settings(&["--ingress-class=a", "--ingress-class", "b,c"]).controller.ingress_classes;
    assert_eq!(classes, ["a", "b", "c"]);
    let servers = settings(&["--dns-server=10.0.0.1", "--dns-server=[::1]:5353"]).serve.dns_servers;
    assert_eq!(servers, [([10, 0, 0, 1], 53).into(), "[::1]:5353".parse().expect("an address")]);
}

#[test]
fn wrong_values_name_the_flag_the_value_and_what_is_expected() {
    for (arg, expected) in [
        ("--http-port=99999", "--http-port: \"99999\" is not a port: expected 0 to 65535"),
        ("--configmap=a", "--configmap: \"a\" is not a name in a namespace: expected the form namespace/name"),
        ("--workers=0", "--workers: \"0\" is not a number of threads: expected 1 or more"),
        (
            "--path-matching=exact",
            "--path-matching: \"exact\" is not a mode of path matching: expected nginx or strict",
        ),
        ("--health-check-path=ok", "--health-check-path: \"ok\" is not a path: expected it to begin with a slash"),
    ] {
        assert_eq!(parse(&[arg]).expect_err("an invalid value"), expected);
    }
}

#[test]
fn metrics_take_their_form_from_flags() {
    let metrics = settings(&[
        "--enable-metrics",
        "--metrics-per-undefined-host",
        "--report-status-classes",
        "--time-buckets=0.1,1",
        "--time-buckets=5e1",
        "--length-buckets=1024",
        "--exclude-socket-metrics=nginx_ingress_controller_request_size,header_duration_seconds",
    ])
    .serve
    .metrics;
    assert!(metrics.enabled && metrics.per_host && metrics.per_undefined_host && metrics.status_classes);
    assert_eq!(metrics.time_buckets.bounds(), [0.1, 1.0, 50.0]);
    assert_eq!(metrics.length_buckets.bounds(), [1024.0]);
    assert_eq!(
        metrics.excluded.into_iter().collect::<Vec<_>>(),
        ["nginx_ingress_controller_header_duration_seconds", "nginx_ingress_controller_request_size"]
    );
    assert!(settings(&["--exclude-socket-metrics="]).serve.metrics.excluded.is_empty());
    // ingress-nginx's own example, which names a metric that is not of requests.
    settings(&["--exclude-socket-metrics=nginx_ingress_controller_success"]);
    let flags = parse(&["--bucket-factor=1.1", "--max-buckets=100"]).expect("flags of ingress-nginx");
    assert!(flags.warnings.iter().all(|warning| warning.contains("native histograms")), "{:?}", flags.warnings);
    assert_eq!(flags.warnings.len(), 2);
}

#[test]
fn metrics_flags_say_what_is_wrong() {
    for (args, expected) in [
        (
            &["--time-buckets=0.1,fast"][..],
            "--time-buckets: \"0.1,fast\" is not a list of bounds: expected numbers such as 0.5,1,5",
        ),
        (&["--time-buckets="], "--time-buckets: \"\" has no bound: expected at least one"),
        (&["--length-buckets=10,inf"], "--length-buckets: \"10,inf\" has the bound inf: expected finite numbers"),
        (&["--length-buckets=NaN"], "--length-buckets: \"NaN\" has the bound NaN: expected finite numbers"),
        (
            &["--size-buckets=1,10,10"],
            "--size-buckets: \"1,10,10\" has the bound 10 after 10: expected each to be greater than the one before",
        ),
        (
            &["--metrics-per-undefined-host", "--metrics-per-host=false"],
            "--metrics-per-undefined-host: \"true\" needs the label host: expected --metrics-per-host=true",
        ),
        (
            &["--exclude-socket-metrics=requests,request_sise"],
            "--exclude-socket-metrics: \"requests,request_sise\" contains \"request_sise\", which is not a metric: expected \
             some of nginx_ingress_controller_requests, \
             nginx_ingress_controller_request_duration_seconds, nginx_ingress_controller_response_duration_seconds, \
             nginx_ingress_controller_header_duration_seconds, nginx_ingress_controller_connect_duration_seconds, \
             nginx_ingress_controller_request_size, nginx_ingress_controller_response_size, \
             nginx_ingress_controller_bytes_sent",
        ),
    ] {
        assert_eq!(parse(args).expect_err("an invalid value"), expected);
    }
}

#[test]
fn one_namespace_or_a_selector_is_watched() {
    use crate::settings::WatchedNamespaces::{All, Labelled, One};
    for (args, expected) in [
        (&["--watch-namespace="][..], All),
        (&["--watch-namespace=shop"], One("shop".into())),
        (&["--watch-namespace-selector=team in (a, b)"], Labelled("team in (a, b)".into())),
        (&["--watch-namespace=", "--watch-namespace-selector=a=b"], Labelled("a=b".into())),
    ] {
        assert_eq!(settings(args).cluster.namespaces, expected, "{args:?}");
    }
    let error = parse(&["--watch-namespace-selector=a=b", "--watch-namespace=shop"]).expect_err("both");
    assert_eq!(error, "--watch-namespace-selector: \"a=b\" excludes --watch-namespace: expected one of them");
}

#[test]
fn statuses_have_the_addresses_of_one_source() {
    let status = |args: &[&str]| settings(args).cluster.status;
    let addresses = status(&["--publish-status-address=1.2.3.4, host.x"]).addresses;
    assert_eq!(addresses, [Address::Ip("1.2.3.4".into()), Address::Hostname("host.x".into())]);
    assert_eq!(status(&["--publish-service=a/b"]).publish_service, "a/b".parse().ok());
    assert_eq!(status(&["--publish-status-address=", "--publish-service=a/b"]).addresses, []);
    let error = parse(&["--publish-status-address=h.x", "--publish-service=a/b"]).expect_err("both");
    assert_eq!(error, "--publish-status-address: \"h.x\" excludes --publish-service: expected one of them");
    assert!(parse(&["--publish-status-address=1.2.3.4:80"]).is_err());
    assert_eq!(status(&["--status-update-interval=1"]).interval, Duration::from_secs(5));
    assert!(parse(&["--election-ttl=500ms"]).is_err());
}

#[test]
fn unknown_flags_name_the_nearest() {
    let error = parse(&["--disable-catchall"]).expect_err("no such flag");
    assert!(error.contains("--disable-catchall") && error.contains("--disable-catch-all"), "{error}");
}

#[test]
fn verbosity_is_a_log_level() {
    for args in [&["-v=3"][..], &["-v", "3"], &["-v3"], &["--v=3"], &["--v", "3"]] {
        assert_eq!(settings(args).log_level.as_deref(), Some("debug"), "{args:?}");
    }
    assert_eq!(settings(&["--v=5", "--log-level=warn"]).log_level.as_deref(), Some("warn"));
}

/// The arguments of ingress-nginx's chart, and the rest of its flags (pkg/flags/flags.go of v1.15).
#[test]
fn ingress_nginx_flags_are_accepted_and_those_without_meaning_warn() {
    let flags = parse(&[
        "--publish-service=$(POD_NAMESPACE)/ingress-nginx-controller",
        "--election-id=ingress-nginx-leader",
        "--controller-class=k8s.io/ingress-nginx",
        "--ingress-class=nginx",
        "--configmap=$(POD_NAMESPACE)/ingress-nginx-controller",
        "--validating-webhook=:8443",
        "--validating-webhook-certificate=/usr/local/certificates/cert",
        "--validating-webhook-key=/usr/local/certificates/key",
        "--enable-metrics=false",
    ])
    .expect("the chart's arguments");
    assert_eq!(flags.settings.controller.ingress_classes, ["nginx"]);
    assert!(!flags.settings.serve.metrics.enabled);
    assert_eq!(flags.settings.serve.webhook.port, Some(8443));
    assert_eq!(flags.warnings, [""; 0]);

    let flags = parse(&["--disable-full-test", "--sync-period=1h"]).expect("other flags");
    assert_eq!(flags.warnings.len(), 2, "{:#?}", flags.warnings);
    assert!(flags.warnings.iter().all(|warning| warning.contains("is accepted and ignored: ")));

    for name in UPSTREAM.split_whitespace() {
        assert!(Flag::named(name).is_some(), "--{name}");
    }
}

const UPSTREAM: &str = "
    apiserver-host kubeconfig certificate-authority default-backend-service ingress-class controller-class
    watch-ingress-without-class ingress-class-by-name configmap publish-service publish-status-address
    report-node-internal-ip-address update-status update-status-on-shutdown status-update-interval election-id
    election-ttl disable-leader-election tcp-services-configmap udp-services-configmap sync-period sync-rate-limit
    watch-namespace watch-namespace-selector profiling profiler-port profiler-address default-ssl-certificate
    health-check-path health-check-timeout healthz-port healthz-host http-port https-port ssl-passthrough-proxy-port
    default-server-port status-port stream-port internal-logger-address enable-ssl-passthrough
    enable-ssl-chain-completion disable-svc-external-name disable-catch-all annotations-prefix
    enable-annotation-validation deep-inspect validating-webhook validating-webhook-certificate validating-webhook-key
    disable-full-test enable-metrics metrics-per-host metrics-per-undefined-host report-status-classes time-buckets
    length-buckets size-buckets bucket-factor max-buckets exclude-socket-metrics monitor-max-batch-size
    shutdown-grace-period post-shutdown-grace-period dynamic-configuration-retries disable-sync-events
    enable-topology-aware-routing maxmind-mirror maxmind-license-key maxmind-edition-ids maxmind-retries-count
    maxmind-retries-timeout v logtostderr";
