use super::auth::server;
use super::{Lane, view};
use crate::config::{BasicAuth, RoutePolicies, Satisfy, SourceRanges, Users};
use crate::exchange::Step;
use crate::request::Reply;
use http::header;
use std::sync::Arc;

const RIGHT: &str = "Basic YWxpY2U6YQ=="; // alice:a
const WRONG: &str = "Basic YWxpY2U6Yg=="; // alice:b
const STRANGER: &str = "Basic Ym9iOmE="; // bob:a

/// What one of nginx's modules says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    Yes,
    No(u16),
}

/// nginx's `ngx_http_core_access_phase`, and what comes after it: the status, and how many modules were asked.
fn nginx(satisfy: Satisfy, modules: &[Says]) -> (u16, usize) {
    let mut code = 200;
    for (number, says) in modules.iter().enumerate() {
        match (says, satisfy) {
            (Says::Nothing, _) | (Says::Yes, Satisfy::All) => {}
            (Says::Yes, Satisfy::Any) => return (200, number + 1),
            (Says::No(no @ (401 | 403)), Satisfy::Any) => code = if code == 401 { 401 } else { *no },
            (Says::No(no), _) => return (*no, number + 1),
        }
    }
    (code, modules.len())
}

fn address(says: Says) -> SourceRanges {
    let allow = |network: &str| SourceRanges {
        allow: Some([network.parse().expect("a network")].into()),
        ..SourceRanges::default()
    };
    match says {
        Says::Nothing => SourceRanges { deny: ["192.0.2.0/24".parse().expect("a network")].into(), allow: None },
        Says::Yes => allow("10.0.0.0/8"),
        Says::No(_) => allow("192.0.2.0/24"),
    }
}

fn alice() -> Arc<BasicAuth> {
    let users = Users([("alice".into(), "{PLAIN}a".into())].into());
    Arc::new(BasicAuth { realm: "r".into(), users })
}

/// Plays a request until it is answered or goes to its backend. The auth server answers with this status.
fn play(lane: &mut Lane, auth: u16) -> (Result<(), Reply>, bool) {
    let mut asked = false;
    loop {
        match lane.exchange.next_step() {
            Step::Verify(verification) => lane.exchange.verified(&view(&lane.headers), verification.run()),
            Step::Ask(_) => {
                asked = true;
                lane.respond(auth, &[("www-authenticate", "Bearer")]);
            }
            Step::Attempt(_) => return (Ok(()), asked),
            Step::Reply(reply) => return (Err(reply), asked),
            step @ (Step::Abandon | Step::Close | Step::Wait(_) | Step::Inspect | Step::ErrorPage | Step::Buffer) => {
                panic!("{step:?}")
            }
        }
    }
}

#[test]
fn ways_to_come_in_combine_as_in_nginx() {
    let passwords = [
        (Says::Nothing, None, STRANGER),
        (Says::Yes, Some(alice()), RIGHT),
        (Says::No(401), Some(alice()), WRONG),
        (Says::No(401), Some(alice()), STRANGER),
    ];
    let servers =
        [(Says::Nothing, 0), (Says::Yes, 200), (Says::No(401), 401), (Says::No(403), 403), (Says::No(500), 302)];
    for satisfy in [Satisfy::All, Satisfy::Any] {
        for at in [Says::Nothing, Says::Yes, Says::No(403)] {
            for (password, basic_auth, credentials) in &passwords {
                for (by_server, status) in servers {
                    let says = [at, *password, by_server];
                    let policies = RoutePolicies {
                        satisfy,
                        source_ranges: address(at),
                        basic_auth: basic_auth.clone(),
                        external_auth: (by_server != Says::Nothing).then(server),
                        ..RoutePolicies::default()
                    };
                    let mut lane = Lane::with(&[1], policies, &[(header::AUTHORIZATION, *credentials)]);
                    let (outcome, asked) = play(&mut lane, status);
                    let (expected, count) = nginx(satisfy, &says);
                    let found = outcome.as_ref().err().map_or(200, |reply| reply.status);
                    assert_eq!(found, expected, "{satisfy:?} of {says:?}");
                    assert_eq!(asked, count == 3 && by_server != Says::Nothing, "{satisfy:?} of {says:?}");
                    if let (Err(reply), Satisfy::Any, [_, Says::No(_), Says::No(401)]) = (outcome, satisfy, says) {
                        let challenges = reply.headers.iter().map(|(_, value)| value).collect::<Vec<_>>();
                        assert_eq!(challenges, ["Basic realm=\"r\"", "Bearer"], "{says:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn who_comes_in_by_address_claims_nothing_of_the_auth_server() {
    let policies = RoutePolicies {
        satisfy: Satisfy::Any,
        source_ranges: address(Says::Yes),
        external_auth: Some(server()),
        ..RoutePolicies::default()
    };
    let mut lane = Lane::with(&[1], policies, &[("x-user".parse().expect("a name"), "forged")]);
    assert_eq!(play(&mut lane, 401), (Ok(()), false));
    let mut forwarded = lane.headers.map().clone();
    lane.exchange.forward(&view(&lane.headers), &mut forwarded);
    assert_eq!(forwarded.get("x-user"), None);
}

#[test]
fn the_backend_does_not_get_the_password() {
    let policies = RoutePolicies { basic_auth: Some(alice()), ..RoutePolicies::default() };
    let mut lane = Lane::with(&[1], policies, &[(header::AUTHORIZATION, RIGHT)]);
    assert_eq!(play(&mut lane, 0), (Ok(()), false));
    let mut forwarded = lane.headers.map().clone();
    lane.exchange.forward(&view(&lane.headers), &mut forwarded);
    assert_eq!(forwarded.get(header::AUTHORIZATION), None);
}
