//! Classic and native histograms, with exemplars where people start a search.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use prometheus::encoding::EncodeLabelSet;
use prometheus::metrics::exemplar::HistogramWithExemplars;
use prometheus::metrics::histogram::{Histogram, NativeHistogramConfig};

use super::options::HistogramForm;

/// Growth from one native bucket to the next, at most.
const NATIVE_FACTOR: f64 = 1.1;
/// Native buckets of one series, at most; beyond, neighbours are merged.
const NATIVE_BUCKETS: usize = 160;

fn native() -> NativeHistogramConfig {
    NativeHistogramConfig::new(NATIVE_FACTOR).max_buckets(NATIVE_BUCKETS)
}

/// The classic bounds, or none but the implied `+Inf` where classic buckets are not wanted.
fn classic(form: HistogramForm, bounds: &[f64]) -> impl Iterator<Item = f64> + '_ {
    bounds.iter().copied().filter(move |_| form.classic())
}

/// A histogram without exemplars.
pub(super) fn histogram(form: HistogramForm, bounds: &[f64]) -> Histogram {
    let bounds = classic(form, bounds);
    if form.native() {
        Histogram::new_classic_and_native(bounds, native())
    } else {
        Histogram::new(bounds)
    }
}

/// The exemplar's label: the probe's id, which is also the trace id that the probe sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceLabel(Arc<str>);

impl EncodeLabelSet for TraceLabel {
    fn encode(&self, encoder: &mut prometheus::encoding::LabelSetEncoder) -> std::fmt::Result {
        use prometheus::encoding::EncodeLabel;
        ("trace_id", &*self.0).encode(encoder.encode_label())
    }
}

/// The probe that an observation belongs to.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    label: TraceLabel,
    at: Option<SystemTime>,
}

impl Trace {
    /// `unix_seconds` is when the probe ended; a nonsensical clock leaves the stamp out.
    pub fn new(probe_id: &str, unix_seconds: f64) -> Self {
        let since_epoch = Duration::try_from_secs_f64(unix_seconds).ok();
        let at = since_epoch.and_then(|d| SystemTime::UNIX_EPOCH.checked_add(d));
        Self { label: TraceLabel(probe_id.into()), at }
    }
}

/// A histogram whose classic buckets remember the newest probe that fell into them.
///
/// The client library has exemplars for classic histograms only, so this one has two halves that
/// see the same observations; the exposition joins them again. A clone observes together with the
/// original.
#[derive(Debug, Clone)]
pub(super) struct TracedHistogram(Arc<Mutex<Halves>>);

/// Both halves of a [`TracedHistogram`].
#[derive(Debug)]
pub(super) struct Halves {
    /// Native buckets, where wanted.
    pub native: Option<Histogram>,
    /// Classic buckets and exemplars.
    pub classic: HistogramWithExemplars<TraceLabel>,
}

impl TracedHistogram {
    pub fn new(form: HistogramForm, bounds: &[f64]) -> Self {
        Self(Arc::new(Mutex::new(Halves {
            native: form.native().then(|| Histogram::new_native(native())),
            classic: HistogramWithExemplars::new(classic(form, bounds)),
        })))
    }

    pub fn observe(&self, value: f64, trace: &Trace) {
        self.with(|halves| {
            if let Some(native) = &halves.native {
                native.observe(value);
            }
            halves.classic.observe(value, Some(trace.label.clone()), trace.at);
        });
    }

    /// Looks at both halves in the same state.
    pub fn with<T>(&self, look: impl FnOnce(&Halves) -> T) -> T {
        look(&self.0.lock())
    }
}
