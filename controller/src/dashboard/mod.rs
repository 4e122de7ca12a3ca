//! The pages for people on the admin port: what is wrong, what is served, and why a request goes where it goes.
//!
//! Each page has its data, which is also had as JSON with `format=json`, and a function that writes it as HTML. Nothing of
//! it is decided here: the data is the table's, or what `adit explain` says.

mod backends;
mod certificates;
mod failure;
mod host;
mod hosts;
mod layout;
mod overview;
mod paging;
mod query;
mod rates;
mod requests;
mod settings;
mod why;

use crate::diagnostic::Diagnostic;
use crate::explain::{self, CertificateUse, Drafts, Explanation};
use crate::pipeline::State;
use crate::store::Store;
use crate::translate::Translator;
use failure::Failure;
use gateway::admin::{Events, Page};
use gateway::table::Publisher;
use gateway::telemetry::Telemetry;
use gateway::upstream::Registry;
use http::StatusCode;
use layout::{Layout, Tab};
use maud::Markup;
use parking_lot::{Mutex, RwLock};
use query::Query;
use rates::Rates;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const CSS: &str = "text/css; charset=utf-8";
const STYLE: &str = include_str!("style.css");
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SCRIPT: &str = include_str!("requests.js");

/// The pages, and where their data is.
pub struct Dashboard {
    sources: Sources,
    rates: Rates,
}

/// Where the data of the pages is.
pub struct Sources {
    /// The Pod that this is; empty outside of one.
    pub replica: String,
    /// The table.
    pub publisher: Arc<Publisher>,
    /// The backends.
    pub registry: Arc<Registry>,
    /// What the table is made by. Held only while data is read.
    pub translator: Arc<Mutex<Translator>>,
    /// What exists. Who holds it must not wait for the translator: reviews take the two the other way round.
    pub store: Arc<RwLock<Store>>,
    /// What would be served with other objects.
    pub drafts: Arc<Drafts>,
    /// What is wrong with the objects.
    pub state: watch::Receiver<State>,
    /// What requests have come to.
    pub telemetry: Arc<Telemetry>,
}

impl Dashboard {
    /// Pages about these.
    pub fn new(sources: Sources) -> Self {
        Self { sources, rates: Rates::default() }
    }

    /// The page of a path below `/dashboard/` and a query string.
    pub fn respond(&self, path: &str, query: &str) -> Page {
        self.find(path, query).unwrap_or_else(|failure| self.fail(&failure))
    }

    fn find(&self, path: &str, query: &str) -> Result<Page, Failure> {
        match path {
            "" => self.overview(&Query::parse(query, &["page"])?),
            "hosts" => self.hosts(&Query::parse(query, &["q", "page"])?),
            "host" => self.host(&Query::parse(query, &["name", "page"])?),
            "backends" => self.backends(&Query::parse(query, &["q", "page"])?),
            "certificates" => self.certificates(&Query::parse(query, &["q", "page"])?),
            "why" => self.why(&Query::parse(query, &["method", "url", "header", "headers", "objects"])?),
            "requests" => self.requests(&Query::parse(query, &[])?),
            "style.css" => Ok(file(CSS, STYLE.to_owned())),
            "requests.js" => Ok(file(JAVASCRIPT, SCRIPT.to_owned())),
            _ => Err(Failure::not_found("This page does not exist.")),
        }
    }

    fn overview(&self, query: &Query) -> Result<Page, Failure> {
        let page = query.page()?;
        let diagnostics: Arc<[Diagnostic]> = Arc::clone(&self.sources.state.borrow().diagnostics);
        let uses = CertificateUse::all(&self.sources.translator.lock());
        let Sources { publisher, registry, store, .. } = &self.sources;
        let data = overview::gather(&publisher.load(), (registry, &store.read()), &diagnostics, &uses, page);
        self.show(query, Tab::Overview, "Overview", &data, overview::write)
    }

    fn hosts(&self, query: &Query) -> Result<Page, Failure> {
        let data = hosts::gather(&self.sources.publisher.load(), query.text("q"), query.page()?);
        self.show(query, Tab::Hosts, "Hosts", &data, hosts::write)
    }

    fn host(&self, query: &Query) -> Result<Page, Failure> {
        let name = query.required("name", "name=shop.example.com")?;
        let data = host::gather(&self.sources.publisher.load(), &self.sources.translator.lock(), name, query.page()?);
        let data = data.ok_or_else(|| Failure::not_found(&format!("There is no host {name:?}.")))?;
        self.show(query, Tab::Hosts, &format!("Host {}", data.host.host), &data, host::write)
    }

    fn backends(&self, query: &Query) -> Result<Page, Failure> {
        let loads = self.rates.look(Instant::now(), self.sources.telemetry.traffic());
        let (text, page) = (query.text("q"), query.page()?);
        let data = backends::gather(&self.sources.registry, &self.sources.store.read(), &loads, text, page);
        self.show(query, Tab::Backends, "Backends", &data, backends::write)
    }

    fn certificates(&self, query: &Query) -> Result<Page, Failure> {
        let uses = CertificateUse::all(&self.sources.translator.lock());
        let data = certificates::gather(&uses, query.text("q"), query.page()?);
        self.show(query, Tab::Certificates, "Certificates", &data, certificates::write)
    }

    fn requests(&self, query: &Query) -> Result<Page, Failure> {
        let rows = requests::gather(self.sources.telemetry.tail(), 0);
        self.show(query, Tab::Requests, "Requests", &rows, |rows| requests::write(rows))
    }

    /// What those who follow the page of requests are told: those that have ended after one of them.
    pub fn events(&self, after: u64) -> Events {
        requests::events(self.sources.telemetry.tail(), after)
    }

    fn why(&self, query: &Query) -> Result<Page, Failure> {
        let asked = why::Asked::read(query);
        let answer = asked.request().map(|request| {
            request.and_then(|request| {
                let now = explain::explain(&self.sources.publisher.load(), &self.sources.translator.lock(), &request);
                match asked.objects() {
                    Some(objects) => self.sources.drafts.explain(objects, now.action, &request),
                    None => Ok(now),
                }
            })
        });
        let status = if matches!(answer, Some(Err(_))) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let content = why::page(&asked, answer.as_ref().map(Result::as_ref));
        Ok(self.html(status, Tab::Why, "Why", &content))
    }

    /// A page with this data: as JSON, if that is asked for.
    fn show<T: Serialize>(
        &self,
        query: &Query,
        tab: Tab,
        title: &str,
        data: &T,
        write: impl FnOnce(&T) -> Markup,
    ) -> Result<Page, Failure> {
        if query.wants_json()? {
            let body = serde_json::to_string_pretty(data).map_err(|error| Failure::defect(&error))?;
            return Ok(file(JSON, body));
        }
        Ok(self.html(StatusCode::OK, tab, title, &write(data)))
    }

    fn fail(&self, failure: &Failure) -> Page {
        self.html(failure.status, Tab::None, failure.title(), &failure.write())
    }

    fn html(&self, status: StatusCode, tab: Tab, title: &str, content: &Markup) -> Page {
        let layout = Layout { tab, title, revision: self.sources.publisher.revision(), replica: &self.sources.replica };
        Page { status, content_type: HTML, body: layout.write(content).into_string(), has_script: tab == Tab::Requests }
    }
}

fn file(content_type: &'static str, body: String) -> Page {
    Page { status: StatusCode::OK, content_type, body, has_script: false }
}

/// An explanation as the page `why` has it: HTML, without the page around it.
pub fn write_why(explanation: &Explanation) -> String {
    why::write(explanation).into_string()
}
