use super::names;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};
use std::time::SystemTime;

/// The control plane's own metrics, under ingress-nginx's names. There is no reload here: ingress-nginx's metrics of a
/// reload are about publishing a changed configuration.
#[derive(Clone, Debug)]
pub struct ControllerMetrics {
    config_hash: Gauge,
    config_successful: IntGauge,
    config_timestamp: IntGauge,
    success: IntCounter,
    errors: IntCounter,
    orphan_ingress: GaugeVec,
    leader: IntGaugeVec,
    table_revision: IntGauge,
    watch_healthy: IntGaugeVec,
    reviews: IntCounterVec,
    invalid_values: IntGauge,
}

/// The build that runs, for `build_info`.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The release's version.
    pub release: String,
    /// The commit.
    pub commit: String,
    /// Where the source is.
    pub repository: String,
}

/// Why an Ingress is an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Orphan {
    /// A Service that it names does not exist.
    NoService,
    /// A Service that it names has no endpoint.
    NoEndpoint,
}

impl Orphan {
    fn label(self) -> &'static str {
        match self {
            Self::NoService => "no-service",
            Self::NoEndpoint => "no-endpoint",
        }
    }
}

/// What became of an object at admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It was taken.
    Allowed,
    /// It was not.
    Refused,
    /// It was taken without a review.
    Unchecked,
}

impl Admission {
    fn label(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Unchecked => "unchecked",
        }
    }
}

impl ControllerMetrics {
    pub(super) fn register(registry: &Registry, build: &Build) -> prometheus::Result<Self> {
        let build_info = GaugeVec::new(names::BUILD_INFO.opts(), names::BUILD_INFO.labels)?;
        build_info.with_label_values(&[&build.commit, &build.release, &build.repository]).set(1.0);
        registry.register(Box::new(build_info))?;
        let metrics = Self {
            config_hash: Gauge::with_opts(names::CONFIG_HASH.opts())?,
            config_successful: IntGauge::with_opts(names::CONFIG_SUCCESSFUL.opts())?,
            config_timestamp: IntGauge::with_opts(names::CONFIG_TIMESTAMP.opts())?,
            success: IntCounter::with_opts(names::SUCCESS.opts())?,
            errors: IntCounter::with_opts(names::ERRORS.opts())?,
            orphan_ingress: GaugeVec::new(names::ORPHAN_INGRESS.opts(), names::ORPHAN_INGRESS.labels)?,
            leader: IntGaugeVec::new(names::LEADER.opts(), names::LEADER.labels)?,
            table_revision: IntGauge::with_opts(names::TABLE_REVISION.opts())?,
            watch_healthy: IntGaugeVec::new(names::WATCH_HEALTHY.opts(), names::WATCH_HEALTHY.labels)?,
            reviews: IntCounterVec::new(names::REVIEWS.opts(), names::REVIEWS.labels)?,
            invalid_values: IntGauge::with_opts(names::INVALID_VALUES.opts())?,
        };
        registry.register(Box::new(metrics.config_hash.clone()))?;
        registry.register(Box::new(metrics.config_successful.clone()))?;
        registry.register(Box::new(metrics.config_timestamp.clone()))?;
        registry.register(Box::new(metrics.success.clone()))?;
        registry.register(Box::new(metrics.errors.clone()))?;
        registry.register(Box::new(metrics.orphan_ingress.clone()))?;
        registry.register(Box::new(metrics.leader.clone()))?;
        registry.register(Box::new(metrics.table_revision.clone()))?;
        registry.register(Box::new(metrics.watch_healthy.clone()))?;
        registry.register(Box::new(metrics.reviews.clone()))?;
        registry.register(Box::new(metrics.invalid_values.clone()))?;
        Ok(metrics)
    }

    /// A configuration with this hash was published at `now` as this revision of the table.
    pub fn published(&self, revision: u64, hash: u64, now: SystemTime) {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // A gauge keeps 53 bits exactly.
        self.config_hash.set((hash >> 11) as f64);
        self.config_successful.set(1);
        self.config_timestamp.set(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        self.success.inc();
        self.set_revision(revision);
    }

    /// A configuration was published as this revision but for a part that stays as it was before.
    pub fn failed(&self, revision: u64) {
        self.config_successful.set(0);
        self.errors.inc();
        self.set_revision(revision);
    }

    fn set_revision(&self, revision: u64) {
        self.table_revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
    }

    /// Whether objects of this kind are followed in the cluster.
    pub fn watch(&self, kind: &str, is_healthy: bool) {
        self.watch_healthy.with_label_values(&[kind]).set(is_healthy.into());
    }

    /// So many values of ConfigMaps with settings cannot be used now.
    pub fn invalid_values(&self, count: usize) {
        self.invalid_values.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The admission webhook has reviewed an object, or should have.
    pub fn reviewed(&self, outcome: Admission) {
        self.reviews.with_label_values(&[outcome.label()]).inc();
    }

    /// Whether this replica holds the Lease of this name.
    pub fn leads(&self, lease: &str, is_leader: bool) {
        self.leader.with_label_values(&[lease]).set(is_leader.into());
    }

    /// Whether an Ingress is an orphan. Say so again when it changes or the Ingress is gone: ingress-nginx keeps a
    /// series of 0 for ever, we keep none.
    pub fn orphan(&self, namespace: &str, ingress: &str, why: Orphan, is_orphan: bool) {
        let labels = [ingress, namespace, why.label()];
        if is_orphan {
            self.orphan_ingress.with_label_values(&labels).set(1.0);
        } else {
            // Removing fails if the series was not there.
            let _ = self.orphan_ingress.remove_label_values(&labels);
        }
    }
}
