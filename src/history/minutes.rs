//! The last hour of a target, minute by minute, from the outcomes and their own wall-clock stamps.
//! Pure: whoever asks says what time it is.

use std::collections::VecDeque;

use super::Summary;
use super::digest::Digest;
use crate::failure::FailureReason;

/// Minutes that are kept.
pub const MINUTES: usize = 60;
/// The same, as a difference of minutes.
pub(super) const SPAN: i64 = 60;
const NANOS: i64 = 60 * 1_000_000_000;

/// The minute of a wall-clock stamp, counted from the Unix epoch.
pub(super) fn minute_of(unix_nanos: i64) -> i64 {
    unix_nanos.div_euclid(NANOS)
}

/// What one SLO counts in a minute.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SloCount {
    pub probes: u32,
    pub good: u32,
    /// Sum over the probes of output tokens per second, 0 for a bad one; those without a rate
    /// are not in `rated`.
    pub goodput: f64,
    pub rated: u32,
}

/// One minute with probes.
#[derive(Debug, Clone)]
pub(super) struct Minute {
    pub number: i64,
    pub probes: u32,
    pub good: u32,
    pub failures: Vec<(FailureReason, u32)>,
    /// In the order of the target's SLOs.
    pub slos: Vec<SloCount>,
    pub ttft: Digest,
    pub itl: Digest,
}

impl Minute {
    fn new(number: i64) -> Self {
        Self {
            number,
            probes: 0,
            good: 0,
            failures: Vec::new(),
            slos: Vec::new(),
            ttft: Digest::default(),
            itl: Digest::default(),
        }
    }

    fn add(&mut self, summary: &Summary, tokens_per_second: Option<f64>) {
        self.probes += 1;
        self.good += u32::from(summary.good());
        if let Some(reason) = summary.reason {
            match self.failures.iter_mut().find(|(r, _)| *r == reason) {
                Some((_, count)) => *count += 1,
                None => self.failures.push((reason, 1)),
            }
        }
        summary.ttft.into_iter().for_each(|d| self.ttft.add(d));
        summary.itl.into_iter().for_each(|d| self.itl.add(d));
        self.slos.resize(summary.target.slos.len(), SloCount::default());
        for (slo, good) in &summary.slos {
            let at = summary.target.slos.iter().position(|s| s.name == slo.name);
            if let Some(count) = at.and_then(|at| self.slos.get_mut(at)) {
                count.add(*good, tokens_per_second);
            }
        }
    }
}

impl SloCount {
    fn add(&mut self, good: bool, tokens_per_second: Option<f64>) {
        self.probes += 1;
        self.good += u32::from(good);
        if let Some(rate) = if good { tokens_per_second } else { Some(0.0) } {
            self.goodput += rate;
            self.rated += 1;
        }
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            probes: self.probes + other.probes,
            good: self.good + other.good,
            goodput: self.goodput + other.goodput,
            rated: self.rated + other.rated,
        }
    }
}

/// The minutes that had probes, oldest first; at most [`MINUTES`].
#[derive(Debug, Clone, Default)]
pub(super) struct Minutes(VecDeque<Minute>);

impl Minutes {
    /// Counts a probe in the minute of its start. `tokens_per_second` is the rate of the request.
    pub fn add(&mut self, summary: &Summary, tokens_per_second: Option<f64>) {
        let number = minute_of(summary.started_unix_nanos);
        if self.0.back().is_some_and(|newest| newest.number - number >= SPAN) {
            self.0.clear(); // the wall clock was set back
        }
        let at = self.0.partition_point(|m| m.number < number);
        if self.0.get(at).is_none_or(|m| m.number != number) {
            self.0.insert(at, Minute::new(number));
        }
        self.0[at].add(summary, tokens_per_second);
        let newest = self.0.back().map_or(number, |m| m.number);
        while self.0.front().is_some_and(|m| newest - m.number >= SPAN) {
            self.0.pop_front();
        }
    }

    /// Those of the hour that ends with the minute `now`, oldest first.
    pub fn until(&self, now: i64) -> impl Iterator<Item = &Minute> {
        self.0.iter().filter(move |m| (0..SPAN).contains(&(now - m.number)))
    }

    /// The times to first token of the hour that ends with the minute `now`.
    pub fn ttft(&self, now: i64) -> Digest {
        let mut all = Digest::default();
        self.until(now).for_each(|m| all.merge(&m.ttft));
        all
    }
}
