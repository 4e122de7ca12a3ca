//! What the pipeline tells the status writer.

use crate::address::Address;
use crate::feed::SourceEvent;
use crate::object::{Kind, Object, ObjectKey};
use crate::settings::StatusSettings;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the status of Ingresses depends on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// An Ingress is not what it was: whether it is served will be told anew.
    Changed(ObjectKey),
    /// An Ingress exists, and its status says this.
    Ingress(ObjectKey, Vec<Address>),
    /// An Ingress is no more.
    Gone(ObjectKey),
    /// Whether something of an Ingress is served now; told after it was published.
    Served(ObjectKey, bool),
    /// The Service whose addresses are written.
    Service(Arc<Service>),
}

/// Where the news come out.
pub(crate) type Reported = mpsc::UnboundedReceiver<News>;

/// Tells the news. Nobody need listen.
#[derive(Clone, Debug)]
pub struct Reporter {
    news: mpsc::UnboundedSender<News>,
    service: Option<ObjectKey>,
}

impl Reporter {
    /// A reporter, and what it reports.
    pub(crate) fn new(settings: &StatusSettings) -> (Self, Reported) {
        let (news, reported) = mpsc::unbounded_channel();
        let service = settings.publish_service.as_ref();
        let service = service.map(|name| ObjectKey::new(Kind::Service, name.namespace.clone(), name.name.clone()));
        (Self { news, service }, reported)
    }

    /// Tells what a source said of Ingresses and of the Service, and whether that changed more than a status.
    pub fn note(&self, event: &SourceEvent, is_change: bool) {
        match event {
            SourceEvent::Apply(observed) => match &observed.object {
                Object::Ingress(ingress) => {
                    if is_change {
                        self.tell(News::Changed(observed.key.clone()));
                    }
                    self.tell(News::Ingress(observed.key.clone(), published(ingress)));
                }
                Object::Service(service) if self.service.as_ref() == Some(&observed.key) => {
                    self.tell(News::Service(service.clone()));
                }
                _ => {}
            },
            SourceEvent::Delete(key) if key.kind == Kind::Ingress => self.tell(News::Gone(key.clone())),
            _ => {}
        }
    }

    /// Tells which Ingresses are served, once that is in effect.
    pub fn served(&self, ingresses: impl IntoIterator<Item = (ObjectKey, bool)>) {
        for (key, is_served) in ingresses {
            self.tell(News::Served(key, is_served));
        }
    }

    fn tell(&self, news: News) {
        // It fails when the server ends, and then nobody wants to know.
        let _ = self.news.send(news);
    }
}

/// What the status of an Ingress says.
fn published(ingress: &Ingress) -> Vec<Address> {
    let load_balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let entries = load_balancer.and_then(|balancer| balancer.ingress.as_ref()).into_iter().flatten();
    entries.filter_map(|entry| Address::of(entry.ip.as_deref(), entry.hostname.as_deref())).collect()
}
