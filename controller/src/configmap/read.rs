use super::builder::{Config, ConfigBuilder, SyslogKeys};
use super::entry::Key;
use super::last_good::{LastGood, stays};
use crate::certificate::KeyPair;
use crate::diagnostic::{AtAdmission, Diagnostic, Reason, Severity};
use crate::lookup::Lookup;
use crate::object::{Kind, NamespacedName, ObjectKey};
use crate::registry::{Support, Value, ValueError};
use crate::settings::ControllerSettings;
use crate::snippet::SnippetReport;
use gateway::config::{BackendProtocol, Denied, Origin, ServiceBackend, Subject, Syslog};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;

/// What the ConfigMap and the flags come to.
pub(crate) struct ConfigOutcome {
    /// The settings.
    pub(crate) config: Config,
    /// Which directives of the snippets work.
    pub(crate) snippets: Vec<SnippetReport>,
    /// What is wrong with them.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What keys can fall back to from now on.
    pub(crate) last_good: LastGood,
}

/// Reads the ConfigMap that the flags name. Without one, everything has its default. A key whose value cannot be used falls
/// back to its `former` one, and so do all where the ConfigMap is gone.
pub(crate) fn read(settings: &ControllerSettings, lookup: &Lookup<'_>, former: &LastGood) -> ConfigOutcome {
    let mut config = Config::default();
    config.gateway.path_matching = settings.path_matching;
    config.gateway.health_path = settings.health_path.as_str().into();
    config.routes.https_port = settings.https_port;
    config.routes.ssl_passthrough = settings.ssl_passthrough;
    config.routes.waf.core_rules = settings.core_rules.clone().into();
    let mut reader = Reader {
        object: Subject::other("flags"),
        lookup,
        former,
        last_good: LastGood::default(),
        builder: ConfigBuilder::new(config),
        snippets: Vec::new(),
        diagnostics: Vec::new(),
    };
    if let Some(name) = &settings.configmap
        && let Some(data) = reader.data(name)
    {
        for (key, value) in &data {
            reader.key(key, value);
        }
        reader.snippets(&data);
        reader.unknown_variables();
        reader.large_bodies(&data);
        reader.trust_without_limit();
        reader.replicas(settings);
        reader.syslog();
        reader.rules_without_firewall(&data);
    }
    reader.builder.config.routes.path_matching = reader.builder.config.gateway.path_matching;
    reader.builder.policies().waf = reader.builder.config.routes.waf.policy();
    reader.proxy_redirect();
    reader.tracing();
    reader.https_redirect();
    reader.default_backend(settings);
    reader.default_certificate(settings);
    reader.geo(settings);
    let Reader { builder, snippets, diagnostics, last_good, .. } = reader;
    ConfigOutcome { config: builder.config, snippets, diagnostics, last_good }
}

pub(super) struct Reader<'a> {
    pub(super) object: Subject,
    lookup: &'a Lookup<'a>,
    pub(super) former: &'a LastGood,
    pub(super) last_good: LastGood,
    pub(super) builder: ConfigBuilder,
    pub(super) snippets: Vec<SnippetReport>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// What the ConfigMap of this name says, or has said where it is gone: as in ingress-nginx nothing is without its
    /// protection because the ConfigMap is deleted and created anew.
    fn data(&mut self, name: &NamespacedName) -> Option<BTreeMap<String, String>> {
        let object = Subject::from(ObjectKey::new(Kind::ConfigMap, name.namespace.clone(), name.name.clone()));
        let data = match self.lookup.config_map(&name.namespace, &name.name) {
            Some(map) => map.data.clone().unwrap_or_default(),
            None if self.former.is_empty() => return None,
            None => {
                let message = "is gone: its last values stay in effect until it is there again; a Pod that starts \
                               without it has the defaults";
                let diagnostic = Diagnostic::warning(object.clone(), "", message);
                self.diagnostics.push(diagnostic.because(Reason::ReferenceNotFound));
                self.former.data()
            }
        };
        self.object = object;
        Some(data)
    }

    fn key(&mut self, name: &str, value: &str) {
        let Some(key) = Key::named(name) else { return self.unknown(name, value) };
        match key.support {
            Support::Full | Support::Partial(_) => self.apply(key, value),
            _ if key.asks_for_nothing(value) => {}
            Support::Ignored(why) => self.ignored(key, value, &format!("is ignored: {why}")),
        }
    }

    fn apply(&mut self, key: &'static Key, value: &str) {
        let result = self.set(key, value);
        for (severity, complaint) in std::mem::take(&mut self.builder.complaints) {
            self.report(severity, key, value, Reason::Invalid, &complaint);
        }
        match result {
            Ok(()) => self.last_good.keep(key, value),
            Err(ValueError::Unsupported(why)) => self.ignored(key, value, why),
            Err(error) => self.unusable(key, value, &error),
        }
    }

    /// Blanks around a value do not count. An empty Boolean is false, as in ingress-nginx.
    fn set(&mut self, key: &'static Key, value: &str) -> Result<(), ValueError> {
        let text = match value.trim() {
            "" if key.is_switch() => "false",
            text => text,
        };
        (key.apply)(Value::new(text, self.lookup), &mut self.builder)
    }

    /// What the key said before stays in effect, where that is known and safe.
    fn unusable(&mut self, key: &'static Key, value: &str, error: &ValueError) {
        let reason = if let ValueError::NotFound(_) = error { Reason::ReferenceNotFound } else { Reason::Invalid };
        if let Some(former) = self.former.of(key, matches!(error, ValueError::Refused(_))) {
            // Also where it cannot be used now: what it names may come back.
            self.last_good.keep(key, former);
            let is_usable = self.set(key, former).is_ok();
            self.builder.complaints.clear(); // told when the key said so
            if is_usable {
                return self.report(Severity::Error, key, value, reason, &format!("{error}; {}", stays(former)));
            }
        }
        match error {
            ValueError::Refused(why) => self.deny(key, value, why),
            ValueError::Replaced { by, .. } => {
                self.report(Severity::Error, key, value, reason, &format!("{error}; {by} is used instead"));
            }
            _ => self.report(Severity::Error, key, value, reason, &format!("{error}; the default stays in effect")),
        }
    }

    pub(super) fn deny(&mut self, key: &'static Key, value: &str, complaint: &str) {
        let reason = format!("the ConfigMap's key {} {complaint}", key.name).into();
        let origin = Origin::new(self.object.clone(), format!("data.{}", key.name));
        self.builder.config.gateway.denied.get_or_insert(Denied { reason, origin });
        let message = format!("{complaint}: every request is answered with 503");
        self.report(Severity::Error, key, value, Reason::Denied, &message);
    }

    fn unknown(&mut self, name: &str, value: &str) {
        let near = Key::suggestion(name);
        let message = format!("is not a key of ingress-nginx or Adit; it is ignored{near}");
        let diagnostic = Diagnostic::error(self.object.clone(), format!("data.{name}"), message);
        self.diagnostics.push(diagnostic.with_value(value).because(Reason::Ignored));
    }

    fn ignored(&mut self, key: &'static Key, value: &str, why: &str) {
        self.report(Severity::Warning, key, value, Reason::Ignored, why);
    }

    pub(super) fn report(&mut self, severity: Severity, key: &'static Key, value: &str, reason: Reason, message: &str) {
        let at_admission = match (severity, reason) {
            // A ConfigMap that it names may come after it.
            (_, Reason::ReferenceNotFound) => AtAdmission::Waits,
            (Severity::Error, _) => AtAdmission::Refuses,
            (Severity::Warning, _) => AtAdmission::Warns,
        };
        let diagnostic = Diagnostic::error(self.object.clone(), format!("data.{}", key.name), message);
        self.diagnostics.push(Diagnostic { severity, reason, at_admission, ..diagnostic }.with_value(value));
    }

    /// By ingress-nginx's default every client is trusted in forwarded headers and PROXY headers, and so can choose its
    /// address.
    fn trust_without_limit(&mut self) {
        let forwarded = &self.builder.config.gateway.forwarded;
        let believes = forwarded.trust_headers || forwarded.real_ip || forwarded.proxy_protocol;
        if believes && forwarded.trusted.iter().any(|network| network.prefix_len() == 0) {
            let message = "trusts all addresses, so that every client can claim any address: expected the addresses of \
                           your load balancers";
            let field = "data.proxy-real-ip-cidr";
            let diagnostic = Diagnostic::warning(self.object.clone(), field, message).with_value("0.0.0.0/0");
            self.diagnostics.push(diagnostic.because(Reason::Insecure));
        }
    }

    /// Says it where bodies may be larger than what can be held back of them.
    fn large_bodies(&mut self, data: &BTreeMap<String, String>) {
        let routes = &self.builder.config.routes;
        let Some(complaint) = routes.too_large_to_hold(&routes.policies) else { return };
        let given = |name: &&str| data.contains_key(*name);
        let key = ["proxy-body-size", "max-temp-files-size"].into_iter().find(given).and_then(Key::named);
        if let Some(key) = key {
            self.report(Severity::Warning, key, &data[key.name], Reason::Limited, &complaint);
        }
    }

    /// How many replicas share the limits on clients: each counts for itself where that is not known.
    fn replicas(&mut self, settings: &ControllerSettings) {
        if !self.builder.shares_limits {
            return;
        }
        let service = settings.published_service.as_ref();
        let ready = service.map_or(0, |name| self.lookup.ready_endpoints(&name.namespace, &name.name));
        match u32::try_from(ready).ok().and_then(NonZero::new) {
            Some(replicas) => self.builder.config.gateway.limits.replicas = replicas,
            None => {
                let message = "needs the flag --publish-service, and a ready endpoint of that Service in a namespace that \
                               is watched: each replica counts up to the whole limits";
                let warning = Diagnostic::warning(self.object.clone(), "data.limit-replicas", message);
                self.diagnostics.push(warning.with_value("share").because(Reason::ReferenceNotFound));
            }
        }
    }

    /// Says of formats of logs which of their variables have no value, unless a snippet of an Ingress sets them.
    fn unknown_variables(&mut self) {
        let mapped = &self.builder.config.routes.mapped_variables;
        for (key, name) in self.builder.unknown_variables.iter().filter(|(_, name)| !mapped.contains(name)) {
            let message = format!(
                "contains the variable ${name}, which is not supported: expected one that docs/configmap.md lists; it has no \
                 value unless a snippet of an Ingress sets it"
            );
            let warning = Diagnostic::warning(self.object.clone(), format!("data.{key}"), message);
            self.diagnostics.push(warning.because(Reason::Ignored));
        }
    }

    /// The server that gets the access log, if there is one.
    fn syslog(&mut self) {
        let SyslogKeys { enabled, host, port } = &self.builder.syslog;
        if !enabled {
            return;
        }
        if host.is_empty() {
            let message = "needs the key syslog-host: the access log is written to standard output";
            let warning = Diagnostic::warning(self.object.clone(), "data.enable-syslog", message);
            return self.diagnostics.push(warning.with_value("true").because(Reason::Ignored));
        }
        self.builder.config.gateway.access_log.syslog = Some(Syslog { host: Arc::clone(host), port: *port });
    }

    fn default_backend(&mut self, settings: &ControllerSettings) {
        let Some(name) = &settings.default_backend_service else { return };
        let service = self.lookup.service(&name.namespace, &name.name);
        let Some(port) = service.and_then(|service| service.spec.as_ref()?.ports.as_ref()?.first()) else {
            let message = "is not an existing Service with a port: requests that no rule matches are answered with 404";
            let object = Subject::other("flag --default-backend-service");
            let diagnostic = Diagnostic::error(object, "", message).with_value(&name.to_string());
            self.diagnostics.push(diagnostic.because(Reason::ReferenceNotFound));
            return;
        };
        self.builder.config.gateway.default_backend =
            Some(ServiceBackend::tcp(name.namespace.clone(), name.name.clone(), port.port.to_string()).into());
    }

    /// Of the two keys of `proxy_redirect` either may be an annotation's.
    fn proxy_redirect(&mut self) {
        let redirects = self.builder.config.routes.proxy_redirect.rules(BackendProtocol::Http);
        self.builder.policies().response_rewrites.redirects = redirects;
    }

    /// The redirect of routes without annotations: one object for all that need no other.
    fn https_redirect(&mut self) {
        let routes = &mut self.builder.config.routes;
        routes.plain_policies = routes.policies.clone();
        Arc::make_mut(&mut routes.policies).https_redirect = routes.https.policy(routes);
    }

    /// Where the databases are, once they are wanted.
    fn geo(&mut self, settings: &ControllerSettings) {
        let geo = &mut self.builder.config.gateway.geo;
        if geo.is_enabled {
            geo.directory = settings.geoip.clone().into();
            geo.editions = settings.geoip_editions.iter().map(|edition| edition.as_str().into()).collect();
        }
    }

    fn default_certificate(&mut self, settings: &ControllerSettings) {
        let Some(name) = &settings.default_certificate else { return };
        let object = Subject::other("flag --default-ssl-certificate");
        let key = ObjectKey::new(Kind::Secret, name.namespace.clone(), name.name.clone());
        let Some(secret) = self.lookup.secret(&name.namespace, &name.name) else {
            let message = format!("names {key}, which does not exist; a self-signed certificate is served instead");
            let diagnostic = Diagnostic::error(object, "", message).with_value(&name.to_string());
            return self.diagnostics.push(diagnostic.because(Reason::ReferenceNotFound));
        };
        let unfit = |diagnostic: Diagnostic| diagnostic.because(Reason::InvalidCertificate).with_related(&key);
        match KeyPair::read(secret, &key) {
            Ok(pair) => {
                let warning = |warning| {
                    unfit(Diagnostic::warning(
                        object.clone(),
                        "",
                        format!("names {key}, which {warning}; it is served nevertheless"),
                    ))
                };
                self.diagnostics.extend(pair.warnings.iter().map(warning));
                self.builder.config.gateway.tls.default_certificate = Some(pair.certificate);
            }
            Err(error) => {
                let message = format!("names {key}, which {error}; a self-signed certificate is served instead");
                self.diagnostics.push(unfit(Diagnostic::error(object, "", message).with_value(&name.to_string())));
            }
        }
    }
}
