//! What rules begin with, before their own filters: the ConfigMap's settings for all routes, or those of AditPolicies.

use crate::annotation::{Annotation, Applied, Context, Effect, PolicyFields, Reading, Scope, Written};
use crate::diagnostic::{Diagnostic, Reason};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use crate::route_defaults::{RouteDefaults, UpstreamSettings};
use crate::settings::ControllerSettings;
use crate::translate::completion::{self, NamedServers};
use crate::translate::mark::mark;
use gateway::config::{
    Affinity, BackendPolicies, BackendProtocol, ClientLimits, Denied, Origin, Redirect, RoutePolicies, Subject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::Arc;

/// Who says what no policy does.
const CONFIG_MAP: &str = "ConfigMap";

/// What a rule begins with.
#[derive(Debug)]
pub(super) struct RuleBase {
    pub(super) policies: Arc<RoutePolicies>,
    /// The policies of its backends.
    pub(super) backend: Arc<BackendPolicies>,
    /// How its backends are spoken to, whatever their Services say.
    pub(super) protocol: Option<BackendProtocol>,
    /// Where all of its requests are redirected.
    pub(super) redirect: Option<Redirect>,
    /// `rewrite-target` and `x-forwarded-prefix`.
    pub(super) rewrite: Option<(Arc<str>, Option<Arc<str>>)>,
    /// What its Services' ports are asked for.
    pub(super) upstream: Option<UpstreamSettings>,
    pub(super) affinity: Option<Arc<Affinity>>,
    /// The Services and servers that it names.
    pub(super) named: NamedServers,
    /// What became of each field of its policies.
    pub(super) settings: PolicySettings,
    /// What is wrong with it.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Why its requests are refused, if they are.
    pub(super) refused: Option<Refused>,
}

/// What became of fields of policies, each with where it stands.
pub(in crate::translate) type PolicySettings = Arc<[(Origin, Applied)]>;

/// Why requests are refused, in a sentence about an object.
#[derive(Debug)]
pub(super) enum Refused {
    /// No request is served: policies have a value that must be valid, or what is no field.
    Rejected(String),
    /// Every request is answered with 503: a setting that protects them cannot be used.
    Denied(String),
}

/// What the bases of an object's rules are read with.
pub(super) struct Scene<'a> {
    object: Subject,
    namespace: Arc<str>,
    mark: Arc<str>,
    settings: &'a ControllerSettings,
    pub(super) defaults: &'a RouteDefaults,
    lookup: &'a Lookup<'a>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        (key, metadata): (&ObjectKey, &ObjectMeta),
        (settings, defaults): (&'a ControllerSettings, &'a RouteDefaults),
        lookup: &'a Lookup<'a>,
    ) -> Self {
        let namespace = Arc::clone(&key.namespace);
        Self { object: key.into(), namespace, mark: mark(metadata, key), settings, defaults, lookup }
    }

    /// What copies for mirrors are marked with.
    pub(super) fn mark(&self) -> &Arc<str> {
        &self.mark
    }
}

/// What rules without policies begin with: nothing of it depends on their routes.
pub(super) fn without_policies(
    (settings, defaults): (&ControllerSettings, &RouteDefaults),
    lookup: &Lookup<'_>,
) -> RuleBase {
    let object = Subject::other(CONFIG_MAP);
    let scene = Scene { object, namespace: Arc::default(), mark: Arc::default(), settings, defaults, lookup };
    read(&PolicyFields::default(), &scene)
}

/// Reads what rules with these policies begin with.
pub(super) fn read(policies: &PolicyFields<'_>, scene: &Scene<'_>) -> RuleBase {
    let Scene { ref object, ref namespace, settings: controller, defaults, lookup, .. } = *scene;
    let written = policies.written(object);
    let context = Context { namespace, defaults, lookup };
    let mut reading = policies.read(written, context);
    reading.settings.policies.client_limits = limits(policies, &reading);
    let mut named = completion::complete(
        &mut reading.settings,
        &completion::Scene { written, namespace, mark: Arc::clone(&scene.mark), controller, defaults, lookup },
    );
    reading.diagnostics.append(&mut named.diagnostics);
    if named.at_hosts.is_some() {
        deny_at_hosts(policies, written, &mut reading);
    }
    let refused = refused(&reading);
    let Reading { settings, applied, diagnostics, .. } = reading;
    let says = |is_said: fn(&Annotation) -> bool| applied.iter().any(|applied| has_effect(applied, is_said));
    let (protocol, of_all) = (settings.backend.protocol, defaults.backend.protocol);
    RuleBase {
        policies: Arc::new(RoutePolicies { https_redirect: None, add_slash: false, ..settings.policies }),
        backend: shared(&defaults.backend, BackendPolicies { protocol: of_all, ..settings.backend }),
        protocol: says(|annotation| annotation.name == "backend-protocol").then_some(protocol),
        redirect: settings.redirect,
        rewrite: settings.rewrite_target.map(|target| (target, settings.forwarded_prefix)),
        upstream: says(|annotation| annotation.facets.scope == Scope::Upstream).then_some(settings.upstream),
        affinity: settings.affinity.cookie,
        named,
        settings: applied.into_iter().map(|applied| (written.origin(applied.key), applied)).collect(),
        diagnostics,
        refused,
    }
}

/// These policies, or equal ones that are there already.
pub(super) fn shared<T: PartialEq>(known: &Arc<T>, policies: T) -> Arc<T> {
    if policies == **known { Arc::clone(known) } else { Arc::new(policies) }
}

fn has_effect(applied: &Applied, is_said: fn(&Annotation) -> bool) -> bool {
    applied.effect == Effect::Applied && Annotation::named(applied.key).is_some_and(is_said)
}

/// The limits on clients. All rules with the same policies of limits count together.
fn limits(policies: &PolicyFields<'_>, reading: &Reading) -> Option<ClientLimits> {
    const LIMITS: [&str; 3] = ["limit-rps", "limit-rpm", "limit-connections"];
    let mut zones: Vec<_> =
        LIMITS.iter().filter_map(|name| policies.policy_with(name)).map(Subject::to_string).collect();
    zones.dedup();
    reading.settings.limits.policy(zones.join(", "))
}

/// Denies routes whose auth server is at `$host`: they may be on any number of hosts.
fn deny_at_hosts(policies: &PolicyFields<'_>, written: Written<'_>, reading: &mut Reading) {
    const WHY: &str = "has $host in its URL, which routes of Gateway API cannot have: expected the name of a host";
    let is_own = policies.policy_with("auth-url").is_some();
    let (origin, name) = match is_own {
        true => (written.origin("auth-url"), "the field authUrl"),
        false => (Origin::new(Subject::other(CONFIG_MAP), "data.global-auth-url"), "the ConfigMap's global-auth-url"),
    };
    if is_own {
        let message = format!("{WHY}; every request is answered with 503");
        let denied = Diagnostic::error(origin.object.clone(), origin.field.clone(), message);
        reading.diagnostics.push(denied.because(Reason::Denied));
    }
    let reason = format!("{name} {WHY}").into();
    reading.settings.policies.external_auth = None;
    reading.settings.policies.denied.get_or_insert(Denied { reason, origin });
}

/// What is wrong with the ConfigMap is not the policies' fault.
fn refused(reading: &Reading) -> Option<Refused> {
    if let Some(first) = reading.rejected {
        let text = |error: &Diagnostic| format!("{} of {} {}", error.field, error.object, error.message);
        return Some(Refused::Rejected(reading.diagnostics.get(first).map(text).unwrap_or_default()));
    }
    let denied = reading.settings.policies.denied.as_ref();
    let is_of_policy =
        |denied: &&Denied| ObjectKey::of(&denied.origin.object).is_some_and(|key| key.kind == Kind::AditPolicy);
    let of_policies = denied.filter(is_of_policy);
    of_policies.map(|denied| Refused::Denied(format!("{}: {}", denied.origin, denied.reason)))
}
