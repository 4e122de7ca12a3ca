//! Cookies that ingress-nginx has set lead to the endpoints that they lead to there.

use super::reference::{self, Ring};
use super::world::{Answer, UPSTREAM, World, pods};
use anyhow::{Result, ensure};
use std::net::SocketAddr;

/// As many as one backend has in the test at most.
const MOST: usize = 50;
/// Clients for each number of endpoints.
const CLIENTS: usize = 20;

fn names(pods: &[SocketAddr]) -> Vec<String> {
    pods.iter().map(ToString::to_string).collect()
}

fn cookie(key: &str) -> String {
    format!("INGRESSCOOKIE={}", reference::value(UPSTREAM, key))
}

/// `ngx.now()`, the number of a process, and chance.
fn key(number: usize) -> String {
    format!("1764441234.{:03}.{}.{}", number * 37 % 1000, 40 + number % 3, number * 99_991 % 1_000_000)
}

#[tokio::test]
async fn balanced_cookies_lead_to_the_same_of_2_to_50_endpoints() -> Result<()> {
    let pods = pods(MOST).await?;
    let mut world = World::start(&[], &[]).await?;
    for count in 2..=MOST {
        world.set_pods(&pods[..count]).await?;
        let ring = Ring::of(&names(&pods[..count]));
        for client in 0..CLIENTS {
            let key = key(count * CLIENTS + client);
            let (expected, answer) = (Answer::of(ring.find(&key)), world.visit(Some(&cookie(&key))).await?);
            ensure!(answer == expected, "{key}, {count} endpoints: {answer:?} instead of {expected:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn persistent_cookies_lead_to_the_same_of_2_to_50_endpoints() -> Result<()> {
    let pods = pods(MOST).await?;
    let mut world = World::start(&[("affinity-mode", "persistent")], &[]).await?;
    for count in 2..=MOST {
        world.set_pods(&pods[..count]).await?;
        for (number, name) in names(&pods[..count]).iter().enumerate().step_by(1 + count / CLIENTS) {
            let key = reference::name(UPSTREAM, name);
            let answer = world.visit(Some(&cookie(&key))).await?;
            ensure!(answer == Answer::of(number), "{name}, {count} endpoints: {answer:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn s17_a_client_stays_with_the_cookie_that_it_got() -> Result<()> {
    let pods = pods(3).await?;
    for mode in ["balanced", "persistent"] {
        let mut world = World::start(&[("affinity-mode", mode)], &pods).await?;
        for _ in 0..5 {
            let (pod, cookie) = world.begin().await?;
            for _ in 0..20 {
                let answer = world.visit(Some(&cookie)).await?;
                ensure!(answer == Answer::of(pod), "{mode}: {answer:?} instead of pod {pod}");
            }
        }
    }
    Ok(())
}

/// One that a client makes up leads to an endpoint or is replaced: it never does harm.
#[tokio::test]
async fn forged_cookies_do_no_harm() -> Result<()> {
    let pods = pods(2).await?;
    let own = reference::name(UPSTREAM, &names(&pods)[0]);
    let long = "k".repeat(7_000);
    for mode in ["balanced", "persistent"] {
        let mut world = World::start(&[("affinity-mode", mode)], &pods).await?;
        for forged in ["127.0.0.1:22", "\"", "\u{e4}", "%00", "=", &long, &own.to_uppercase(), &own[..31]] {
            let answer = world.visit(Some(&format!("INGRESSCOOKIE={forged}|x"))).await?;
            let is_replaced = answer.cookie.is_some();
            ensure!(answer.status == 200 && is_replaced == (mode == "persistent"), "{mode}, {forged:.20}: {answer:?}");
        }
        let both = format!("INGRESSCOOKIE={long}; {}", cookie(&own));
        let answer = world.visit(Some(&both)).await?;
        ensure!(
            answer.cookie.is_none() && (mode == "balanced" || answer.pod == Some(0)),
            "the last counts: {answer:?}"
        );
    }
    Ok(())
}
