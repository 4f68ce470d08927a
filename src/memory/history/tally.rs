//! What probes add up to: counts, and digests of their times. A minute has one, an hour has one, and
//! so has every window of time.

use super::digest::Digest;
use super::entry::Summary;
use crate::answer::failure::FailureReason;
use crate::answer::slo::SloBasis;

/// What one SLO counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct SloCount {
    pub probes: u32,
    pub good: u32,
    /// Sum over the probes of output tokens per second, 0 for a bad one; those without a rate
    /// are not in `rated`.
    pub goodput: f64,
    pub rated: u32,
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

    fn merge(&mut self, other: Self) {
        self.probes = self.probes.saturating_add(other.probes);
        self.good = self.good.saturating_add(other.good);
        self.goodput += other.goodput;
        self.rated = self.rated.saturating_add(other.rated);
    }
}

/// Some probes of one target, added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    pub probes: u32,
    pub good: u32,
    pub failures: Vec<(FailureReason, u32)>,
    /// By what a good probe is: after a change of an SLO, its counts from before are not its own.
    pub slos: Vec<(SloBasis, SloCount)>,
    pub ttft: Digest,
    pub itl: Digest,
}

impl Tally {
    pub fn add(&mut self, summary: &Summary, tokens_per_second: Option<f64>) {
        self.probes += 1;
        self.good += u32::from(summary.good());
        if let Some(reason) = summary.reason {
            *self.failures_for(reason) += 1;
        }
        summary.ttft.into_iter().for_each(|d| self.ttft.add(d));
        summary.itl.into_iter().for_each(|d| self.itl.add(d));
        for (slo, good) in &summary.slos {
            self.slo_for(slo.basis()).add(*good, tokens_per_second);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.probes = self.probes.saturating_add(other.probes);
        self.good = self.good.saturating_add(other.good);
        for (reason, count) in &other.failures {
            let sum = self.failures_for(*reason);
            *sum = sum.saturating_add(*count);
        }
        self.merge_slos(&other.slos);
        self.ttft.merge(&other.ttft);
        self.itl.merge(&other.itl);
    }

    pub fn merge_slos(&mut self, other: &[(SloBasis, SloCount)]) {
        for (basis, count) in other {
            self.slo_for(*basis).merge(*count);
        }
    }

    /// All zeros where none of its probes was counted.
    pub fn slo(&self, basis: SloBasis) -> SloCount {
        self.slos.iter().find(|(b, _)| *b == basis).map(|(_, n)| *n).unwrap_or_default()
    }

    fn failures_for(&mut self, reason: FailureReason) -> &mut u32 {
        let known = self.failures.iter().position(|(r, _)| *r == reason);
        let at = known.unwrap_or_else(|| {
            self.failures.push((reason, 0));
            self.failures.len() - 1
        });
        &mut self.failures[at].1
    }

    fn slo_for(&mut self, basis: SloBasis) -> &mut SloCount {
        let known = self.slos.iter().position(|(b, _)| *b == basis);
        let at = known.unwrap_or_else(|| {
            self.slos.push((basis, SloCount::default()));
            self.slos.len() - 1
        });
        &mut self.slos[at].1
    }
}
