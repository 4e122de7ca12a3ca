//! What Adit says of objects, as `adit check` does: in translation, and where the gateway compiles what came of it.

use crate::case::{Case, Mode};
use crate::cluster::{Cluster, Network};
use crate::drivers::{Objects, settings};
use anyhow::Result;
use controller::diagnostic::Diagnostic;
use controller::settings::ControllerSettings;
use controller::store::Store;
use controller::translate::Translator;
use gateway::table::Publisher;
use std::sync::Arc;

/// The diagnostics of these documents.
pub fn diagnostics(settings: ControllerSettings, documents: &str) -> Result<Vec<Diagnostic>> {
    let (mut store, mut translator) = (Store::new(), Translator::new(settings));
    let events = Objects::default().events(documents)?;
    let changes: Vec<_> = events.into_iter().flat_map(|event| store.apply(event)).collect();
    let published = Publisher::new(Arc::default()).publish(translator.translate(&store, &changes));
    let rejected: Vec<_> = published.rejected.iter().map(Diagnostic::from).collect();
    Ok(store.problems().chain(translator.diagnostics()).chain(&rejected).cloned().collect())
}

/// The same with default settings, each as a line of text.
pub fn said(documents: &str) -> Result<Vec<String>> {
    Ok(diagnostics(ControllerSettings::default(), documents)?.iter().map(ToString::to_string).collect())
}

/// The same of a case, before its first step.
pub async fn said_of(case: &Case) -> Result<Vec<String>> {
    let mut cluster = Cluster::new(Network::imaginary(), &case.spec.dns).await?;
    for object in &case.objects {
        cluster.apply(object.clone())?;
    }
    let settings = settings(case, Mode::Nginx)?.controller;
    Ok(diagnostics(settings, &cluster.documents().await?)?.iter().map(ToString::to_string).collect())
}
