use crate::diagnostic::{Diagnostic, Reason, Severity};
use crate::object::{Kind, ObjectKey};
use crate::pipeline::State;
use gateway::config::{HostName, VirtualHost};
use gateway::telemetry::{CheckMetrics, ControllerMetrics, Orphan};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Writes what builds of the configuration come to into the metrics.
#[derive(Debug)]
pub(super) struct ConfigMetrics {
    metrics: ControllerMetrics,
    checks: CheckMetrics,
    /// The last build that is in the metrics as a success.
    succeeded: Option<u64>,
}

impl ConfigMetrics {
    pub(super) fn new(metrics: ControllerMetrics, checks: CheckMetrics) -> Self {
        Self { metrics, checks, succeeded: None }
    }

    /// Records the Ingresses that were read, whether anything of each is served, and how long reading took.
    pub(super) fn record_checks<'a>(
        &self,
        read: impl Iterator<Item = (&'a ObjectKey, bool)>,
        took: Duration,
        diagnostics: &[Diagnostic],
    ) {
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let wrong: BTreeSet<_> = errors.filter_map(|error| ObjectKey::of(&error.object)).collect();
        let mut count = 0;
        for (key, is_served) in read {
            count += 1;
            match wrong.contains(key) {
                false if !is_served => self.checks.forget(&key.namespace, &key.name),
                has_error => self.checks.checked(&key.namespace, &key.name, has_error),
            }
        }
        if count > 0 {
            self.checks.tested(count, took);
        }
    }

    /// Records a build that led to this state, where it changed anything.
    ///
    /// Only a defect of ours makes it fail: what is wrong with objects costs these objects alone, as in ingress-nginx, which
    /// keeps what it rejects away from nginx, and diagnostics tell their owners. An alert on a failure calls an operator.
    pub(super) fn record_build(&mut self, state: &State, config_hash: u64, now: SystemTime) {
        let invalid: BTreeSet<_> = state.diagnostics.iter().filter_map(invalid_value).collect();
        self.metrics.invalid_values(invalid.len());
        if state.diagnostics.iter().any(|diagnostic| diagnostic.reason == Reason::InternalError) {
            self.succeeded = None;
            self.metrics.failed(state.revision);
        } else if self.succeeded.replace(state.revision) != Some(state.revision) {
            self.metrics.published(state.revision, config_hash, now);
        }
    }

    /// Records the Ingresses that have become orphans, and those that no longer are.
    pub(super) fn record_orphans(&self, changes: impl IntoIterator<Item = (ObjectKey, Orphan, bool)>) {
        for (ingress, why, is_orphan) in changes {
            self.metrics.orphan(&ingress.namespace, &ingress.name, why, is_orphan);
        }
    }
}

/// The key of a ConfigMap with settings whose value cannot be used, if that is what the diagnostic is about.
fn invalid_value(diagnostic: &Diagnostic) -> Option<(ObjectKey, &str)> {
    let is_invalid = diagnostic.severity == Severity::Error
        && matches!(diagnostic.reason, Reason::Invalid | Reason::Denied | Reason::ReferenceNotFound);
    let key = is_invalid.then(|| ObjectKey::of(&diagnostic.object)).flatten()?;
    (key.kind == Kind::ConfigMap).then_some((key, &diagnostic.field))
}

/// What hosts hold.
pub(super) struct Content {
    pub(super) ingresses: usize,
    pub(super) routes: usize,
}

impl Content {
    /// That of the hosts that a change touches; `None` if it touches none.
    pub(super) fn of(hosts: &[(HostName, Option<Arc<VirtualHost>>)]) -> Option<Self> {
        let routes = || hosts.iter().filter_map(|(_, host)| host.as_deref()).flat_map(|host| &host.routes);
        let owners: BTreeSet<_> = routes().map(|route| (&route.owner.namespace, &route.owner.ingress)).collect();
        (!hosts.is_empty()).then(|| Self { ingresses: owners.len(), routes: routes().count() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::config::Subject;
    use gateway::telemetry::{Identity, MetricsSettings, Telemetry};
    use std::time::UNIX_EPOCH;

    fn telemetry() -> Telemetry {
        let sink = Box::new(std::io::sink());
        Telemetry::start(&Identity::default(), &MetricsSettings::default(), sink).expect("metrics")
    }

    /// The values of a metric, with their labels but for those that all metrics have.
    fn values(telemetry: &Telemetry, name: &str) -> Vec<String> {
        let text = telemetry.metrics().expect("encodes");
        let lines = text.lines().filter(|line| !line.starts_with('#') && line.contains(name));
        lines.filter_map(|line| line.rsplit(' ').next()).map(str::to_owned).collect()
    }

    fn state(revision: u64, diagnostics: impl IntoIterator<Item = Diagnostic>) -> State {
        State { revision, diagnostics: diagnostics.into_iter().collect(), ..State::default() }
    }

    #[test]
    fn a_defect_fails_builds_until_it_is_gone() {
        let telemetry = telemetry();
        let mut metrics = ConfigMetrics::new(telemetry.controller().clone(), telemetry.checks().clone());
        let defect = || Diagnostic::defect(Subject::other("Host a"), "cannot be translated");
        let wrong = || Diagnostic::error(ObjectKey::new(Kind::Ingress, "default", "a"), "spec", "is wrong");
        for (state, successful, successes, errors) in [
            (state(1, []), "1", "1", "0"),
            (state(1, []), "1", "1", "0"),
            (state(2, [wrong()]), "1", "2", "0"),
            (state(3, [wrong(), defect()]), "0", "2", "1"),
            (state(3, [defect()]), "0", "2", "2"),
            (state(3, []), "1", "3", "2"),
        ] {
            metrics.record_build(&state, 1, UNIX_EPOCH + Duration::from_secs(state.revision));
            let now = |name| values(&telemetry, name);
            assert_eq!(now("config_last_reload_successful{"), [successful], "{state:?}");
            assert_eq!(now("controller_success{"), [successes], "{state:?}");
            assert_eq!(now("controller_errors{"), [errors], "{state:?}");
            assert_eq!(now("adit_table_revision{"), [state.revision.to_string()], "{state:?}");
        }
    }

    #[test]
    fn values_of_config_maps_that_cannot_be_used_are_counted() {
        let telemetry = telemetry();
        let mut metrics = ConfigMetrics::new(telemetry.controller().clone(), telemetry.checks().clone());
        let of = |kind, field| Diagnostic::error(ObjectKey::new(kind, "adit", "adit"), field, "is wrong");
        let invalid = of(Kind::ConfigMap, "data.a");
        let denied = || of(Kind::ConfigMap, "data.b").because(Reason::Denied);
        let warning = Diagnostic { severity: Severity::Warning, ..of(Kind::ConfigMap, "data.c") };
        let unknown = of(Kind::ConfigMap, "data.d").because(Reason::Ignored);
        let ingress = of(Kind::Ingress, "spec");
        for (diagnostics, count) in
            [(vec![], "0"), (vec![invalid, denied(), denied(), warning, unknown, ingress], "2"), (vec![denied()], "1")]
        {
            metrics.record_build(&state(1, diagnostics), 1, UNIX_EPOCH);
            assert_eq!(values(&telemetry, "adit_configmap_invalid_values{"), [count]);
        }
    }

    #[test]
    fn an_ingress_is_counted_each_time_it_is_read() {
        let telemetry = telemetry();
        let metrics = ConfigMetrics::new(telemetry.controller().clone(), telemetry.checks().clone());
        let key = ObjectKey::new(Kind::Ingress, "default", "a");
        let wrong = [Diagnostic::error(&key, "spec", "is wrong"), Diagnostic::warning(&key, "spec", "is odd")];
        let read = |is_served, diagnostics: &[Diagnostic]| {
            metrics.record_checks([(&key, is_served)].into_iter(), Duration::from_millis(500), diagnostics);
            ["check_success{", "check_errors{"].map(|name| values(&telemetry, name).concat())
        };
        assert_eq!(read(true, &wrong[1..]), ["1", ""]);
        assert_eq!(read(true, &wrong), ["1", "1"]);
        assert_eq!(read(false, &wrong), ["1", "2"]);
        assert_eq!(read(false, &[]), ["", ""], "it is gone");
        assert_eq!(values(&telemetry, "admission_tested_ingresses{"), ["1"]);
        assert_eq!(values(&telemetry, "admission_tested_duration{"), ["0.5"]);
    }

    #[test]
    fn orphans_come_and_go() {
        let telemetry = telemetry();
        let metrics = ConfigMetrics::new(telemetry.controller().clone(), telemetry.checks().clone());
        let change = |is_orphan| [(ObjectKey::new(Kind::Ingress, "default", "a"), Orphan::NoService, is_orphan)];
        metrics.record_orphans(change(true));
        assert_eq!(values(&telemetry, "orphan_ingress{"), ["1"]);
        metrics.record_orphans(change(false));
        assert_eq!(values(&telemetry, "orphan_ingress{"), [""; 0]);
    }
}
