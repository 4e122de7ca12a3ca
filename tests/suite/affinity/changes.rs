//! Endpoints that come and go.

use super::world::{Answer, World, pods};
use anyhow::{Result, ensure};

const PERSISTENT: (&str, &str) = ("affinity-mode", "persistent");

#[tokio::test]
async fn s19_a_session_ends_with_its_only_endpoint() -> Result<()> {
    let pods = pods(2).await?;
    let annotations = [PERSISTENT, ("session-cookie-expires", "172800"), ("session-cookie-max-age", "172800")];
    let mut world = World::start(&annotations, &pods[..1]).await?;
    let (pod, cookie) = world.begin().await?;
    for _ in 0..5 {
        ensure!(world.visit(Some(&cookie)).await? == Answer::of(pod));
    }
    world.set_pods(&[]).await?;
    ensure!(world.visit(Some(&cookie)).await? == Answer::without_pod(503));
    world.set_pods(&pods[1..]).await?;
    let answer = world.visit(Some(&cookie)).await?;
    ensure!(answer.pod == Some(1) && answer.cookie.is_some_and(|new| new != cookie), "the other pod, and a new cookie");
    Ok(())
}

#[tokio::test]
async fn s20_persistent_sessions_stay_when_endpoints_come() -> Result<()> {
    let pods = pods(10).await?;
    let mut world = World::start(&[PERSISTENT], &pods[..3]).await?;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(world.begin().await?);
    }
    world.set_pods(&pods).await?;
    for (pod, cookie) in &sessions {
        ensure!(world.visit(Some(cookie)).await? == Answer::of(*pod), "{cookie}");
    }
    Ok(())
}

#[tokio::test]
async fn s21_a_persistent_session_whose_endpoint_is_gone_begins_anew() -> Result<()> {
    let pods = pods(3).await?;
    let mut world = World::start(&[PERSISTENT], &pods).await?;
    let (pod, cookie) = world.begin().await?;
    let left: Vec<_> = pods.iter().copied().enumerate().filter(|(number, _)| *number != pod).collect();
    world.set_pods(&left.iter().map(|(_, address)| *address).collect::<Vec<_>>()).await?;
    let answer = world.visit(Some(&cookie)).await?;
    let (new_pod, new_cookie) = (answer.pod, answer.cookie.unwrap_or_default());
    ensure!(left.iter().any(|(number, _)| Some(*number) == new_pod), "{new_pod:?} is one of {left:?}");
    ensure!(Some(world.visit(Some(&new_cookie)).await?) == new_pod.map(Answer::of), "{new_cookie}");
    Ok(())
}

#[tokio::test]
async fn balanced_sessions_move_to_a_new_endpoint_or_not_at_all() -> Result<()> {
    let pods = pods(4).await?;
    let mut world = World::start(&[], &pods[..3]).await?;
    let mut sessions = Vec::new();
    for number in 0..100 {
        let cookie = format!("INGRESSCOOKIE=session-{number}");
        sessions.push((world.visit(Some(&cookie)).await?, cookie));
    }
    world.set_pods(&pods).await?;
    let mut moved = 0;
    for (before, cookie) in &sessions {
        let after = world.visit(Some(cookie)).await?;
        ensure!(after == *before || after == Answer::of(3), "{cookie}: {before:?}, then {after:?}");
        moved += usize::from(after != *before);
    }
    ensure!((1..60).contains(&moved), "{moved} of 100 moved; about 25 were to");
    world.set_pods(&pods[..3]).await?;
    for (before, cookie) in &sessions {
        ensure!(world.visit(Some(cookie)).await? == *before, "{cookie} is back");
    }
    Ok(())
}
