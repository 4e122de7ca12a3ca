use super::cells::Cell;
use super::encode::pair;
use super::traffic::ServiceName;
use crate::config::RouteLabels;
use prometheus::proto::LabelPair;
use std::sync::Arc;

/// Which labels the metrics of requests have. It is settled at a scrape, so that requests need not care.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labelling {
    /// The label `host` is there.
    pub(super) host: bool,
    /// The label `status` has classes and not codes.
    pub(super) status_classes: bool,
}

/// The labels of a series. Routes whose labels differ only in what is not exported share a series.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    host: Option<Arc<str>>,
    path: Arc<str>,
    namespace: Arc<str>,
    ingress: Arc<str>,
    service: Arc<str>,
    canary: Arc<str>,
    method: &'static str,
    status: Status,
}

/// The label `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    /// 204.
    Code(u16),
    /// 2, which is exported as `2xx`.
    Class(u16),
}

impl SeriesKey {
    pub(super) fn new(cell: &Cell, labelling: Labelling) -> Self {
        let RouteLabels { host, path, owner, canary } = &*cell.labels;
        Self {
            host: labelling.host.then(|| Arc::clone(host)),
            path: Arc::clone(path),
            namespace: Arc::clone(&owner.namespace),
            ingress: Arc::clone(&owner.ingress),
            service: Arc::clone(&owner.service),
            canary: Arc::clone(canary),
            method: cell.method,
            status: if labelling.status_classes { Status::Class(cell.status / 100) } else { Status::Code(cell.status) },
        }
    }

    /// The Service.
    pub(super) fn service(&self) -> ServiceName {
        (Arc::clone(&self.namespace), Arc::clone(&self.service))
    }

    /// The status says that the gateway or the backend is at fault.
    pub(super) fn is_server_error(&self) -> bool {
        match self.status {
            Status::Code(code) => code >= 500,
            Status::Class(class) => class >= 5,
        }
    }

    /// The labels, in the order of their names.
    pub(super) fn labels(&self) -> Vec<LabelPair> {
        let status = self.status.label();
        let labels = [
            ("canary", Some(&*self.canary)),
            ("host", self.host.as_deref()),
            ("ingress", Some(&*self.ingress)),
            ("method", Some(self.method)),
            ("namespace", Some(&*self.namespace)),
            ("path", Some(&*self.path)),
            ("service", Some(&*self.service)),
            ("status", Some(&*status)),
        ];
        labels.into_iter().filter_map(|(name, value)| Some(pair(name, value?))).collect()
    }
}

impl Status {
    fn label(self) -> String {
        match self {
            Self::Code(code) => code.to_string(),
            Self::Class(class) => format!("{class}xx"),
        }
    }
}
