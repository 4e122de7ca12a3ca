//! The properties of the fuzz targets, with their seeds and with generated values: what libFuzzer does in hours, as far
//! as it goes in seconds.

use gateway::config::PathKind::{Exact, Prefix, Regex};
use gateway::config::PathMatching::{self, Nginx, Strict};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tests::fuzz::naive::{HostRules, Rule};
use tests::fuzz::{
    TARGETS, auth_key, chunks, cors, fastcgi, htpasswd, manifest, networks, normalize, pattern, proxy_protocol,
    request_head, response_head, rewrite, routing, snippet,
};
use tests::objects::full_name;

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// The entries of a directory, by name without extension.
fn entries(name: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(directory(name)).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path)).collect()
}

#[test]
fn every_property_is_a_target_and_has_seeds() {
    let names = |directory: &str| entries(directory).into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("targets"), targets);
    assert_eq!(names("seeds"), targets);
}

#[test]
fn properties_hold_for_the_seeds() {
    for (name, fuzz) in TARGETS {
        let seeds = entries(&format!("seeds/{name}"));
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for (seed, path) in seeds {
            println!("{name}/{seed}");
            fuzz(&fs::read(path).expect("a seed"));
        }
    }
}

/// A request, with parts so short that two are often the same.
fn asked() -> impl Strategy<Value = String> {
    let parts = ["1?", "a", "/a?", "(GET)?", "[ab]?", "(x: (a|[$]host))?", "(x|y|x,y)?", "a?b?", "[=^]", "/a?", "a?b?"];
    parts.to_vec().prop_map(|parts| parts.join("\t"))
}

fn mode() -> impl Strategy<Value = PathMatching> {
    prop_oneof![Just(Nginx), Just(Strict)]
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        3 => (Just(Exact), "(/(a|b|A|ab|a-|a!))*/?"),
        5 => (Just(Prefix), "(/(a|b|A|ab|a-|a!))*/?"),
        1 => (Just(Regex), plain_pattern()),
    ]
    .prop_map(|(kind, path)| (kind, if path.is_empty() { "/".to_owned() } else { path }))
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    vec(rule(), 0..12)
}

fn host_name() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), r"(\*\.)?[ab](\.[ab]){0,2}"]
}

fn plain_pattern() -> &'static str {
    r"(/(a|b|A|ab|\[ab\]|a\.\*|\(a\|b\)))*[/$]?"
}

/// Lines of a request head, some of them good.
fn head_line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("Host: a".to_owned()),
        1 => "(?i)(host|content-length|transfer-encoding|x_y|x-y)[ \t]?:[ \t]{0,2}(a|a:80|7|\\+7|chunked|x, chunked|)[ \t]?",
        2 => "[!-~]{1,8}:[ -~\t]{0,12}",
        1 => "[ -~\t\r\n\0\u{7f}é]{0,12}",
    ]
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![12 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r")]
}

/// Extensions of a chunk, most of them good.
fn extension() -> &'static str {
    "(;|; a|;b=c| ;a = \"b\"|;a=\"[ -~é\t]{0,3}\"|;[ -~\t\r\n\0]{0,3}){0,2}"
}

/// Ingresses of few hosts and paths, so that they meet, with annotations from the whole list.
fn ingress() -> impl Strategy<Value = String> {
    let keys: Vec<&str> = controller::annotation::Annotation::all().map(|annotation| annotation.name).collect();
    let value = prop_oneof![
        "(true|false|0|5|/|/\\$1|https://a\\.example/x|~\\^a\\$|\\*\\.a|a, b|www\\.a|on|off|http|close|s)",
        "[ -!#-\\[\\]-~]{0,8}",
    ];
    let annotations = vec((prop::sample::select(keys), value), 0..4);
    let path =
        ("(/(a|b|\\(\\.\\*\\))){0,2}/?", "(Exact|Prefix|Prefix|ImplementationSpecific|Other)", "[st]", "(80|web)");
    let rule = ("(a|b|www\\.a|\\*\\.a|A\\.|a b|)", vec(path, 0..3));
    (annotations, vec(rule, 0..3), any::<bool>(), "[a-d]").prop_map(|(annotations, rules, default, name)| {
        let annotations: std::collections::BTreeMap<_, _> = annotations.into_iter().collect();
        let annotations = annotations.iter().map(|(k, v)| format!("    {}: \"{v}\"\n", full_name(k)));
        let path = |(path, kind, service, port): (String, String, String, String)| {
            let port = if port == "80" { "number: 80".to_owned() } else { format!("name: {port}") };
            format!("{{path: \"{path}\", pathType: {kind}, backend: {{service: {{name: {service}, port: {{{port}}}}}}}}}")
        };
        let rule = |(host, paths): (String, Vec<_>)| {
            let paths = paths.into_iter().map(path).collect::<Vec<_>>().join(", ");
            format!("  - {{host: \"{host}\", http: {{paths: [{paths}]}}}}\n")
        };
        let default = if default { "  defaultBackend: {service: {name: s, port: {number: 80}}}\n" } else { "" };
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  annotations:\n{}spec:\n{default}  rules:\n{}",
            annotations.collect::<String>(),
            rules.into_iter().map(rule).collect::<String>(),
        )
    })
}

/// Lines of snippets, most of them good.
fn snippet_line() -> impl Strategy<Value = String> {
    const NAMES: &str = "(set|return|rewrite|break|add_header|more_set_headers|more_clear_headers|proxy_set_header|allow|deny|expires|\
                         limit_rate|client_max_body_size|proxy_read_timeout|access_log|satisfy|gzip|location|root|error_page|\
                         proxy_intercept_errors|internal|set_real_ip_from|real_ip_header|real_ip_recursive|auth_request|\
                         auth_request_set|sub_filter|sub_filter_once|sub_filter_types|limit_req_zone|limit_req|\
                         limit_conn_zone|limit_conn|limit_req_status)";
    const WORD: &str = "(@a|404|=200|on|\\$a|\\$1|\\$host|\\$\\{a\\}|/a|\\^/\\(a\\)|A: b|A|always|last|off|all|10\\.0\\.0\\.0/8|1k|60|403|zone=a:1m|zone=a|burst=2|nodelay|https://a/|-s|\\)|=|~)";
    prop_oneof![
        4 => (NAMES, vec(WORD, 0..4)).prop_map(|(name, words)| {
            format!("{name} {};", words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" "))
        }),
        2 => r"if \((\$a|\$host|\$1|a)( (=|!=|~|~\*|!~|==) (a|\$a|\(a\)|\())?\) \{",
        2 => Just("}".to_owned()),
        1 => "[ -~]{0,12}",
    ]
}

const BACKENDS: &str = "---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {clusterIP: 10.0.0.1, ports: [{port: 80, name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: t}
spec: {type: ExternalName, externalName: backend.example, ports: [{port: 80, name: web}]}
";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_normalize(mode in mode(), path in vec(any::<u8>(), 0..64)) {
        normalize::normal_paths_are_normal(mode, &path);
    }

    #[test]
    fn hostile_paths_normalize(mode in mode(), path in "/?(/|\\.|a|%2e|%2F|%2f|%|%0|%00|%25|#){0,12}") {
        normalize::normal_paths_are_normal(mode, path.as_bytes());
    }

    #[test]
    fn origins(
        pattern in r"(https?://|x://|)(\*\.)?[aB.-]{0,4}(:[01]{1,2})?|null",
        origin in r"(https?://|x://|)([aAb.*-]{0,6})(:[01]{1,2})?|.{0,8}",
    ) {
        cors::origins_are_matched_as_by_a_regex(&pattern, origin.as_bytes());
    }

    #[test]
    fn arbitrary_patterns(text in ".*", haystack in vec(any::<u8>(), 0..64)) {
        pattern::patterns_are_total(&text, &haystack);
    }

    #[test]
    fn hostile_patterns(text in r"[ab/|()\[\]{}*+?.^$\\1dwQEk<>=!:&~,0-]{0,24}", haystack in "[ab/]{0,24}") {
        pattern::patterns_are_total(&text, haystack.as_bytes());
    }

    #[test]
    fn literals(text in "[a-cA-C/_~ -]{0,6}", haystack in "[a-cA-C/]{0,24}") {
        pattern::plain_patterns_match_as_regexes(&text, &haystack);
    }

    #[test]
    fn plain_patterns(text in plain_pattern(), haystack in "[abAB/]{0,24}") {
        pattern::plain_patterns_match_as_regexes(&text, &haystack);
    }

    #[test]
    fn heads(
        request in "\r?\n?(GET|POST|OPTIONS|x) {1,2}(/|\\*|/a\\?b|http://a/|/é) HTTP/1\\.[01]",
        lines in vec((line_end(), head_line()), 0..8),
        rest in "(\r\n)?\r?\n\r?\n?.{0,8}",
    ) {
        let lines: String = lines.iter().map(|(end, line)| format!("{end}{line}")).collect();
        request_head::heads_are_read_one_way(format!("{request}{lines}{rest}").as_bytes());
    }

    #[test]
    fn response_heads(
        first in "(\r\n|\n)?HTTP/1\\.[01] {1,2}(200|204|304|103|99|2000)( |  | OK| a b| é)?",
        lines in vec(
            (line_end(), "(Content-Length|Transfer-Encoding|X-A|X-B|a b|é|)( |\t)?:( |\t)?(5|5, 5|chunked|gzip|[ -~]{0,6}|[\t\0é]) ?"),
            0..6,
        ),
        rest in "(\r\n)?\r?\n\r?\n?.{0,8}",
    ) {
        let lines: String = lines.iter().map(|(end, line)| format!("{end}{line}")).collect();
        response_head::heads_are_passed_on_as_read(format!("{first}{lines}{rest}").as_bytes());
    }

    #[test]
    fn hostile_chunks(
        chunks in vec(("(0|00|1|2|a|\\+1|-1|0x1|g|[0-9a-f]{15,17}|)[ \t]{0,2}", extension(), line_end(), "[ -~]{0,3}", line_end()), 0..4),
        trailer in "((a|A-b|é|a b| )?:?[ -~\t\0]{0,4}\r?\n?)?",
        rest in "(\r\n)?\r?\n?.{0,8}",
    ) {
        let chunk = |(size, extension, end, data, last)| format!("{size}{extension}{end}{data}{last}");
        let chunks: String = chunks.into_iter().map(chunk).collect();
        chunks::chunks_are_read_one_way(format!("{chunks}0\r\n{trailer}{rest}").as_bytes());
    }

    #[test]
    fn sound_chunks(data in vec((vec(any::<u8>(), 1..20), extension()), 0..4), trailers in "(A: [ -~]{0,4}\r\n){0,2}") {
        let mut body = Vec::new();
        for (data, extension) in data {
            body.extend([format!("{:X}{extension}\r\n", data.len()).as_bytes(), &data, b"\r\n"].concat());
        }
        body.extend(format!("0\r\n{trailers}\r\nGET").as_bytes());
        chunks::chunks_are_read_one_way(&body);
    }

    #[test]
    fn records_of_programs(
        records in vec((0..9_u8, "[ -~]{0,9}", 0..4_u8, prop_oneof![9 => Just(0), 1 => 0..3_u8]), 0..6),
        rest in vec(any::<u8>(), 0..12),
    ) {
        let record = |(kind, content, padding, number): &(u8, String, u8, u8)| {
            let content = if *kind == 3 { &[0; 8][..] } else { content.as_bytes() };
            let length = u8::try_from(content.len()).expect("short");
            [&[1, (*kind).max(6), 0, 1 ^ number, 0, length, *padding, 0][..], content, &vec![0; (*padding).into()]].concat()
        };
        let records: Vec<u8> = records.iter().flat_map(record).collect();
        fastcgi::fuzz(&[records, rest].concat());
    }

    #[test]
    fn heads_of_programs(
        lines in vec(("(Status: ?[0-9]{0,4}( ok)?|Location: /|[aA-]{0,2} ?: ?[ -~\t\0é]{0,4}| a)?", line_end()), 0..5),
        rest in "(\r\n|\n)?.{0,8}",
    ) {
        let lines: String = lines.into_iter().map(|(line, end)| format!("{line}{end}")).collect();
        fastcgi::heads_are_read_one_way(format!("{lines}{rest}").as_bytes());
    }

    #[test]
    fn proxy_headers(
        line in "PROXY (TCP4|TCP6|UNKNOWN|UDP4)?( (192\\.0\\.2\\.1|::1|::ffff:1\\.2\\.3\\.4|\\+?[0-9]{1,5}|.)){0,5}",
        rest in "\r{0,2}\n?.{0,8}",
    ) {
        proxy_protocol::headers_have_one_end(format!("{line}{rest}").as_bytes());
    }

    #[test]
    fn binary_proxy_headers(command in 0..4_u8, family in 0..0x40_u8, length in 0..64_u8, rest in vec(any::<u8>(), 0..64)) {
        let start = [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[0x20 | command, family, 0, length]].concat();
        proxy_protocol::headers_have_one_end(&[start, rest].concat());
    }

    #[test]
    fn lists_of_networks(
        list in "( {0,1}(10|127|0)\\.0\\.0\\.[01](/[0-9]{0,2})?,?| {0,1}(::|2001:db8::|::ffff:10\\.0\\.0\\.1)(/[0-9]{0,3})?,?|.){0,4}",
        address in "(10|127|0)\\.0\\.0\\.[012]|::[12]?|2001:db8::1|::ffff:10\\.0\\.0\\.1",
    ) {
        networks::lists_hold_what_their_parts_hold(&list, address.parse().ok());
    }

    #[test]
    fn rewrites(
        pattern in "/a?(\\(\\.\\*\\)|\\[\\^/\\]\\+|\\(/\\|\\$\\)|b){0,3}",
        target in "/?([ -~é\t]|\\$[0-9x]){0,8}",
        prefix in "(/\\$1|[ -~é]{0,4})",
        path in "/a?(/|b|%0d%0a|%00|%23|%3f|%e2|é|\\.\\.){0,6}",
        query in proptest::option::of("[!-\"$-~]{0,8}"),
    ) {
        rewrite::rewritten_targets_are_targets((&pattern, &target, &prefix), path.as_bytes(), query.as_deref());
    }

    #[test]
    fn keys_of_auth_responses(one in asked(), other in asked()) {
        let parse = |line: &String| auth_key::Asked::parse(line.as_bytes()).expect("a request");
        auth_key::only_the_same_requests_share_a_response(&parse(&one), &parse(&other));
    }

    #[test]
    fn files_of_htpasswd(
        user in "[ab#]{0,2}",
        file in "([ab#\r]{0,2}:?(\\{PLAIN\\}a?|\\{S?SHA\\}[A-Za-z]{28}|\\$(1|apr1)\\$[a-z]{0,9}\\$[a-z]{22}|[a-zé./]{13}|\\$2y\\$[0-9]{2})?:?\r?\n?){0,8}",
    ) {
        htpasswd::users_have_the_hashes_that_nginx_finds(&user, file.as_bytes());
    }

    #[test]
    fn arbitrary_manifests(text in "(apiVersion: v1\n|kind: Service\n|- |---\n|[ \\[\\]{}:,&*!|>'\"%@`#a1\n-]){0,24}") {
        manifest::manifests_are_total(text.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn table_and_naive_matcher_agree(
        mode in mode(),
        hosts in btree_map(host_name(), rules(), 1..5),
        requests in vec(("|[ab](\\.[ab]){0,3}", "(/(a|b|A|ab|a-|\\.|\\.\\.|%61|%2e|)){0,6}/?"), 8),
    ) {
        let hosts: Vec<HostRules> = hosts.into_iter().collect();
        routing::answers_as_the_naive_matcher(mode, &hosts, &requests);
    }

    #[test]
    fn one_host_and_naive_matcher_agree(
        mode in mode(),
        rules in rules(),
        requests in vec((Just("h"), "(/(a|b|A|ab|a-|a!)){1,5}/?"), 8),
    ) {
        routing::answers_as_the_naive_matcher(mode, &[("h".to_owned(), rules)], &requests);
    }

    #[test]
    fn ingresses(ingresses in vec(ingress(), 1..5)) {
        manifest::manifests_are_total((ingresses.join("---\n") + BACKENDS).as_bytes());
    }

    #[test]
    fn words_of_nginx(text in r#"([ab$;{}"'\\#()=~ \t\n\r]|\$\{|é){0,40}"#) {
        snippet::printed_directives_are_read_again(&text);
    }

    #[test]
    fn arbitrary_text_as_nginx(text in ".{0,40}") {
        snippet::printed_directives_are_read_again(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn snippets(lines in vec(snippet_line(), 0..8)) {
        snippet::fuzz(lines.join("\n").as_bytes());
    }
}
