//! Endpoints that cannot be connected.

use super::reference::{self, Ring};
use super::world::{Answer, UPSTREAM, World, pods};
use anyhow::{Result, ensure};
use tests::backend::refusing;

/// A cookie that leads to the second of two endpoints.
fn second(mode: &str, names: &[String]) -> String {
    let ring = Ring::of(names);
    let keys = (0..1000).map(|number| format!("key-{number}"));
    let key = match mode {
        "balanced" => keys.into_iter().find(|key| ring.find(key) == 1).unwrap_or_default(),
        _ => reference::name(UPSTREAM, &names[1]),
    };
    format!("INGRESSCOOKIE={}", reference::value(UPSTREAM, &key))
}

#[tokio::test]
async fn a_client_stays_with_an_endpoint_that_failed_unless_it_is_to_change() -> Result<()> {
    let (_socket, refusing) = refusing()?;
    let pods = [pods(1).await?[0], refusing];
    let names = pods.map(|pod| pod.to_string());
    for mode in ["balanced", "persistent"] {
        let cookie = second(mode, &names);
        let mut stays = World::start(&[("affinity-mode", mode)], &pods).await?;
        for _ in 0..3 {
            let answer = stays.visit(Some(&cookie)).await?;
            ensure!(answer == Answer::without_pod(502), "{mode}: {answer:?}");
        }
        let changing = [("affinity-mode", mode), ("session-cookie-change-on-failure", "true")];
        let mut changes = World::start(&changing, &pods).await?;
        let answer = changes.visit(Some(&cookie)).await?;
        let new = answer.cookie.clone().unwrap_or_default();
        ensure!(answer.pod == Some(0) && new != cookie && !new.is_empty(), "{mode}: {answer:?}");
        ensure!(changes.visit(Some(&new)).await? == Answer::of(0), "{mode}: {new}");
    }
    Ok(())
}

#[tokio::test]
async fn a_new_client_gets_the_cookie_of_the_endpoint_that_served_it() -> Result<()> {
    let (_socket, refusing) = refusing()?;
    let pods = [pods(1).await?[0], refusing];
    for mode in ["balanced", "persistent"] {
        let mut world = World::start(&[("affinity-mode", mode)], &pods).await?;
        for _ in 0..20 {
            let (pod, cookie) = world.begin().await?;
            ensure!(world.visit(Some(&cookie)).await? == Answer::of(pod), "{mode}: {cookie}");
        }
        world.set_pods(&pods[1..]).await?;
        let answer = world.visit(None).await?;
        ensure!(answer == Answer::without_pod(502), "{mode}: {answer:?}");
    }
    Ok(())
}
