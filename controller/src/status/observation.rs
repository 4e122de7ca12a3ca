//! What the pipeline reports to the status writer.

use super::gateway_api;
use crate::address::Address;
use crate::feed::SourceEvent;
use crate::gateway_api::ObjectStatus;
use crate::object::{Kind, Object, ObjectKey};
use crate::settings::StatusSettings;
use gateway::config::UnopenedPort;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Something that a status depends on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Observation {
    /// An Ingress is not what it was: whether it is served will be reported anew.
    Changed(ObjectKey),
    /// An Ingress exists, and its status says this.
    Ingress(ObjectKey, Vec<Address>),
    /// An object is no more.
    Gone(ObjectKey),
    /// Whether something of an Ingress is served now; reported after it was published.
    Served(ObjectKey, bool),
    /// An object of Gateway API is this now.
    Object(ObjectKey, Object),
    /// What the statuses of objects of Gateway API are to say, if anything of us; reported together, after they were published.
    Statuses(Vec<(ObjectKey, Option<Arc<ObjectStatus>>)>),
    /// These ports cannot be opened now.
    Unopened(Arc<[UnopenedPort]>),
    /// The Service whose addresses are written.
    Service(Arc<Service>),
    /// An object that may be made for Gateways, or that such ones depend on, is this now.
    Infrastructure(ObjectKey, Object),
}

/// Where the observations come out.
pub(crate) type Observations = mpsc::UnboundedReceiver<Observation>;

/// Reports observations. Nobody need listen.
#[derive(Clone, Debug)]
pub struct Reporter {
    observations: mpsc::UnboundedSender<Observation>,
    service: Option<ObjectKey>,
}

impl Reporter {
    /// A reporter, and what it reports.
    pub(crate) fn new(settings: &StatusSettings) -> (Self, Observations) {
        let (observations, reported) = mpsc::unbounded_channel();
        let service = settings.publish_service.as_ref();
        let service = service.map(|name| ObjectKey::new(Kind::Service, name.namespace.clone(), name.name.clone()));
        (Self { observations, service }, reported)
    }

    /// Reports what a source said of what has a status that we write, and of the Service, and whether that changed more than a status.
    pub fn observe(&self, event: &SourceEvent, is_change: bool) {
        match event {
            SourceEvent::Apply(observed) => match &observed.object {
                Object::Ingress(ingress) => {
                    if is_change {
                        self.send(Observation::Changed(observed.key.clone()));
                    }
                    self.send(Observation::Ingress(observed.key.clone(), published(ingress)));
                }
                object if self.is_infrastructure(observed.key.kind) => {
                    if let Object::Service(service) = object
                        && self.service.as_ref() == Some(&observed.key)
                    {
                        self.send(Observation::Service(service.clone()));
                    }
                    self.send(Observation::Infrastructure(observed.key.clone(), object.clone()));
                }
                object if gateway_api::parts(object).is_some() => {
                    self.send(Observation::Object(observed.key.clone(), object.clone()));
                }
                _ => {}
            },
            SourceEvent::Delete(key) if self.is_observed(key.kind) => {
                self.send(Observation::Gone(key.clone()));
            }
            _ => {}
        }
    }

    /// Reports which Ingresses are served, once that is in effect.
    pub fn report_served(&self, ingresses: impl IntoIterator<Item = (ObjectKey, bool)>) {
        for (key, is_served) in ingresses {
            self.send(Observation::Served(key, is_served));
        }
    }

    /// Reports what the statuses of objects of Gateway API are to say, once that is in effect.
    pub fn report_statuses(&self, statuses: Vec<(ObjectKey, Option<Arc<ObjectStatus>>)>) {
        if !statuses.is_empty() {
            self.send(Observation::Statuses(statuses));
        }
    }

    /// Reports the ports that cannot be opened now.
    pub fn report_unopened(&self, ports: Arc<[UnopenedPort]>) {
        self.send(Observation::Unopened(ports));
    }

    /// Whether objects of a kind may be made for Gateways, or say what is made. Without a Service of our own, none are.
    fn is_infrastructure(&self, kind: Kind) -> bool {
        self.service.is_some() && matches!(kind, Kind::Service | Kind::EndpointSlice | Kind::ConfigMap)
    }

    /// Whether objects of a kind are reported.
    fn is_observed(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Ingress | Kind::AditPolicy) || kind.is_of_gateway_api() || self.is_infrastructure(kind)
    }

    fn send(&self, observation: Observation) {
        // It fails when the server ends, and then nobody wants to know.
        let _ = self.observations.send(observation);
    }
}

/// What the status of an Ingress says.
fn published(ingress: &Ingress) -> Vec<Address> {
    let load_balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let entries = load_balancer.and_then(|balancer| balancer.ingress.as_ref()).into_iter().flatten();
    entries.filter_map(|entry| Address::of(entry.ip.as_deref(), entry.hostname.as_deref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Age, Observed};

    #[test]
    fn what_is_reported_when_it_comes_is_reported_when_it_goes() {
        let (reporter, mut reported) = Reporter::new(&StatusSettings::default());
        for (kind, object) in [
            (Kind::Ingress, Object::Ingress(Arc::default())),
            (Kind::Gateway, Object::Gateway(Arc::default())),
            (Kind::BackendTlsPolicy, Object::BackendTlsPolicy(Arc::default())),
            (Kind::AditPolicy, Object::AditPolicy(Arc::default())),
        ] {
            let key = ObjectKey::new(kind, "shop", "a");
            let observed = Observed { key: key.clone(), object, age: Age { created: None, place: None } };
            reporter.observe(&SourceEvent::Apply(observed), false);
            assert!(reported.try_recv().is_ok(), "{kind}");
            reporter.observe(&SourceEvent::Delete(key.clone()), true);
            assert_eq!(reported.try_recv(), Ok(Observation::Gone(key)));
        }
    }
}
