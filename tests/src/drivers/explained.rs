use super::objects::Objects;
use super::settings;
use crate::case::{Case, Mode, Player, Request};
use crate::check::{Answerer, Observation};
use crate::cluster::{Cluster, Network};
use crate::html;
use crate::run::Driver;
use anyhow::{Context as _, Result, ensure};
use controller::dashboard;
use controller::explain::{self, Action, Explanation, Outcome, Policy};
use controller::store::Store;
use controller::translate::Translator;
use gateway::table::Publisher;
use std::sync::Arc;

/// What `adit explain` says would happen: held to the same expectations as what does.
pub struct Explained {
    objects: Objects,
    store: Store,
    translator: Translator,
    publisher: Publisher,
}

impl Driver for Explained {
    const PLAYER: Player = Player::Explained;

    async fn network() -> Result<Network> {
        Ok(Network::imaginary())
    }

    async fn start(case: &Case, mode: Mode, _: &Cluster) -> Result<Self> {
        Ok(Self {
            objects: Objects::default(),
            store: Store::new(),
            translator: Translator::new(settings(case, mode)?.controller),
            publisher: Publisher::new(Arc::default()),
        })
    }

    async fn apply(&mut self, documents: &str) -> Result<()> {
        let events = self.objects.events(documents)?;
        let changes: Vec<_> = events.into_iter().flat_map(|event| self.store.apply(event)).collect();
        self.publisher.publish(self.translator.translate(&self.store, &changes));
        Ok(())
    }

    async fn exchange(&mut self, request: &Request, _: &Cluster) -> Result<Vec<Observation>> {
        let host = request.host_header().map(|host| ("host", host));
        let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let asked = explain::Request::new(&request.method, &request.connected_url(), host.into_iter().chain(headers));
        let asked = asked.map_err(anyhow::Error::msg)?;
        let explanation = explain::explain(&self.publisher.load(), &self.translator, &asked);
        the_page_says_the_same(&explanation)?;
        Ok(vec![observation(explanation.action)?])
    }
}

/// The dashboard's page shows the same winners, and says of the request what `adit explain` does.
fn the_page_says_the_same(explanation: &Explanation) -> Result<()> {
    let page = dashboard::write_why(explanation);
    let rows = page.split("<tr").filter_map(|row| row.strip_prefix(" class=\"won\">"));
    let rows: Vec<_> = rows.map(|row| html::text(row.split("</tr>").next().unwrap_or_default())).collect();
    let hosts = explanation.hosts.iter().filter(|host| host.won).map(|host| vec![host.name.clone(), host.why.clone()]);
    let routes = explanation.routes.iter().filter(|route| route.won);
    let routes = routes.map(|route| vec![route.path.clone(), route.source.to_string(), route.why.clone()]);
    let winners: Vec<_> = hosts.chain(routes).collect();
    ensure!(rows.len() == winners.len(), "the page has the winners {rows:?} and not {winners:?}");
    for (row, winner) in rows.iter().zip(&winners) {
        let missing = winner.iter().find(|part| !row.contains(&visible(part)));
        ensure!(missing.is_none(), "the page lacks {missing:?} of a winner: {row:?}");
    }
    let text = html::text(&page);
    let action = explanation.action.to_string();
    let missing = action.lines().find(|line| !text.contains(&visible(line.trim_start())));
    ensure!(missing.is_none(), "the page lacks {missing:?}: {text}");
    ensure!(text.contains(&explanation.listener), "the page lacks the listener: {text}");
    the_page_has_the_policies(&page, explanation)
}

/// The same policies in the same order, with what comes of them; and where the gateway answers, one of them does.
fn the_page_has_the_policies(page: &str, explanation: &Explanation) -> Result<()> {
    let policies = &explanation.policies;
    let section = page.split("id=\"policies\"").nth(1).and_then(|rest| rest.split("</section>").next());
    let rows: Vec<_> =
        section.unwrap_or_default().split("<tr").skip(2).map(|row| html::text(&format!("<tr{row}"))).collect();
    ensure!(rows.len() == policies.len(), "the page has the policies {rows:?} and not {policies:?}");
    for (row, Policy { name, what, outcome }) in rows.iter().zip(policies) {
        let outcome = if *outcome == Outcome::Passes { "" } else { outcome.words() };
        let parts = [name.as_str(), outcome, &visible(what)];
        ensure!(parts.iter().all(|part| row.contains(part)), "{parts:?} is not {row:?}");
    }
    let answers = policies.iter().filter(|policy| policy.outcome == Outcome::Answers).count();
    let expected = usize::from(matches!(explanation.action, Action::Reply { .. }));
    ensure!(answers == expected, "{answers} policies answer, and the answer is {:?}: {policies:?}", explanation.action);
    Ok(())
}

/// Text as pages have it, where what is not seen is escaped.
fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if matches!(c, ' '..='~') { vec![c] } else { c.escape_debug().collect() }).collect()
}

fn observation(action: Action) -> Result<Observation> {
    Ok(match action {
        Action::Forward { backend, target, .. } => backend_answers(&backend, Some(target))?,
        Action::PassThrough { backend, .. } => backend_answers(&backend, None)?,
        Action::Reply { status, location, .. } => {
            let answered_by = Answerer::Gateway;
            Observation { status: Some(status), answered_by, location, path: None, alert: None, wire: None }
        }
    })
}

fn backend_answers(backend: &str, path: Option<String>) -> Result<Observation> {
    let service = backend.split_once('/').and_then(|(_, service)| service.split_once(':'));
    let (service, _) = service.with_context(|| format!("{backend:?} is not a backend"))?;
    let answered_by = Answerer::Backend { service: service.to_owned(), pod: None };
    Ok(Observation { status: None, answered_by, location: None, path, alert: None, wire: None })
}
