//! Classic and native histograms in one value, with exemplars where people start a search.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::native::NativeBuckets;
use super::options::HistogramForm;

/// Upper bounds of classic buckets, increasing and finite; `+Inf` is always there besides. A clone
/// is the same list.
#[derive(Debug, Clone)]
pub(super) enum Bounds {
    /// One of the lists that the program has.
    Fixed(&'static [f64]),
    /// One that a configuration made.
    Shared(Arc<[f64]>),
}

impl From<&'static [f64]> for Bounds {
    fn from(bounds: &'static [f64]) -> Self {
        Self::Fixed(bounds)
    }
}

impl From<&Arc<[f64]>> for Bounds {
    fn from(bounds: &Arc<[f64]>) -> Self {
        Self::Shared(Arc::clone(bounds))
    }
}

impl From<&Bounds> for Bounds {
    fn from(bounds: &Bounds) -> Self {
        bounds.clone()
    }
}

impl Deref for Bounds {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        match self {
            Self::Fixed(bounds) => bounds,
            Self::Shared(bounds) => bounds,
        }
    }
}

/// A histogram in `form`. Without classic buckets it keeps `+Inf`.
pub(super) fn histogram(form: HistogramForm, bounds: impl Into<Bounds>) -> Histogram {
    let bounds = if form.classic() { bounds.into() } else { Bounds::Fixed(&[]) };
    // A clock before 1970 leaves the stamp at 1970.
    let since_epoch = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Histogram(Arc::new(Mutex::new(HistogramState {
        bounds,
        sum: 0.0,
        count: 0,
        buckets: Box::default(),
        native: form.native().then(|| Native { created: since_epoch(), buckets: None }),
        exemplars: Vec::new(),
    })))
}

/// The probe that an observation belongs to.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    id: Arc<str>,
    at: Option<Duration>,
}

impl Trace {
    /// `unix_seconds` is when the probe ended; a nonsensical clock leaves the stamp out. The probe's
    /// id is also the trace id that the probe sent.
    pub fn new(probe_id: &str, unix_seconds: f64) -> Self {
        let since_epoch = Duration::try_from_secs_f64(unix_seconds).ok();
        let at = since_epoch.filter(|d| i64::try_from(d.as_secs()).is_ok());
        Self { id: probe_id.into(), at }
    }
}

/// The newest observation of a classic bucket that a probe is known of.
#[derive(Debug)]
pub(super) struct Exemplar {
    /// Index of the bucket.
    bucket: usize,
    /// The probe's id, which is also the trace id that the probe sent.
    pub trace_id: Arc<str>,
    /// What was observed.
    pub value: f64,
    /// Since the Unix epoch; `None` where the clock was nonsensical.
    pub at: Option<Duration>,
}

/// The native half of a histogram.
#[derive(Debug)]
pub(super) struct Native {
    /// Since the Unix epoch: everything was observed later.
    pub created: Duration,
    /// `None` before the first observation.
    pub buckets: Option<Box<NativeBuckets>>,
}

/// Sum, count and buckets of one moment. What is not used yet takes no memory of its own: most
/// histograms of most targets hold nothing.
#[derive(Debug)]
pub(super) struct HistogramState {
    bounds: Bounds,
    /// Of all observations.
    pub sum: f64,
    /// Observations.
    pub count: u64,
    /// Observations per classic bucket, that of `+Inf` last; empty before the first one.
    buckets: Box<[u64]>,
    /// Where native buckets are wanted.
    pub native: Option<Native>,
    /// By bucket.
    exemplars: Vec<Exemplar>,
}

/// Counts observations. A clone observes together with the original.
#[derive(Debug, Clone)]
pub(super) struct Histogram(Arc<Mutex<HistogramState>>);

impl Histogram {
    /// Counts an observation.
    pub fn observe(&self, value: f64) {
        self.0.lock().observe(value);
    }

    /// Counts an observation that becomes its classic bucket's exemplar.
    pub fn observe_traced(&self, value: f64, trace: &Trace) {
        let mut state = self.0.lock();
        let bucket = state.observe(value);
        let exemplar = Exemplar { bucket, trace_id: Arc::clone(&trace.id), value, at: trace.at };
        match state.exemplars.binary_search_by_key(&bucket, |e| e.bucket) {
            Ok(at) => state.exemplars[at] = exemplar,
            Err(at) => state.exemplars.insert(at, exemplar),
        }
    }

    /// Looks at everything in the same state. Observations wait for so long.
    pub fn with<T>(&self, look: impl FnOnce(&HistogramState) -> T) -> T {
        look(&self.0.lock())
    }
}

impl HistogramState {
    /// The classic bucket that it fell into. What is no number counts in the last one, and in no
    /// native one.
    fn observe(&mut self, value: f64) -> usize {
        self.sum += value;
        self.count += 1;
        if self.buckets.is_empty() {
            self.buckets = vec![0; self.bounds.len() + 1].into();
        }
        let bucket = if value.is_nan() {
            self.bounds.len()
        } else {
            self.bounds.partition_point(|bound| *bound < value)
        };
        self.buckets[bucket] += 1;
        if let Some(native) = self.native.as_mut().filter(|_| !value.is_nan()) {
            native.buckets.get_or_insert_default().observe(value);
        }
        bucket
    }

    /// Upper bounds of the classic buckets, without `+Inf`.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// For every classic bucket, that of `+Inf` last: observations up to its bound, and its exemplar.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, Option<&Exemplar>)> + '_ {
        let (mut total, mut exemplars) = (0, self.exemplars.iter().peekable());
        (0..=self.bounds.len()).map(move |bucket| {
            total += self.buckets.get(bucket).copied().unwrap_or_default();
            (total, exemplars.next_if(|e| e.bucket == bucket))
        })
    }
}
