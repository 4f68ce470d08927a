//! What the server's own metrics say, as values: the newest state of a target, and the load that
//! its probes met.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::buckets::{self, SloBounds};
use super::histogram::{Bounds, Histogram, histogram};
use super::options::HistogramForm;
use crate::server_metrics::{Sample, ServerView, TtftPart};
use crate::target::Target;

/// A class of load: the most requests in it, and its label value.
type Class = (f64, &'static str);

const WAITING: [Class; 5] =
    [(0.0, "0"), (3.0, "1-3"), (15.0, "4-15"), (63.0, "16-63"), (f64::INFINITY, "64+")];
const IN_FLIGHT: [Class; 8] = [
    (0.0, "0"),
    (3.0, "1-3"),
    (7.0, "4-7"),
    (15.0, "8-15"),
    (31.0, "16-31"),
    (63.0, "32-63"),
    (127.0, "64-127"),
    (f64::INFINITY, "128+"),
];

/// Histograms per label value, each from its first observation on. A clone observes together with
/// the original.
#[derive(Debug, Clone)]
pub(super) struct Split {
    bounds: Bounds,
    form: HistogramForm,
    values: Arc<[(&'static str, OnceLock<Histogram>)]>,
}

impl Split {
    pub fn new(
        values: impl IntoIterator<Item = &'static str>,
        bounds: impl Into<Bounds>,
        form: HistogramForm,
    ) -> Self {
        let values = values.into_iter().map(|value| (value, OnceLock::new())).collect();
        Self { bounds: bounds.into(), form, values }
    }

    pub fn observe(&self, value: &str, duration: Duration) {
        let new = || histogram(self.form, &self.bounds);
        let cell = self.values.iter().find(|(v, _)| *v == value);
        debug_assert!(cell.is_some(), "{value} was not announced");
        if let Some((_, cell)) = cell {
            cell.get_or_init(new).observe(duration.as_secs_f64());
        }
    }

    /// Those that exist.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Histogram)> + '_ {
        self.values.iter().filter_map(|(value, cell)| Some((*value, cell.get()?)))
    }
}

/// The load that probes met; per workload as the other secondary histograms.
#[derive(Debug, Clone)]
pub(super) struct ServerLoad {
    /// Also where only responses tell.
    pub ttft_parts: Split,
    /// For targets with `server_metrics` only.
    pub at_send: Option<AtSend>,
}

/// The server's state right before probes were sent.
#[derive(Debug, Clone)]
pub(super) struct AtSend {
    pub waiting: Histogram,
    pub running: Histogram,
    pub kv_cache_usage: Histogram,
    pub ttft_by_waiting: Split,
    pub ttft_by_in_flight: Split,
}

impl ServerLoad {
    pub fn fresh(form: HistogramForm) -> Self {
        let parts = TtftPart::ALL.iter().copied().map(TtftPart::as_str);
        Self { ttft_parts: Split::new(parts, buckets::PHASE, form), at_send: None }
    }

    /// Goes on from `before` a reload.
    pub fn new(
        target: &Target,
        bounds: &SloBounds,
        form: HistogramForm,
        before: Option<&Self>,
    ) -> Self {
        let classes = |classes: &[Class]| {
            Split::new(classes.iter().map(|(_, name)| *name), &bounds.ttft, form)
        };
        let fresh = || AtSend {
            waiting: histogram(form, buckets::REQUESTS),
            running: histogram(form, buckets::REQUESTS),
            kv_cache_usage: histogram(form, buckets::USAGE),
            ttft_by_waiting: classes(&WAITING),
            ttft_by_in_flight: classes(&IN_FLIGHT),
        };
        let known = before.and_then(|b| b.at_send.clone());
        let at_send = target.server_metrics.as_ref().map(|_| known.unwrap_or_else(fresh));
        Self { at_send, ..before.map_or_else(|| Self::fresh(form), Self::clone) }
    }

    /// Takes what was said about a probe whose time to first token was `ttft`.
    pub fn observe(&self, view: &ServerView, ttft: Option<Duration>) {
        for (part, duration) in &view.ttft_parts {
            self.ttft_parts.observe(part.as_str(), *duration);
        }
        if let Some((at_send, state)) = self.at_send.as_ref().zip(view.at_send.as_ref()) {
            at_send.observe(state, ttft);
        }
    }
}

/// The time to first token by how many of the target's own probes were under way. It begins with the
/// first one that was sent beside another: most targets never have any, and need no such series. A
/// clone observes together with the original.
#[derive(Debug, Clone)]
pub(super) struct OwnLoad(Split);

impl OwnLoad {
    pub fn fresh(bounds: &SloBounds, form: HistogramForm) -> Self {
        Self(Split::new(IN_FLIGHT.iter().map(|(_, name)| *name), &bounds.ttft, form))
    }

    /// Takes a probe that was sent while so many others were under way.
    #[allow(clippy::cast_precision_loss)] // far below 2^53
    pub fn observe(&self, others: usize, ttft: Duration) {
        if others > 0 || self.0.iter().next().is_some() {
            self.0.observe(class(&IN_FLIGHT, others as f64), ttft);
        }
    }

    /// Those that exist.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Histogram)> + '_ {
        self.0.iter()
    }
}

impl AtSend {
    fn observe(&self, state: &Sample, ttft: Option<Duration>) {
        let figures = [
            (&self.waiting, state.waiting),
            (&self.running, state.running),
            (&self.kv_cache_usage, state.kv_cache_usage),
        ];
        for (histogram, value) in figures {
            if let Some(value) = value {
                histogram.observe(value);
            }
        }
        let Some(ttft) = ttft else { return };
        let splits = [
            (&self.ttft_by_waiting, &WAITING[..], state.waiting),
            (&self.ttft_by_in_flight, &IN_FLIGHT[..], state.in_flight()),
        ];
        for (split, classes, requests) in splits {
            if let Some(requests) = requests {
                split.observe(class(classes, requests), ttft);
            }
        }
    }
}

fn class(classes: &[Class], requests: f64) -> &'static str {
    classes.iter().find(|(most, _)| requests <= *most).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_load_begins_with_the_first_probe_beside_another() {
        let bounds = SloBounds::new(HistogramForm::Lean, &std::iter::empty());
        let own = OwnLoad::fresh(&bounds, HistogramForm::Lean);
        let observe = |others| own.observe(others, Duration::from_millis(20));
        let classes =
            || own.iter().map(|(class, h)| (class, h.with(|h| h.count))).collect::<Vec<_>>();
        observe(0);
        assert_eq!(classes(), []);
        observe(2);
        observe(0);
        assert_eq!(classes(), [("0", 1), ("1-3", 1)]);
    }

    #[test]
    fn every_number_has_its_class() {
        let check = |requests: f64, waiting: &str, in_flight: &str| {
            let found = (class(&WAITING, requests), class(&IN_FLIGHT, requests));
            assert_eq!(found, (waiting, in_flight), "{requests}");
        };
        check(0.0, "0", "0");
        check(1.0, "1-3", "1-3");
        check(3.0, "1-3", "1-3");
        check(4.0, "4-15", "4-7");
        check(8.0, "4-15", "8-15");
        check(16.0, "16-63", "16-31");
        check(63.0, "16-63", "32-63");
        check(64.0, "64+", "64-127");
        check(128.0, "64+", "128+");
        check(1e9, "64+", "128+");
    }
}
