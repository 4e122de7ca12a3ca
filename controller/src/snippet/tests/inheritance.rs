//! What a location inherits of errors and addresses.

use super::{faults, http, location, served};
use crate::snippet::{Context, HttpBlock, fold_server, fold_within};
use gateway::config::{
    BackendPolicies, CustomErrors, PageStatus, RealIp, Rewrite, RoutePolicies, Satisfy, SourceRanges, Timeouts,
};
use std::num::NonZero;
use std::time::Duration;

#[test]
fn error_pages_are_those_of_the_innermost_block() {
    let server = served("error_page 404 500 =200 /a?b; error_page 500 @c; proxy_intercept_errors on;", Context::Server);
    let of = |own: &str, has_error_pages| {
        let custom_errors = CustomErrors { statuses: [404].into(), ..CustomErrors::default() };
        let mut policies = RoutePolicies { custom_errors, ..RoutePolicies::default() };
        fold_server(&server, &location(own), http(), false, has_error_pages, &mut policies);
        let effects = policies.snippet.expect("a snippet").effects.clone();
        assert_eq!(effects.intercepts_errors, Some(true));
        let pages: Vec<_> = effects.error_pages.iter().map(|page| page.target.literal().map(str::to_owned)).collect();
        (pages, policies.custom_errors.overruled)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of("", false), (vec![text("/a?b"), text("@c")], true));
    assert_eq!(of("error_page 403 = /d;", false), (vec![text("/d")], false), "what comes of http is seen to elsewhere");
    assert_eq!(of("", true), (vec![], false));
    let [first, second] = &*server.error_pages else { panic!("{server:?}") };
    assert_eq!((&*first.statuses, first.status), (&[404, 500][..], PageStatus::Fixed(200)));
    assert_eq!((&*second.statuses, second.status), (&[500][..], PageStatus::Error));
    assert!(faults("if ($host) { error_page 404 /x; }", Context::Server)[0].1.contains("not allowed"));
}

#[test]
fn whose_word_is_taken_is_inherited_directive_by_directive() {
    let network = |text: &str| text.parse().expect("a network");
    let of_keys =
        RealIp { trusted: [network("0.0.0.0/0")].into(), header: Some("x-forwarded-for".into()), recursive: true };
    let of = |server: &str, own: &str, of_keys| {
        let (server, mut policies) = (served(server, Context::Server), RoutePolicies::default());
        fold_server(&server, &location(own), HttpBlock { real_ip: of_keys, ..http() }, false, false, &mut policies);
        policies.real_ip
    };
    let header =
        |real_ip: RealIp| (real_ip.trusted.len(), real_ip.header.as_deref().map(str::to_owned), real_ip.recursive);
    let text = |text: &str| Some(text.to_owned());
    let server = "set_real_ip_from 10.0.0.0/8; set_real_ip_from ::1; real_ip_header CF-Connecting-IP;";
    assert_eq!(of(server, "", Some(&of_keys)), None, "that of the server has been taken before");
    assert_eq!(of("", "real_ip_recursive on;", None).map(header), Some((0, text("x-real-ip"), true)));
    assert_eq!(of("", "real_ip_recursive off;", Some(&of_keys)).map(header), Some((1, text("x-forwarded-for"), false)));
    assert_eq!(
        of(server, "real_ip_recursive off;", Some(&of_keys)).map(header),
        Some((2, text("cf-connecting-ip"), false))
    );
    assert_eq!(of(server, "real_ip_header proxy_protocol;", None).map(header), Some((2, None, false)));
    let http = served("set_real_ip_from 10.0.0.0/8;", Context::Http).real_ip;
    assert_eq!(http.over_keys(Some(&of_keys)).map(header), Some((2, text("x-forwarded-for"), true)));
}

/// What holds in a location that says this, within another one that says that.
fn within(outer: &str, own: &str, around: RoutePolicies) -> (RoutePolicies, BackendPolicies) {
    let (mut policies, mut backend) = (around, BackendPolicies::default());
    fold_within(&location(own), &location(outer), http(), &mut policies, &mut backend).expect("few rules");
    (policies, backend)
}

#[test]
fn a_location_within_another_inherits_what_it_does_not_say() {
    let network = |text: &str| text.parse().expect("a network");
    let around = || RoutePolicies {
        source_ranges: SourceRanges { deny: [network("10.0.0.0/8")].into(), allow: Some([].into()) },
        body_limit: Some(5),
        satisfy: Satisfy::Any,
        internal: true,
        real_ip: Some(RealIp { recursive: true, ..RealIp::default() }),
        custom_errors: CustomErrors { statuses: [404].into(), ..CustomErrors::default() },
        ..RoutePolicies::default()
    };
    assert_eq!(within("", "", around()).0, around());
    let own = "allow 192.0.2.1; deny all; client_max_body_size 7; satisfy all; real_ip_recursive off; error_page 404 /x; \
               proxy_read_timeout 3s; limit_rate 9;";
    let (policies, backend) = within("", own, around());
    let ranges = SourceRanges { deny: [].into(), allow: Some([network("192.0.2.1/32")].into()) };
    assert_eq!(policies.source_ranges, ranges, "rules of its own take the place of all others");
    assert_eq!((policies.body_limit, policies.satisfy, policies.internal), (Some(7), Satisfy::All, true));
    assert_eq!(policies.real_ip.map(|real_ip| real_ip.recursive), Some(false));
    assert!(policies.custom_errors.overruled);
    assert_eq!(policies.response_rate.bytes_per_second, NonZero::new(9));
    assert_eq!((backend.timeouts.read, backend.timeouts.send), (Duration::from_secs(3), Timeouts::DEFAULT.send));
}

#[test]
fn what_nginx_does_not_inherit_a_location_within_another_does_not_have() {
    let around = RoutePolicies {
        rewrite: Some(Rewrite { pattern: "/".into(), target: "/a".into(), forwarded_prefix: None }),
        default_backend: Some(gateway::config::ServiceBackend::tcp("default", "spare", "80").into()),
        ..RoutePolicies::default()
    };
    let (policies, _) = within("set $a b; return 200; more_set_headers 'A: a'; add_header B b;", "", around.clone());
    assert_eq!((policies.rewrite, policies.default_backend), (None, None));
    let block = policies.snippet.expect("a snippet");
    assert!(block.statements.is_empty());
    assert_eq!(block.effects.response_headers.len(), 2);
    let (policies, _) = within("more_set_headers 'A: a'; add_header B b;", "set $c d; add_header C c;", around);
    let block = policies.snippet.expect("a snippet");
    assert_eq!((block.statements.len(), block.effects.response_headers.len()), (1, 2));
}
