use super::names::{self, MetricDoc};
use crate::telemetry::{Buckets, MetricsSettings};
use prometheus::proto;
use std::ops::Range;

/// What is measured of requests in histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    RequestDuration,
    ResponseDuration,
    HeaderDuration,
    ConnectDuration,
    RequestSize,
    ResponseSize,
    BytesSent,
}

impl Measure {
    /// All of them, in the order of their histograms.
    pub(super) const ALL: [Self; 7] = [
        Self::RequestDuration,
        Self::ResponseDuration,
        Self::HeaderDuration,
        Self::ConnectDuration,
        Self::RequestSize,
        Self::ResponseSize,
        Self::BytesSent,
    ];

    pub(super) fn doc(self) -> MetricDoc {
        match self {
            Self::RequestDuration => names::REQUEST_DURATION,
            Self::ResponseDuration => names::RESPONSE_DURATION,
            Self::HeaderDuration => names::HEADER_DURATION,
            Self::ConnectDuration => names::CONNECT_DURATION,
            Self::RequestSize => names::REQUEST_SIZE,
            Self::ResponseSize => names::RESPONSE_SIZE,
            Self::BytesSent => names::BYTES_SENT,
        }
    }

    fn buckets(self, settings: &MetricsSettings) -> &Buckets {
        match self {
            Self::RequestDuration | Self::ResponseDuration | Self::HeaderDuration | Self::ConnectDuration => {
                &settings.time_buckets
            }
            Self::RequestSize | Self::ResponseSize => &settings.length_buckets,
            Self::BytesSent => &settings.size_buckets,
        }
    }
}

/// Which histograms there are, with which buckets.
#[derive(Debug)]
pub(super) struct Layout {
    shapes: [Option<Shape>; Measure::ALL.len()],
    /// How many counts all histograms have together.
    counts: usize,
}

/// A histogram that is not excluded.
#[derive(Debug)]
struct Shape {
    buckets: Buckets,
    /// Where its counts are among all: one for each bound, and one above.
    counts: Range<usize>,
}

impl Layout {
    pub(super) fn new(settings: &MetricsSettings) -> Self {
        let mut counts = 0;
        let shapes = Measure::ALL.map(|measure| {
            if settings.excluded.contains(measure.doc().name) {
                return None;
            }
            let start = counts;
            let buckets = measure.buckets(settings).clone();
            counts += buckets.bounds().len() + 1;
            Some(Shape { buckets, counts: start..counts })
        });
        Self { shapes, counts }
    }
}

/// Observations of every [`Measure`], counted by upper bound. All counts are in one place, so that a series is made at
/// once. Not shared between threads, so nothing in it is atomic.
#[derive(Clone, Debug)]
pub(super) struct Histograms {
    counts: Box<[u64]>,
    sums: [f64; Measure::ALL.len()],
}

impl Histograms {
    pub(super) fn new(layout: &Layout) -> Self {
        Self { counts: vec![0; layout.counts].into(), sums: Default::default() }
    }

    pub(super) fn observe(&mut self, layout: &Layout, measure: Measure, value: f64) {
        let Some(Shape { buckets, counts }) = &layout.shapes[measure as usize] else { return };
        let bounds = buckets.bounds();
        let bucket = bounds.iter().position(|&bound| value <= bound).unwrap_or(bounds.len());
        self.counts[counts.start + bucket] += 1;
        self.sums[measure as usize] += value;
    }

    /// Adds what was observed in another series of the same layout.
    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum += more;
        }
    }

    /// The sum of all that was observed; 0 if it is excluded.
    pub(super) fn sum(&self, measure: Measure) -> f64 {
        self.sums[measure as usize]
    }

    /// `None` if it is excluded, or nothing was observed, such as the time to connect of a redirect.
    pub(super) fn encode(&self, layout: &Layout, measure: Measure) -> Option<proto::Histogram> {
        let Shape { buckets, counts } = layout.shapes[measure as usize].as_ref()?;
        let counts = &self.counts[counts.clone()];
        let total: u64 = counts.iter().sum();
        let mut cumulative = 0;
        let buckets = buckets.bounds().iter().zip(counts).map(|(&bound, count)| {
            cumulative += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_cumulative_count(cumulative);
            bucket.set_upper_bound(bound);
            bucket
        });
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(total);
        histogram.set_sample_sum(self.sums[measure as usize]);
        (total > 0).then_some(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive_and_cumulative() {
        let layout = Layout::new(&MetricsSettings::default());
        let mut histograms = Histograms::new(&layout);
        for value in [10.0, 10.1, 20.0, 100.0, 100.5] {
            histograms.observe(&layout, Measure::RequestSize, value);
        }
        let mut twice = histograms.clone();
        twice.add(&histograms);
        let encoded = twice.encode(&layout, Measure::RequestSize).expect("observed");
        let cumulative: Vec<u64> = encoded.get_bucket().iter().map(|bucket| bucket.cumulative_count()).collect();
        assert_eq!(cumulative, [2, 6, 6, 6, 6, 6, 6, 6, 6, 8]);
        assert_eq!(encoded.get_sample_count(), 10);
        assert_eq!(encoded.get_sample_sum(), 481.2);
        for unobserved in Measure::ALL.into_iter().filter(|&measure| measure != Measure::RequestSize) {
            assert!(twice.encode(&layout, unobserved).is_none(), "{unobserved:?}");
        }
    }

    #[test]
    fn excluded_histograms_take_no_room() {
        let settings = MetricsSettings {
            time_buckets: vec![0.5, 1.0].try_into().expect("valid"),
            excluded: [names::REQUEST_DURATION.name, names::BYTES_SENT.name].into(),
            ..MetricsSettings::default()
        };
        let layout = Layout::new(&settings);
        let mut histograms = Histograms::new(&layout);
        assert_eq!(histograms.counts.len(), 3 * (2 + 1) + 2 * (10 + 1));
        for measure in Measure::ALL {
            histograms.observe(&layout, measure, 0.75);
            let told = histograms.encode(&layout, measure).is_some();
            assert_eq!(told, !settings.excluded.contains(measure.doc().name), "{measure:?}");
        }
        assert_eq!(histograms.counts.iter().sum::<u64>(), 5);
    }
}
