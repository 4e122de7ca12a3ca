//! Plays a case through a driver.

use crate::case::{Case, Mode, Request};
use crate::check::{Observation, check, check_spread};
use crate::cluster::Cluster;
use anyhow::{Context, Result};
use std::fmt::Write as _;

/// A way to put objects in force and requests to them.
#[allow(async_fn_in_trait, reason = "drivers are never shared between threads")]
pub trait Driver {
    /// Puts these YAML documents in force, in place of all before, and returns when requests see them.
    async fn apply(&mut self, documents: &str) -> Result<()>;

    /// Makes the request as often as it says. `None`: this driver cannot make such a request.
    async fn exchange(&mut self, request: &Request) -> Result<Option<Vec<Observation>>>;
}

/// Plays a case and returns how often it was judged.
///
/// # Errors
/// If anything is not as expected: the error is a report of every mismatch by step and request.
pub async fn run(case: &Case, mode: Mode, cluster: &mut Cluster, driver: &mut impl Driver) -> Result<usize> {
    let mut report = String::new();
    let mut judged = 0;
    for object in &case.objects {
        cluster.apply(object.clone()).context("objects.yaml")?;
    }
    driver.apply(&cluster.documents().await?).await?;
    let mut requests = &case.spec.requests;
    let mut steps = case.spec.then.iter();
    for number in 0.. {
        for (index, request) in requests.iter().enumerate() {
            let Some(observed) = driver.exchange(request).await.with_context(|| place(number, index, request))? else {
                continue;
            };
            judged += 1;
            for mismatch in judge(request, mode, &observed)? {
                writeln!(report, "{}: {mismatch}", place(number, index, request))?;
            }
        }
        let Some(step) = steps.next() else { break };
        for object in &step.apply {
            cluster.apply(object.clone())?;
        }
        for key in &step.delete {
            cluster.delete(key)?;
        }
        driver.apply(&cluster.documents().await?).await?;
        requests = &step.requests;
    }
    match report.is_empty() {
        true => Ok(judged),
        false => Err(anyhow::Error::msg(report)),
    }
}

/// Every distinct mismatch: a repeated request may go wrong in the same way every time.
fn judge(request: &Request, mode: Mode, observed: &[Observation]) -> Result<Vec<String>> {
    let expect = request.expectation(mode).context("no expectation for this mode")?;
    let mut mismatches = Vec::new();
    for observation in observed {
        mismatches.extend(check(expect, observation)?);
    }
    mismatches.extend(expect.spread.iter().flat_map(|spread| check_spread(spread, observed)));
    mismatches.dedup();
    Ok(mismatches.iter().map(ToString::to_string).collect())
}

fn place(step: usize, index: usize, request: &Request) -> String {
    const SHOWN: usize = 100;
    let what = match &request.raw {
        Some(raw) => format!("{raw:?}"),
        None => format!("{} {}", request.method, request.url),
    };
    let what: String = what.chars().take(SHOWN).collect();
    match step {
        0 => format!("request {index} ({what})"),
        _ => format!("step {step}, request {index} ({what})"),
    }
}
