//! Keys of requests (`upstream-hash-by`) lead to the endpoints that they lead to in ingress-nginx.

use super::reference::Ring;
use super::world::{Answer, World, pods};
use anyhow::{Context, Result, ensure};

/// Keys for each number of endpoints.
const KEYS: usize = 30;
/// Endpoints of a subset.
const SIZE: usize = 3;

#[tokio::test]
async fn keys_lead_to_the_same_of_2_to_20_endpoints() -> Result<()> {
    let pods = pods(20).await?;
    let mut world = World::with(vec![("upstream-hash-by", "$cookie_user")], &[]).await?;
    for count in 2..=pods.len() {
        world.set_pods(&pods[..count]).await?;
        let ring = Ring::of(&pods[..count].iter().map(ToString::to_string).collect::<Vec<_>>());
        for key in (0..KEYS).map(|number| format!("{count}-{number}")) {
            let (expected, answer) = (Answer::of(ring.find(&key)), world.visit(Some(&format!("user={key}"))).await?);
            ensure!(answer == expected, "{key}, {count} endpoints: {answer:?} instead of {expected:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn keys_lead_to_the_same_subsets_of_3_to_20_endpoints() -> Result<()> {
    let pods = pods(20).await?;
    let annotations = vec![("upstream-hash-by", "$cookie_user"), ("upstream-hash-by-subset", "true")];
    let mut world = World::with(annotations, &[]).await?;
    for count in SIZE..=pods.len() {
        world.set_pods(&pods[..count]).await?;
        let ring = Ring::of(&(1..=count.div_ceil(SIZE)).map(|number| format!("set{number}")).collect::<Vec<_>>());
        let mut order: Vec<_> = (0..count).collect();
        order.sort_by_key(|number| pods[*number]);
        for key in (0..KEYS).map(|number| format!("{count}-{number}")) {
            let first = ring.find(&key) * SIZE;
            let expected: Vec<_> = (first..first + SIZE).map(|place| order[place % count]).collect();
            let answer = world.visit(Some(&format!("user={key}"))).await?;
            let pod = answer.pod.with_context(|| format!("{answer:?}"))?;
            ensure!(expected.contains(&pod), "{key}, {count} endpoints: {pod} is not one of {expected:?}");
        }
    }
    Ok(())
}
