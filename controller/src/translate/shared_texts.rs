use super::parsed_ingress::{HostRules, ParsedIngress};
use gateway::config::Route;
use gateway::interner::Pool;
use std::sync::Arc;

/// Equal texts as one `Arc`, whichever Ingress they come from: thousands of them have the same paths, in the same fields.
#[derive(Debug, Default)]
pub(super) struct SharedTexts(Pool<str>);

impl SharedTexts {
    /// Shares those of an Ingress.
    pub(super) fn of_ingress(&mut self, ingress: &mut ParsedIngress) {
        for (_, HostRules { origin, routes }) in ingress.hosts.iter_mut() {
            self.share(&mut origin.field);
            routes.iter_mut().for_each(|route| self.of_route(route));
        }
        self.of_route(&mut ingress.root);
        ingress.references.iter_mut().for_each(|(_, reference)| self.share(&mut reference.field));
    }

    fn of_route(&mut self, route: &mut Route) {
        self.share(&mut route.origin.field);
        self.share(&mut route.matches.path.value);
    }

    fn share(&mut self, text: &mut Arc<str>) {
        *text = self.0.share(Arc::clone(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::translate::Translator;
    use crate::translate::testing::apply;
    use gateway::config::{HostName, VirtualHost};

    #[test]
    fn ingresses_share_the_texts_that_they_have_in_common() {
        let ingress = |name: &str| {
            format!(
                "{{kind: Ingress, metadata: {{name: {name}}}, spec: {{rules: [{{host: {name}.example, http: {{paths: [{{path: /shop, \
                 pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}}}]}}}}"
            )
        };
        let (mut store, mut translator) = (Store::default(), Translator::default());
        let changes = apply(&mut store, &format!("{}\n---\n{}", ingress("a"), ingress("b")));
        translator.translate(&store, &changes);
        let texts = |host: &str| {
            let host: &VirtualHost = translator.host(&HostName::Exact(host.into())).expect("a host");
            let route = &host.routes[0];
            [&route.origin.field, &route.matches.path.value].map(Arc::clone)
        };
        let (a, b) = (texts("a.example"), texts("b.example"));
        assert_eq!(a.each_ref().map(|text| &**text), ["spec.rules[0].http.paths[0]", "/shop"]);
        assert!(a.iter().zip(&b).all(|(a, b)| Arc::ptr_eq(a, b)));
    }
}
