//! Which Ingresses are ours.

use crate::lookup::Lookup;
use crate::settings::ControllerSettings;
use k8s_openapi::api::networking::v1::Ingress;

/// The annotation that named the class before `spec.ingressClassName` did.
const ANNOTATION: &str = "kubernetes.io/ingress.class";

/// Why an Ingress is not ours, for its owner.
pub(super) struct Foreign {
    /// The field that says so.
    pub(super) field: String,
    /// What it says.
    pub(super) value: String,
    /// Why that is not us.
    pub(super) message: &'static str,
}

/// Decides as ingress-nginx does (`store.GetIngressClass`): the field counts first, then the annotation, then whether
/// Ingresses without a class are wanted.
pub(super) fn claim(ingress: &Ingress, settings: &ControllerSettings, lookup: &Lookup<'_>) -> Result<(), Foreign> {
    let class = ingress.spec.as_ref().and_then(|spec| spec.ingress_class_name.as_deref());
    if let Some(class) = class {
        return by_field(class, settings, lookup);
    }
    let annotation = ingress.metadata.annotations.as_ref().and_then(|annotations| annotations.get(ANNOTATION));
    match annotation.map(String::as_str).filter(|class| !class.is_empty()) {
        Some(class) if settings.ingress_classes.iter().any(|ours| ours == class) => Ok(()),
        Some(class) => Err(Foreign {
            field: format!("metadata.annotations[{ANNOTATION}]"),
            value: class.to_owned(),
            message: "is not a class of this gateway: expected a name of --ingress-class; the Ingress is not served",
        }),
        None if settings.without_class => Ok(()),
        None => Err(Foreign {
            field: "spec.ingressClassName".into(),
            value: String::new(),
            message: "is not set: Ingresses without a class are served only with --watch-ingress-without-class",
        }),
    }
}

fn by_field(class: &str, settings: &ControllerSettings, lookup: &Lookup<'_>) -> Result<(), Foreign> {
    let ours_by_name = settings.class_by_name && settings.ingress_classes.iter().any(|ours| ours == class);
    let foreign = |message| Err(Foreign { field: "spec.ingressClassName".into(), value: class.to_owned(), message });
    match lookup.ingress_class(class) {
        Some(object) => {
            let controller = object.spec.as_ref().and_then(|spec| spec.controller.as_ref());
            let ours = controller.is_some_and(|controller| settings.controller_classes.contains(controller));
            if ours || ours_by_name {
                Ok(())
            } else {
                foreign("is an IngressClass of another controller (--controller-class): the Ingress is not served")
            }
        }
        None if ours_by_name && settings.implied_classes => Ok(()),
        None => foreign("names an IngressClass that does not exist: the Ingress is not served"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::SourceEvent;
    use crate::settings::Settings;
    use crate::store::Store;
    use crate::translate::testing::{observed, yaml};

    fn claimed(settings: &ControllerSettings, class: Option<(&str, &str)>, ingress: &str) -> bool {
        let mut store = Store::default();
        if let Some((name, controller)) = class {
            let class = format!(
                "{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: {name}}}, spec: {{controller: \
                 {controller}}}}}"
            );
            store.apply(SourceEvent::Apply(observed(&class, None)));
        }
        claim(&yaml(ingress), settings, &Lookup::new(&store)).is_ok()
    }

    #[test]
    fn a_directory_takes_what_is_ours_by_name_or_by_controller() {
        let settings = ControllerSettings::default();
        assert!(claimed(&settings, None, "{}"));
        assert!(claimed(&settings, None, "{spec: {ingressClassName: nginx}}"));
        assert!(!claimed(&settings, None, "{spec: {ingressClassName: traefik}}"));
        let ours = Some(("web", "adit.dev/ingress-controller"));
        assert!(claimed(&settings, ours, "{spec: {ingressClassName: web}}"));
        let theirs = Some(("web", "traefik.io/ingress-controller"));
        assert!(!claimed(&settings, theirs, "{spec: {ingressClassName: web}}"));
        assert!(claimed(&settings, None, "{metadata: {annotations: {kubernetes.io/ingress.class: nginx}}}"));
        assert!(!claimed(&settings, None, "{metadata: {annotations: {kubernetes.io/ingress.class: gce}}}"));
    }

    #[test]
    fn a_cluster_takes_what_names_our_controller() {
        let settings = Settings::in_cluster().controller;
        assert!(!claimed(&settings, None, "{}"), "I04");
        assert!(!claimed(&settings, None, "{spec: {ingressClassName: adit}}"), "E02");
        assert!(claimed(&settings, Some(("web", "adit.dev/ingress-controller")), "{spec: {ingressClassName: web}}"));
        assert!(!claimed(&settings, Some(("adit", "example.com/other")), "{spec: {ingressClassName: adit}}"), "I02");
        assert!(claimed(&settings, None, "{metadata: {annotations: {kubernetes.io/ingress.class: adit}}}"), "E04");
        assert!(!claimed(&settings, None, "{metadata: {annotations: {kubernetes.io/ingress.class: nginx}}}"));
    }
}
