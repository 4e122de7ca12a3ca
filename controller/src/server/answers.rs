//! What the admin port answers.

use super::shared_translator::SharedTranslator;
use crate::dashboard::Dashboard;
use crate::explain::{self, CertificateUse, Drafts, ShownUpstream};
use crate::pipeline::State;
use crate::settings::ServeSettings;
use crate::store::Store;
use gateway::admin::{self, Admin, ExplainQuery, Following, Lifecycle, List};
use gateway::table::Publisher;
use gateway::telemetry::Telemetry;
use gateway::upstream::Registry;
use parking_lot::RwLock;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

/// Where what is served is found.
pub(super) struct Served {
    pub(super) publisher: Arc<Publisher>,
    pub(super) registry: Arc<Registry>,
    pub(super) translator: SharedTranslator,
    pub(super) store: Arc<RwLock<Store>>,
    pub(super) drafts: Arc<Drafts>,
    pub(super) state: watch::Receiver<State>,
}

impl Served {
    fn list(&self, list: List) -> Result<Value, String> {
        let value = match list {
            List::Table => serde_json::to_value(explain::describe(&self.publisher.load())),
            List::Backends => serde_json::to_value(ShownUpstream::all(&self.registry, &self.store.read())),
            List::Certificates => {
                let uses = CertificateUse::all(&self.translator.lock());
                serde_json::to_value(CertificateUse::describe_all(&uses))
            }
            List::Diagnostics => {
                let diagnostics = Arc::clone(&self.state.borrow().diagnostics);
                serde_json::to_value(diagnostics)
            }
        };
        value.map_err(|error| error.to_string())
    }

    fn explain(&self, query: &ExplainQuery) -> Result<Value, String> {
        let headers = query.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = explain::Request::new(&query.method, &query.url, headers)?;
        let now = explain::explain(&self.publisher.load(), &self.translator.lock(), &request);
        let explanation = match &query.objects {
            Some(objects) => self.drafts.explain(objects, now.action, &request)?,
            None => now,
        };
        serde_json::to_value(explanation).map_err(|error| error.to_string())
    }
}

pub(super) fn answers(
    serve: &ServeSettings,
    lifecycle: &Arc<Lifecycle>,
    telemetry: &Arc<Telemetry>,
    served: Served,
    dashboard: Option<Arc<Dashboard>>,
) -> Admin {
    let (telemetry, served) = (telemetry.clone(), Arc::new(served));
    let explained = served.clone();
    Admin {
        health_path: serve.health_path.as_str().into(),
        lifecycle: lifecycle.clone(),
        metrics: serve.metrics.enabled.then(|| metrics(telemetry)),
        lists: Arc::new(move |list| served.list(list)),
        explain: Arc::new(move |query| explained.explain(query)),
        following: dashboard.clone().map(|dashboard| Following::new(move |after| dashboard.events(after))),
        dashboard: dashboard
            .map(|dashboard| -> Arc<admin::Dashboard> { Arc::new(move |path, query| dashboard.respond(path, query)) }),
    }
}

fn metrics(telemetry: Arc<Telemetry>) -> Arc<admin::Metrics> {
    Arc::new(move || telemetry.metrics().map_err(|error| error.to_string()))
}
