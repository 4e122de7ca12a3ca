use std::collections::BTreeSet;
use std::sync::Arc;

/// What of requests is measured, and with which labels. Fixed for the life of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Whether requests and connections are measured at all.
    pub enabled: bool,
    /// Whether the metrics of requests have the label `host`.
    pub per_host: bool,
    /// Whether requests that no route takes are measured, too, by the host that they name. Means nothing without
    /// [`Self::per_host`]: then they are measured anyway, as ingress-nginx does, since no label has their hosts.
    pub per_undefined_host: bool,
    /// Whether the label `status` has classes, `2xx`, and not codes.
    pub status_classes: bool,
    /// Bounds of the histograms of time, in seconds. Default: Prometheus' own.
    pub time_buckets: Buckets,
    /// Bounds of the histograms of requests' and responses' sizes, in bytes. Default: 10, 20 and so on to 100.
    pub length_buckets: Buckets,
    /// Bounds of `nginx_ingress_controller_bytes_sent`, in bytes. Default: the powers of ten from 10 to 10,000,000.
    pub size_buckets: Buckets,
    /// Names of metrics of requests that are neither measured nor exported. Others stay, as in ingress-nginx.
    pub excluded: BTreeSet<&'static str>,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            per_host: true,
            per_undefined_host: false,
            status_classes: false,
            time_buckets: Buckets([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0].into()),
            length_buckets: Buckets([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0].into()),
            size_buckets: Buckets([1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7].into()),
            excluded: BTreeSet::new(),
        }
    }
}

/// Upper bounds of a histogram's buckets: at least one, finite, ascending. The bucket above the last one is implied.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets(Arc<[f64]>);

/// There is no NaN in it.
impl Eq for Buckets {}

/// Why bounds are not valid for a histogram.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidBuckets {
    /// There is no bound.
    #[error("has no bound: expected at least one")]
    Empty,
    /// A bound is not finite.
    #[error("has the bound {0}: expected finite numbers")]
    NotFinite(f64),
    /// The second bound follows the first, but is not greater.
    #[error("has the bound {1} after {0}: expected each to be greater than the one before")]
    NotAscending(f64, f64),
}

impl Buckets {
    /// The bounds, ascending.
    pub fn bounds(&self) -> &[f64] {
        &self.0
    }
}

impl TryFrom<Vec<f64>> for Buckets {
    type Error = InvalidBuckets;

    fn try_from(bounds: Vec<f64>) -> Result<Self, InvalidBuckets> {
        if bounds.is_empty() {
            return Err(InvalidBuckets::Empty);
        }
        if let Some(bound) = bounds.iter().find(|bound| !bound.is_finite()) {
            return Err(InvalidBuckets::NotFinite(*bound));
        }
        match bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(InvalidBuckets::NotAscending(pair[0], pair[1])),
            None => Ok(Self(bounds.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_finite_and_ascend() {
        assert_eq!(Buckets::try_from(vec![]), Err(InvalidBuckets::Empty));
        assert_eq!(Buckets::try_from(vec![1.0, f64::INFINITY]), Err(InvalidBuckets::NotFinite(f64::INFINITY)));
        assert!(matches!(Buckets::try_from(vec![f64::NAN]), Err(InvalidBuckets::NotFinite(_))));
        assert_eq!(Buckets::try_from(vec![1.0, 2.0, 2.0]), Err(InvalidBuckets::NotAscending(2.0, 2.0)));
        assert_eq!(Buckets::try_from(vec![-1.0, 0.5]).expect("valid").bounds(), [-1.0, 0.5]);
    }
}
