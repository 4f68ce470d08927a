//! The histograms that explain the primary ones. A setting keeps them per target instead of per
//! workload.

use std::sync::OnceLock;
use std::time::Duration;

use super::buckets::{self, SloBounds};
use super::histogram::{Histogram, histogram};
use super::options::HistogramForm;
use super::server::ServerLoad;
use crate::answer::measure::{Measurement, Phase};
use crate::answer::recording::Recording;
use crate::answer::timeline::ServerTiming;
use crate::target::Target;

/// A stage whose series exist from the server's first report on: most servers report none.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// The label value.
    pub name: &'static str,
    duration: fn(&ServerTiming) -> Option<Duration>,
    /// Absent until reported.
    pub histogram: OnceLock<Histogram>,
}

impl Stage {
    fn new(name: &'static str, duration: fn(&ServerTiming) -> Option<Duration>) -> Self {
        Self { name, duration, histogram: OnceLock::new() }
    }
}

/// See the families for what each figure is. A clone observes together with the original.
#[derive(Debug, Clone)]
pub(super) struct Secondary {
    form: HistogramForm,
    pub schedule_delay: Histogram,
    pub time_to_first_byte: Histogram,
    pub time_to_first_token_with_connect: Histogram,
    pub time_to_first_output_token: Histogram,
    pub time_to_second_token: Histogram,
    pub inter_chunk_gap: Histogram,
    pub longest_gap: Histogram,
    pub phases: Vec<(Phase, Histogram)>,
    pub stages: [Stage; 4],
    pub output_tokens_per_second: Histogram,
    pub prefill_tokens_per_second: Histogram,
    pub server: ServerLoad,
    /// Where the target names its GPUs.
    pub energy_per_token: Option<Histogram>,
}

impl Secondary {
    /// Goes on from `before`, the histograms of the same name before a reload.
    pub fn new(
        target: &Target,
        bounds: &SloBounds,
        form: HistogramForm,
        before: Option<&Self>,
    ) -> Self {
        let mut this = before.map_or_else(|| Self::fresh(bounds, form), Self::clone);
        let possible = |p: &Phase| *p != Phase::Tls || target.url.scheme() == "https";
        let known = |phase: Phase| {
            let known = before?.phases.iter().find(|(p, _)| *p == phase);
            known.map(|(_, histogram)| histogram.clone())
        };
        let phase = |p| (p, known(p).unwrap_or_else(|| histogram(form, buckets::PHASE)));
        this.phases = Phase::ALL.iter().copied().filter(possible).map(phase).collect();
        this.server = ServerLoad::new(target, bounds, form, before.map(|b| &b.server));
        let known = before.and_then(|b| b.energy_per_token.clone());
        this.energy_per_token = (!target.gpus.ids.is_empty())
            .then(|| known.unwrap_or_else(|| histogram(form, buckets::ENERGY)));
        this
    }

    fn fresh(bounds: &SloBounds, form: HistogramForm) -> Self {
        let new = |bounds: &'static [f64]| histogram(form, bounds);
        Self {
            form,
            schedule_delay: new(buckets::TOKEN),
            time_to_first_byte: new(buckets::REQUEST),
            time_to_first_token_with_connect: new(buckets::REQUEST),
            time_to_first_output_token: new(buckets::REQUEST),
            time_to_second_token: new(buckets::TOKEN),
            inter_chunk_gap: new(buckets::TOKEN),
            longest_gap: histogram(form, &bounds.longest_gap),
            phases: Vec::new(),
            stages: [
                Stage::new("queue", |t| t.queue),
                Stage::new("load", |t| t.load),
                Stage::new("prefill", |t| t.prefill),
                Stage::new("decode", |t| t.decode),
            ],
            output_tokens_per_second: histogram(form, &bounds.tokens_per_second),
            prefill_tokens_per_second: new(buckets::PREFILL_RATE),
            server: ServerLoad::fresh(form),
            energy_per_token: None,
        }
    }

    /// Takes the figures that were observed; an absent figure leaves no sample.
    pub fn observe(&self, recording: &Recording, m: &Measurement) {
        self.schedule_delay.observe(recording.schedule_delay.as_secs_f64());
        observe(&self.time_to_first_byte, m.ttfb);
        observe(&self.time_to_first_token_with_connect, m.ttft_with_connect);
        observe(&self.time_to_first_output_token, m.ttfo);
        observe(&self.time_to_second_token, m.ttst);
        observe(&self.inter_chunk_gap, m.gaps.iter().copied());
        observe(&self.longest_gap, m.longest_gap);
        self.observe_parts(m);
        if let Some(rate) = m.output_tokens_per_second() {
            self.output_tokens_per_second.observe(rate);
        }
        if let Some(rate) = m.prefill_tokens_per_second() {
            self.prefill_tokens_per_second.observe(rate);
        }
    }

    /// Takes the energy of one probe.
    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    pub fn observe_energy(&self, joules: f64, tokens: u64) {
        if let Some(histogram) = &self.energy_per_token {
            histogram.observe(joules / tokens as f64);
        }
    }

    fn observe_parts(&self, m: &Measurement) {
        for span in &m.phases {
            let histogram = self.phases.iter().find(|(phase, _)| *phase == span.phase);
            debug_assert!(histogram.is_some(), "{:?} cannot happen for this target", span.phase);
            if let Some((_, histogram)) = histogram {
                observe(histogram, [span.duration]);
            }
        }
        for stage in &self.stages {
            if let Some(duration) = (stage.duration)(&m.server_timing) {
                let new = || histogram(self.form, buckets::PHASE);
                observe(stage.histogram.get_or_init(new), [duration]);
            }
        }
    }
}

fn observe(histogram: &Histogram, durations: impl IntoIterator<Item = Duration>) {
    for duration in durations {
        histogram.observe(duration.as_secs_f64());
    }
}
