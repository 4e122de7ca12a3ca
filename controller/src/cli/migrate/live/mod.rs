//! Two gateways that run are asked the same, and what they answer is compared.
//!
//! Only requests that change nothing are sent, GET and HEAD, only so many ([`sample`]) and so fast, and only to the two
//! addresses that are given ([`address`]). What each answers is kept as status, headers and a hash of the body ([`answer`]);
//! what differs ([`difference`]) is grouped by route ([`groups`]). What one gateway answers differently when it is asked again
//! counts as no difference.

mod address;
mod answer;
mod difference;
mod groups;
mod sample;

pub(super) use groups::{Comparison, Group};
pub(super) use sample::Sample;

use address::Address;
use answer::Answer;
use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use difference::Difference;
use groups::Groups;
use sample::Request;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// How long a gateway may take to connect before anything is sent.
const CONNECT: Duration = Duration::from_secs(10);

/// Requests in a row that got no answer, after which nothing more is sent.
const HOPELESS: usize = 20;

/// The flags.
pub(super) fn args() -> [Arg; 6] {
    let url = |name: &'static str, whose: &str| {
        let help = format!(
            "URL of {whose}, such as http://10.0.0.1:30080. The requests of --log, or one for each host and path, are sent to \
             both addresses, GET and HEAD only, and the answers compared. No credentials are sent, redirects are not followed"
        );
        Arg::new(name).long(name).value_name("URL").value_parser(str::parse::<Address>).help(help)
    };
    let number = |name: &'static str, default: &'static str| {
        Arg::new(name).long(name).value_name("NUMBER").default_value(default).requires("against")
    };
    [
        url("against", "the ingress-nginx that runs").requires("with"),
        url("with", "the Adit that runs").requires("against"),
        number("requests", "1000")
            .value_parser(value_parser!(u32).range(1..=100_000))
            .help("With --against: how many requests are sent to each at most, by chance where the log has more"),
        number("rate", "10")
            .value_parser(value_parser!(u32).range(1..=1000))
            .help("With --against: how many requests a second are sent to each at most"),
        number("timeout", "10")
            .value_parser(value_parser!(u64).range(1..=600))
            .help("With --against: how many seconds a whole answer may take"),
        Arg::new("insecure")
            .long("insecure")
            .action(ArgAction::SetTrue)
            .requires("against")
            .help("With --against: believe any certificate of addresses with https"),
    ]
}

/// Two gateways, and how they are asked.
pub(super) struct Pair {
    against: Address,
    with: Address,
    requests: usize,
    rate: u32,
    patience: Duration,
}

impl Pair {
    /// What the flags say, if they say anything.
    ///
    /// # Errors
    /// There is no way to verify certificates.
    pub(super) fn of(matches: &ArgMatches) -> anyhow::Result<Option<Self>> {
        let address = |name| matches.get_one::<Address>(name).cloned();
        let number = |name| matches.get_one::<u32>(name).copied().unwrap_or(1);
        let (Some(mut against), Some(mut with)) = (address("against"), address("with")) else { return Ok(None) };
        for address in [&mut against, &mut with] {
            address.verify(!matches.get_flag("insecure"))?;
        }
        Ok(Some(Self {
            against,
            with,
            requests: usize::try_from(number("requests"))?,
            rate: number("rate"),
            patience: Duration::from_secs(matches.get_one("timeout").copied().unwrap_or(1)),
        }))
    }

    /// How many requests are sent at most.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    /// Sends the requests.
    ///
    /// # Errors
    /// One of the two cannot be reached.
    pub(super) fn compare(&self, sample: Sample) -> anyhow::Result<Comparison> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            for (flag, address) in [("--against", &self.against), ("--with", &self.with)] {
                let connected = timeout(CONNECT, address.connect("")).await.context("it does not answer in time");
                connected
                    .and_then(|connected| connected.map(drop))
                    .with_context(|| format!("{flag}: cannot connect to {address}"))?;
            }
            Ok(self.send(sample).await)
        })
    }

    async fn send(&self, sample: Sample) -> Comparison {
        let mut groups = Groups::new(&self.against, &self.with, &sample);
        let mut pace = interval(Duration::from_secs(1) / self.rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (requests, mut hopeless) = (sample.into_requests(), 0);
        for (number, request) in requests.iter().enumerate() {
            progress(number, requests.len());
            pace.tick().await;
            let (against, with) = tokio::join!(self.ask(&self.against, request), self.ask(&self.with, request));
            let has_failed = matches!(against, Answer::Failed(_)) || matches!(with, Answer::Failed(_));
            hopeless = if has_failed { hopeless + 1 } else { 0 };
            let (differences, is_unstable) = self.differences(request, &against, &with, &mut pace).await;
            groups.add(request, differences, is_unstable);
            if hopeless == HOPELESS {
                groups.give_up(requests.len() - number - 1);
                break;
            }
        }
        progress_ends();
        groups.finish()
    }

    /// What differs, and whether something else does that differs by itself: where answers differ, the first gateway is asked
    /// once more.
    async fn differences(
        &self,
        request: &Request,
        against: &Answer,
        with: &Answer,
        pace: &mut Interval,
    ) -> (Vec<Difference>, bool) {
        let mut found = difference::between(against, with);
        if found.is_empty() {
            return (found, false);
        }
        pace.tick().await;
        let again = difference::between(against, &self.ask(&self.against, request).await);
        let all = found.len();
        found.retain(|difference| !again.iter().any(|other| other.what == difference.what));
        let is_unstable = found.len() < all;
        (found, is_unstable)
    }

    async fn ask(&self, address: &Address, request: &Request) -> Answer {
        match timeout(self.patience, answer::ask(address, request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(reason)) => Answer::Failed(reason),
            Err(_) => Answer::Failed(format!("no whole answer in {} s", self.patience.as_secs())),
        }
    }
}

fn progress(done: usize, all: usize) {
    if stderr().is_terminal() {
        // A terminal that takes no more is no reason to stop.
        let _ = write!(stderr(), "\r\x1b[Kcomparing: {done} of {all} requests");
    }
}

fn progress_ends() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}
