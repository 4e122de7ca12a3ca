//! Snippets as a whole: what people write, what becomes of it, and what is said of what cannot be served.

mod inheritance;

use super::finding::{Finding, Place, Services, Snippet, Verdict};
use super::inherit::{Outer, block};
use super::{Context, HttpBlock, fold, fold_server, read};
use crate::route_defaults::{LimitZones, SnippetBlock};
use gateway::config::{
    BackendPolicies, BackendProtocol, Block, Coding, Compression, DisabledClients, Effects, Expires, InputHeader,
    MediaTypes, Operation, Proxied, ProxiedCondition, RequestBuffering, ResponseBuffering, ResponseFilter,
    ResponseHeader, RewriteFlag, RoutePolicies, Subject, Template,
};
use std::collections::BTreeSet;
use std::sync::LazyLock;

fn snippet(text: &str, context: Context) -> Snippet {
    let object = Subject::other("Ingress default/shop");
    let services = Some(Services { namespace: "default", across: false });
    let zones = &LimitZones::default();
    let place = Place { object: &object, field: "snippet", context, services, zones };
    read(text, &place, &BTreeSet::from(["theirs".into()]))
}

fn location(text: &str) -> SnippetBlock {
    served(text, Context::Location)
}

fn served(text: &str, context: Context) -> SnippetBlock {
    let snippet = snippet(text, context);
    assert_eq!(snippet.complaint(), None, "{text}: {:?}", snippet.findings);
    snippet.block
}

/// The faults of a text: where and what.
fn faults(text: &str, context: Context) -> Vec<(u32, String)> {
    let fault = |finding: Finding| match finding.verdict {
        Verdict::Fault(what) => Some((finding.position.line, what)),
        _ => None,
    };
    snippet(text, context).findings.into_iter().filter_map(fault).collect()
}

/// What is wrong with one directive in a location.
fn fault(text: &str) -> String {
    let [(_, fault)] = faults(text, Context::Location).try_into().unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    fault
}

fn http() -> HttpBlock<'static> {
    static COMPRESSION: LazyLock<Compression> = LazyLock::new(Compression::default);
    static SNIPPET: LazyLock<SnippetBlock> = LazyLock::new(SnippetBlock::default);
    HttpBlock { compression: &COMPRESSION, real_ip: None, snippet: &SNIPPET, custom_errors: &[] }
}

fn template(text: &str) -> Template {
    Template::parse(text).expect(text)
}

fn resolved(text: &str) -> Block {
    let compression = &Compression::default();
    block(&location(text), Outer { block: &SnippetBlock::default(), compression, is_grpc: false })
}

fn set_header(name: &str, value: &str) -> ResponseHeader {
    ResponseHeader::Set { name: name.into(), value: template(value), only: ResponseFilter::default(), appends: false }
}

fn add_header(name: &str, value: &str) -> ResponseHeader {
    ResponseHeader::Add { name: name.into(), value: template(value), always: false }
}

#[test]
fn statements_keep_their_order() {
    let text = "set $a b;\nif ($http_x = $a) {\n  return 403 no;\n}\nrewrite ^/a(.*) /b$1? last;\nbreak;";
    let block = resolved(text);
    let fields: Vec<_> = block.statements.iter().map(|statement| &*statement.origin.field).collect();
    assert_eq!(fields, ["snippet line 1", "snippet line 2", "snippet line 5", "snippet line 6"]);
    let [set, when, rewrite, last] = &*block.statements else { panic!("{block:?}") };
    assert_eq!(set.operation, Operation::Set { name: "a".into(), value: template("b") });
    let Operation::If { block: inner, .. } = &when.operation else { panic!("{when:?}") };
    assert_eq!(inner.statements[0].operation, Operation::Return { status: 403, text: Some(template("no")) });
    let Operation::Rewrite(rewrite) = &rewrite.operation else { panic!("{rewrite:?}") };
    assert_eq!((&*rewrite.pattern, rewrite.drops_arguments, rewrite.flag), ("^/a(.*)", true, RewriteFlag::Last));
    assert_eq!(last.operation, Operation::Break);
}

#[test]
fn switches_have_any_case() {
    let block = location("proxy_buffering ON; gzip Off; sub_filter_once OFF;");
    let switches = (block.buffering.response, block.compression.gzip.enabled, block.sub_filter.once);
    assert_eq!(switches, (Some(true), Some(false), Some(false)));
}

#[test]
fn urls_are_redirects() {
    let flag = |text: &str| match &resolved(text).statements[0].operation {
        Operation::Rewrite(rewrite) => rewrite.flag,
        Operation::Return { status, .. } => {
            assert_eq!(*status, 302);
            RewriteFlag::Redirect
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(flag("rewrite ^ https://a/$1;"), RewriteFlag::Redirect);
    assert_eq!(flag("rewrite ^ $scheme://a/ break;"), RewriteFlag::Redirect);
    assert_eq!(flag("rewrite ^ http://a/ permanent;"), RewriteFlag::Permanent);
    assert_eq!(flag("rewrite ^ /a;"), RewriteFlag::Next);
    assert_eq!(flag("rewrite ^ /a break;"), RewriteFlag::Break);
    assert_eq!(flag("return https://a/;"), RewriteFlag::Redirect);
}

#[test]
fn headers_come_in_the_order_of_nginxs_filters() {
    let text = "add_header A a; expires -1; more_set_headers \"B: b\" 'C:'; more_clear_headers -s '404 500' D*; proxy_hide_header E;";
    let cleared = |name: &str, statuses: &[u16]| ResponseHeader::Clear {
        name: name.into(),
        only: ResponseFilter { statuses: statuses.into(), ..ResponseFilter::default() },
    };
    let expected = [
        ResponseHeader::Hide("E".into()),
        set_header("B", "b"),
        cleared("C", &[]),
        cleared("D*", &[404, 500]),
        ResponseHeader::Expires(Expires::In(-1)),
        add_header("A", "a"),
    ];
    assert_eq!(*resolved(text).effects.response_headers, expected);
}

#[test]
fn an_if_inherits_what_its_location_says_anywhere() {
    let text = "add_header A a; more_set_headers 'B: b';\nif ($arg_x) { more_set_headers 'C: c'; }\nif ($arg_y) { add_header D d; }\n\
                proxy_set_header X x; access_log off;";
    let block = resolved(text);
    let of_if = |number: usize| match &block.statements[number].operation {
        Operation::If { block, .. } => &block.effects,
        other => panic!("{other:?}"),
    };
    assert_eq!(*of_if(0).response_headers, [set_header("B", "b"), set_header("C", "c"), add_header("A", "a")]);
    assert_eq!(*of_if(1).response_headers, [set_header("B", "b"), add_header("D", "d")]);
    assert_eq!(*of_if(1).backend_headers, [("X".into(), template("x"))]);
    assert_eq!(of_if(1).access_log, Some(false));
}

#[test]
fn a_location_inherits_from_its_server() {
    let server =
        served("more_set_headers 'A: a'; add_header B b; deny 10.0.0.1; limit_rate 1k; expires max;", Context::Server);
    let mut policies = RoutePolicies::default();
    let own = location("more_set_headers 'C: c'; expires off;");
    fold_server(&server, &own, http(), false, false, &mut policies);
    let effects = &policies.snippet.as_ref().expect("a snippet").effects;
    assert_eq!(*effects.response_headers, [set_header("A", "a"), set_header("C", "c"), add_header("B", "b")]);
    assert_eq!(policies.source_ranges.deny.len(), 1);
    assert_eq!(policies.response_rate.bytes_per_second.map(Into::into), Some(1024_u64));
}

#[test]
fn compression_is_said_directive_by_directive() {
    let base = Compression::default();
    assert_eq!(resolved("add_header A a;").effects.compression, None);
    let of = |text| Compression::clone(resolved(text).effects.compression.as_deref().expect(text));
    let gzip = Coding { enabled: true, level: 5, min_length: 2048, ..base.gzip.clone() };
    assert_eq!(of("gzip on; gzip_comp_level 5; gzip_min_length 2k;"), Compression { gzip, ..base });
    let types = MediaTypes::HtmlAnd(["text/css".into(), "a/b".into()].into());
    assert_eq!(of("gzip_types text/css a/B;").gzip.types, types);
    assert_eq!(of("brotli_types text/css *;").brotli.types, MediaTypes::All);
    assert_eq!(of("brotli on; brotli_comp_level 11;").brotli.level, 6);
    assert_eq!(of("zstd on; zstd_comp_level 6; zstd_min_length 1;").zstd.min_length, 1);
    assert!(!of("gzip_vary off;").vary);
    let disabled = [DisabledClients::Msie6, DisabledClients::Pattern("a.*b".into())];
    assert_eq!(*of("gzip_disable msie6 a.*b;").gzip_disable, disabled);
    let proxied = |text| of(text).gzip_proxied;
    assert_eq!(proxied("gzip_proxied off;"), Proxied::Only([].into()));
    assert_eq!(proxied("gzip_proxied expired any;"), Proxied::Any);
    assert_eq!(
        proxied("gzip_proxied no-cache auth;"),
        Proxied::Only([ProxiedCondition::NoCache, ProxiedCondition::Auth].into())
    );
    for text in [
        "gzip yes;",
        "gzip_comp_level 0;",
        "gzip_types css;",
        "gzip_proxied some;",
        "gzip_disable (;",
        "zstd_comp_level 7;",
    ] {
        assert!(fault(text).contains("is not"), "{text}: {}", fault(text));
    }
    assert!(fault("gzip on; gzip off;").contains("twice"));
}

#[test]
fn compression_is_inherited_directive_by_directive() {
    let server = served("gzip on; gzip_comp_level 5; gzip_vary off;", Context::Server);
    let mut policies = RoutePolicies::default();
    let own = location("gzip_comp_level 2; if ($host) { gzip off; }");
    fold_server(&server, &own, http(), false, false, &mut policies);
    let snippet = policies.snippet.expect("a snippet");
    let of = |effects: &Effects| {
        let compression = effects.compression.as_ref().expect("compression");
        (compression.gzip.enabled, compression.gzip.level, compression.vary)
    };
    assert_eq!(of(&snippet.effects), (true, 2, false));
    let Operation::If { block, .. } = &snippet.statements[0].operation else { panic!("no if") };
    assert_eq!(of(&block.effects), (false, 2, false));
}

#[test]
fn ordinary_settings_take_what_they_have_fields_for() {
    let (mut policies, mut backend) = (RoutePolicies::default(), BackendPolicies::default());
    let text = "client_max_body_size 8m; proxy_read_timeout 5m; allow 10.0.0.0/8; deny all; satisfy any; \
                limit_rate_after 2k; proxy_request_buffering off; client_body_buffer_size 1m; proxy_buffering on; \
                proxy_buffer_size 16k; proxy_buffers 8 32k; proxy_max_temp_file_size 0; \
                proxy_ignore_headers x-accel-buffering;";
    assert_eq!(fold(&location(text), http(), &mut policies, &mut backend), Ok(vec![]));
    assert_eq!(policies.body_limit, Some(8 << 20));
    assert_eq!(policies.request_buffering, RequestBuffering { on: false, memory: 1 << 20 });
    let buffering =
        ResponseBuffering { on: true, ignores_header: true, head: 16 << 10, buffers: 8, buffer: 32 << 10, file: 0 };
    assert_eq!(policies.response_buffering, buffering);
    assert_eq!(backend.timeouts.read.as_secs(), 300);
    assert_eq!(policies.source_ranges.allow.as_ref().map(|allow| allow.len()), Some(1));
    assert_eq!(policies.response_rate.after, 2048);
    assert_eq!(policies.snippet, None);
    let warnings = fold(&location("grpc_read_timeout 1h; deny 10.0.0.1;"), http(), &mut policies, &mut backend);
    assert_eq!(warnings.map(|warnings| warnings.len()), Ok(2));
    assert_eq!(policies.source_ranges.deny.len(), 0, "an allowlist ends with deny all");
}

#[test]
fn backends_with_tls_are_sent_the_name_of_their_protocol() {
    let sent = |protocol, text: &str| {
        let mut backend = BackendPolicies { protocol, ..BackendPolicies::default() };
        fold(&location(text), http(), &mut RoutePolicies::default(), &mut backend).expect("few rules");
        backend.tls.map(|tls| tls.server_name.as_deref().unwrap_or("none").to_owned())
    };
    let text = "proxy_ssl_name a.example; proxy_ssl_server_name on; grpc_ssl_name $host; grpc_ssl_server_name on;";
    assert_eq!(sent(BackendProtocol::Https, text).as_deref(), Some("a.example"));
    assert_eq!(sent(BackendProtocol::Auto, text).as_deref(), Some("a.example"));
    assert_eq!(sent(BackendProtocol::Grpcs, text).as_deref(), Some("$host"));
    assert_eq!(sent(BackendProtocol::Http, text), None);
    assert_eq!(sent(BackendProtocol::Https, "proxy_ssl_name a.example;"), None, "as with any backend");
    assert_eq!(sent(BackendProtocol::Https, "proxy_ssl_server_name on;"), None);
    assert_eq!(sent(BackendProtocol::Https, "proxy_ssl_server_name off;").as_deref(), Some("none"));
}

#[test]
fn input_headers() {
    let text = "more_set_input_headers -r 'A: $host' 'B:'; more_clear_input_headers 'X-Auth-*';";
    let expected = [
        InputHeader::Set { name: "A".into(), value: template("$host"), replaces_only: true },
        InputHeader::Clear("B".into()),
        InputHeader::Clear("X-Auth-*".into()),
    ];
    assert_eq!(*resolved(text).effects.input_headers, expected);
}

#[test]
fn all_faults_are_found_at_once() {
    let text = "proxy_pass http://x;\nset $a $nope;\nif ($host = a) {\n  root /etc;\n  return 403;\n}\nadd_heder A b;\nreturn;";
    let found = faults(text, Context::Location);
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 4, 7, 8]);
    for ((_, found), expected) in
        found.iter().zip(["is refused: backends", "$nope", "names a file", "add_header", "0 arguments"])
    {
        assert!(found.contains(expected), "{found}: {expected}");
    }
}

#[test]
fn what_stands_before_an_error_of_syntax_is_checked() {
    let found = faults("root /a;\nif ($a) {\n  alias /b;\n  ;\n}", Context::Location);
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4]);
}

#[test]
fn faults_say_what_is_expected() {
    for (text, expected) in [
        ("content_by_lua_block { ngx.say(1) }", "code, which no snippet may run"),
        ("access_by_lua_file /x.lua;", "runs code"),
        ("include /etc/passwd;", "names a file"),
        ("ssl_certificate /var/run/secrets/x;", "spec.tls"),
        ("auth_basic_user_file /etc/x;", "names a file"),
        ("access_log /dev/stdout;", "names a file"),
        ("if (-f $request_uri) { break; }", "tests a file"),
        ("location @x { deny all; }", "only in a server"),
        ("location = /x { location ~ y { } }", "exact or has a name"),
        ("location /x { location /y { } }", "outside of the location"),
        ("proxy_set_header Content-Length 1;", "frames messages"),
        ("proxy_set_header Transfer-Encoding chunked;", "frames messages"),
        ("more_set_headers \"A: b\\nc: d\";", "one line"),
        ("add_header A \"b\\r\\nc: d\";", "one line"),
        ("add_header 'A B' c;", "a header's name"),
        ("return 302 \"/\\nSet-Cookie: a\";", "one line"),
        ("rewrite ^ \"/\\n\";", "one line"),
        ("return 99;", "200 to 599"),
        ("rewrite ^/( /a;", "regular expression"),
        ("rewrite ^ /a lst;", "expected last, break, redirect or permanent"),
        ("set a b;", "does not begin with a variable"),
        ("set $host b;", "nginx's own"),
        ("set $a 5$;", "without the name of a variable"),
        ("break", "has no end"),
        ("} server {", "no block of this text is open"),
        ("break { }", "has a block"),
        ("if ($a) ;", "has no block"),
        ("allow example.com;", "expected an IP address"),
        ("client_max_body_size 8mb;", "expected a number of bytes"),
        ("proxy_read_timeout 0;", "above zero"),
        ("satisfy some;", "\"all\" or \"any\""),
        ("expires @15h;", "expected a time"),
        ("expires 1d; expires 2d;", "twice"),
        ("more_clear_headers *;", "the beginning of one"),
        ("more_set_headers -x A;", "option"),
        ("more_set_headers -s abc 'A: b';", "statuses"),
        ("more_set_headers -s 404;", "names no header"),
        ("more_set_headers \"A: b\" return 403;", "\"return\" for a header"),
        ("more_set_input_headers 'Host: x';", "Host"),
        ("auth_basic x;", "needs a file"),
        ("proxy_ssl_verify on;", "annotations proxy-ssl-*"),
        ("proxy_ssl_name $http_host;", "expected a host name"),
        ("limit_rate $rate;", "expected a number of bytes"),
        ("sub_filter $unknown a;", "the variable $unknown"),
        ("sub_filter '' a;", "1 to 512 bytes"),
        ("sub_filter_once maybe;", "\"on\" or \"off\""),
        ("auth_request check;", "expected the path of a location"),
        ("auth_request_set $host a;", "nginx's own"),
        ("set_real_ip_from proxy.example;", "expected an IP address"),
        ("real_ip_header 'X Y';", "a header's name"),
        ("real_ip_recursive 1;", "\"on\" or \"off\""),
        ("error_page /x;", "1 argument"),
        ("error_page =200 /x;", "names no error"),
        ("error_page 499 /x;", "499"),
        ("error_page 404 =204 /x;", "have a body"),
        ("error_page 404 @custom_a_404;", "custom-http-errors"),
        ("error_page 404 \"/\\n\";", "one line"),
        ("recursive_error_pages on;", "expected \"off\""),
    ] {
        let fault = fault(text);
        assert!(fault.contains(expected), "{text}: {fault}");
    }
    assert!(
        faults("if ($host) { proxy_set_header A b; }", Context::Location)[0]
            .1
            .contains("not allowed in an if in a location")
    );
    assert!(
        faults("if ($host) { add_header A b; }", Context::Server)[0].1.contains("not allowed in an if in a server")
    );
    assert!(faults("add_header A b;", Context::Http)[0].1.contains("not supported in http"));
    assert!(faults("load_module x;", Context::Main)[0].1.contains("code"));
}

#[test]
fn what_is_safe_without_effect_is_accepted() {
    let idle = |text: &str, context| match &*snippet(text, context).findings {
        [Finding { verdict: Verdict::Idle(why), .. }] => why.clone(),
        other => panic!("{text}: {other:?}"),
    };
    for text in [
        "proxy_busy_buffers_size 8k;",
        "gzip_buffers 4 8k;",
        "brotli_static on;",
        "gzip_http_version 1.0;",
        "proxy_set_header Connection $connection_upgrade;",
        "proxy_set_header Upgrade $http_upgrade;",
        "auth_basic off;",
        "proxy_pass_header Server;",
        "proxy_hide_header Upgrade;",
        "more_clear_headers Connection;",
        "proxy_ignore_headers X-Accel-Redirect;",
        "proxy_cache_use_stale timeout;",
    ] {
        assert!(idle(text, Context::Location).contains("no effect"), "{text}");
    }
    for text in ["proxy_set_header A b;", "client_max_body_size 1m;", "proxy_read_timeout 1s;", "proxy_buffering on;"] {
        assert!(idle(text, Context::Server).contains("every location"), "{text}");
        assert!(idle(text, Context::Http).contains("every location"), "{text}");
    }
    assert!(idle("worker_rlimit_nofile 1024;", Context::Main).contains("no effect"));
    assert!(idle("server_names_hash_bucket_size 1024;", Context::Http).contains("no effect"));
}

#[test]
fn variables_of_other_snippets_are_known() {
    location("proxy_set_header A $theirs;");
    location("if ($uri ~ ^/(?<name>.*)) { set $b $name; } proxy_set_header A $b;");
    assert!(fault("proxy_set_header A $others;").contains("$others"));
}

#[test]
fn bounds() {
    let many: String = (0..200).map(|n| format!("rewrite ^/{n}/{} /x;\n", "[a-z]{3}".repeat(30))).collect();
    assert!(faults(&many.replace("[a-z]{3}", "[a-z][a-z]"), Context::Location)[0].1.contains("regular expressions"));
    assert!(fault(&"a".repeat(1 << 20)).contains("too long"));
    assert!(fault(&"if ($a) {".repeat(1000)).contains("nested too deeply"));
}
