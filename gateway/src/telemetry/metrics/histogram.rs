use prometheus::proto;

/// Upper bounds of durations in seconds: ingress-nginx's `--time-buckets`, Prometheus' default.
pub(super) const DURATION: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of lengths in bytes: ingress-nginx's `--length-buckets`.
pub(super) const LENGTH: [f64; 10] = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0];
/// Upper bounds of sizes in bytes: ingress-nginx's `--size-buckets`.
pub(super) const SIZE: [f64; 7] = [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

/// Observations counted by upper bound. Not shared between threads, so nothing in it is atomic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram<const N: usize> {
    /// Observations up to each bound and above the one before.
    counts: [u64; N],
    /// Observations above the last bound.
    above: u64,
    sum: f64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { counts: [0; N], above: 0, sum: 0.0 }
    }
}

impl<const N: usize> Histogram<N> {
    pub(super) fn observe(&mut self, bounds: &[f64; N], value: f64) {
        match bounds.iter().position(|&bound| value <= bound) {
            Some(bucket) => self.counts[bucket] += 1,
            None => self.above += 1,
        }
        self.sum += value;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.above += other.above;
        self.sum += other.sum;
    }

    /// How many observations there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.above
    }

    pub(super) fn encode(&self, bounds: &[f64; N]) -> proto::Histogram {
        let mut cumulative = 0;
        let buckets = self.counts.iter().zip(bounds).map(|(count, &bound)| {
            cumulative += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_cumulative_count(cumulative);
            bucket.set_upper_bound(bound);
            bucket
        });
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(self.count());
        histogram.set_sample_sum(self.sum);
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive_and_cumulative() {
        let mut histogram = Histogram::default();
        for value in [10.0, 10.1, 20.0, 100.0, 100.5] {
            histogram.observe(&LENGTH, value);
        }
        let mut twice = histogram.clone();
        twice.add(&histogram);
        let encoded = twice.encode(&LENGTH);
        let cumulative: Vec<u64> = encoded.get_bucket().iter().map(|bucket| bucket.cumulative_count()).collect();
        assert_eq!(cumulative, [2, 6, 6, 6, 6, 6, 6, 6, 6, 8]);
        assert_eq!(encoded.get_sample_count(), 10);
        assert_eq!(encoded.get_sample_sum(), 481.2);
    }
}
