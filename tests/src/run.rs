//! Plays a case through a driver.

use crate::case::{Case, Mode, Player, Request};
use crate::check::{Observation, check, check_spread};
use crate::cluster::{Cluster, Network};
use crate::connection::PATIENCE;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How soon a request is made again that went wrong.
const PAUSE: Duration = Duration::from_millis(100);

/// A way to put objects in force and requests to them.
#[allow(async_fn_in_trait, reason = "drivers are never shared between threads")]
pub trait Driver: Sized {
    /// How cases name it.
    const PLAYER: Player;

    /// For how long after a change requests may go wrong: more than nothing where nobody can tell when it is in force.
    const PATIENCE: Duration = Duration::ZERO;

    /// The network that it wants backends on.
    async fn network() -> Result<Network>;

    /// A driver with the flags of this case, and no objects yet.
    async fn start(case: &Case, mode: Mode, cluster: &Cluster) -> Result<Self>;

    /// Puts these YAML documents in force, in place of all before, and returns when requests see them.
    async fn apply(&mut self, documents: &str) -> Result<()>;

    /// Makes the request as often as it says, against what was applied last.
    async fn exchange(&mut self, request: &Request, cluster: &Cluster) -> Result<Vec<Observation>>;

    /// Takes back what it has put where others could see it.
    async fn end(self) -> Result<()> {
        Ok(())
    }
}

/// Plays a case from its first object to its last request.
///
/// # Errors
/// If anything is not as expected: the error is a report of every mismatch by step and request.
pub async fn run<D: Driver>(case: &Case, mode: Mode) -> Result<()> {
    let mut cluster = Cluster::new(D::network().await?, &case.spec.dns).await?;
    let mut driver = D::start(case, mode, &cluster).await?;
    let report = play(case, mode, &mut cluster, &mut driver).await;
    driver.end().await?;
    match report? {
        report if report.is_empty() => Ok(()),
        report => Err(anyhow::Error::msg(report)),
    }
}

/// Every mismatch by step and request, line by line.
async fn play<D: Driver>(case: &Case, mode: Mode, cluster: &mut Cluster, driver: &mut D) -> Result<String> {
    for object in &case.objects {
        cluster.apply(object.clone()).context("objects.yaml")?;
    }
    let mut report = String::new();
    let mut requests = &case.spec.requests;
    let mut steps = case.spec.then.iter();
    for number in 0.. {
        driver.apply(&cluster.documents().await?).await?;
        let deadline = Instant::now() + D::PATIENCE;
        for (index, request) in requests.iter().enumerate() {
            let place = place(number, index, request);
            let wrong = mismatches(driver, request, mode, cluster, deadline).await;
            for mismatch in wrong.with_context(|| place.clone())? {
                writeln!(report, "{place}: {mismatch}")?;
            }
        }
        let Some(step) = steps.next() else { break };
        for object in &step.apply {
            cluster.apply(object.clone())?;
        }
        for key in &step.delete {
            cluster.delete(key)?;
        }
        requests = &step.requests;
    }
    Ok(report)
}

/// What is wrong with a request: nothing as soon as it is right, or what still is at the deadline.
async fn mismatches<D: Driver>(
    driver: &mut D,
    request: &Request,
    mode: Mode,
    cluster: &Cluster,
    deadline: Instant,
) -> Result<Vec<String>> {
    let (deadline, pause) =
        if request.eventually { (Instant::now() + PATIENCE, Duration::ZERO) } else { (deadline, PAUSE) };
    loop {
        let mismatches = judge(request, mode, &driver.exchange(request, cluster).await?)?;
        if mismatches.is_empty() || Instant::now() >= deadline {
            return Ok(mismatches);
        }
        sleep(pause).await;
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
    let mut distinct: Vec<String> = Vec::new();
    for mismatch in mismatches.iter().map(ToString::to_string) {
        if !distinct.contains(&mismatch) {
            distinct.push(mismatch);
        }
    }
    Ok(distinct)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answerer;

    /// Answers 404 to everything.
    struct NotFound;

    impl Driver for NotFound {
        const PLAYER: Player = Player::Memory;

        async fn network() -> Result<Network> {
            Ok(Network::imaginary())
        }

        async fn start(_: &Case, _: Mode, _: &Cluster) -> Result<Self> {
            Ok(Self)
        }

        async fn apply(&mut self, _: &str) -> Result<()> {
            Ok(())
        }

        async fn exchange(&mut self, request: &Request, _: &Cluster) -> Result<Vec<Observation>> {
            let observe = |_| Observation {
                status: Some(404),
                answered_by: Answerer::Gateway,
                location: None,
                path: None,
                alert: None,
                wire: None,
            };
            Ok((0..request.repeat).map(observe).collect())
        }
    }

    fn case(spec: &str) -> Case {
        Case { name: "feature/case".to_owned(), objects: vec![], spec: serde_saphyr::from_str(spec).expect("a spec") }
    }

    #[tokio::test]
    async fn reports_where_what_differs() {
        let case = case(
            "{description: d, source: [], requests: [{url: 'http://h/a', expect: {status: 404}}],
              then: [{requests: [{url: 'http://h/b', repeat: 2, expect: {status: 200, backend: b}}]}]}",
        );
        let report = run::<NotFound>(&case, Mode::Nginx).await.expect_err("a mismatch").to_string();
        let expected = "step 1, request 0 (GET http://h/b): status: expected Exactly(200), observed 404\n\
            step 1, request 0 (GET http://h/b): answering backend: expected Some(\"b\"), observed None\n";
        assert_eq!(report, expected);
    }

    #[tokio::test]
    async fn judges_by_mode() {
        let case = case(
            "{description: d, source: [], requests:
              [{url: 'http://h/', expect_nginx: {status: 404}, expect_strict: {status: 503}}]}",
        );
        assert!(run::<NotFound>(&case, Mode::Nginx).await.is_ok());
        assert!(run::<NotFound>(&case, Mode::Strict).await.is_err());
    }

    #[tokio::test]
    async fn deleting_what_is_not_there_is_an_error() {
        let case = case("{description: d, source: [], then: [{delete: [Service default/none]}]}");
        assert!(run::<NotFound>(&case, Mode::Nginx).await.is_err());
    }
}
