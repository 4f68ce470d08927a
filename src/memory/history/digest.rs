//! Durations in bins that grow by a fixed factor: small, mergeable, quantiles within 1.1 %.

use std::borrow::Cow;
use std::time::Duration;

/// Bins per doubling.
const PER_OCTAVE: f64 = 32.0;
/// 2^32 µs, over an hour: longer than any probe may take.
const LAST_BIN: u16 = 32 * 32;

/// How often each bin was hit; only bins that were, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Digest {
    bins: Vec<(u16, u32)>,
    max: Duration,
}

/// Quantiles of a set of durations, each within 1.1 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// Median.
    pub p50: Duration,
    /// 95th percentile.
    pub p95: Duration,
    /// 99th percentile.
    pub p99: Duration,
}

impl Digest {
    pub fn add(&mut self, duration: Duration) {
        self.max = self.max.max(duration);
        self.count_in(bin(duration), 1);
    }

    pub fn merge(&mut self, other: &Self) {
        self.max = self.max.max(other.max);
        for (bin, count) in &other.bins {
            self.count_in(*bin, *count);
        }
    }

    fn count_in(&mut self, bin: u16, count: u32) {
        match self.bins.binary_search_by_key(&bin, |(b, _)| *b) {
            Ok(at) => self.bins[at].1 = self.bins[at].1.saturating_add(count),
            Err(at) => self.bins.insert(at, (bin, count)),
        }
    }

    /// Bins in order, as [`Digest::bins`] gives them.
    pub fn of(bins: Vec<(u16, u32)>, max: Duration) -> Self {
        Self { bins, max }
    }

    /// Every bin that was hit, and how often.
    pub fn bins(&self) -> &[(u16, u32)] {
        &self.bins
    }

    /// The same in at most so many bins: neighbours are put together, the middle of them stands for
    /// all.
    pub fn coarser(&self, most: usize) -> Cow<'_, Self> {
        let mut coarser = Cow::Borrowed(self);
        let mut shift = 0;
        while coarser.bins.len() > most {
            shift += 1;
            let mut together = Self { bins: Vec::new(), max: self.max };
            for (bin, count) in &self.bins {
                together.count_in((bin >> shift << shift) + (1 << (shift - 1)), *count);
            }
            coarser = Cow::Owned(together);
        }
        coarser
    }

    pub fn count(&self) -> u64 {
        self.bins.iter().map(|(_, n)| u64::from(*n)).sum()
    }

    pub fn max(&self) -> Duration {
        self.max
    }

    /// Absent where there is nothing.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let at = |share| self.quantile(share);
        Some(Quantiles { p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)? })
    }

    /// By nearest rank.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = share * self.count() as f64;
        let mut seen = 0;
        let found = self.bins.iter().find(|(_, count)| {
            seen += u64::from(*count);
            seen as f64 >= wanted
        });
        found.map(|(bin, _)| middle(*bin).min(self.max))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped first
fn bin(duration: Duration) -> u16 {
    let micros = duration.as_secs_f64() * 1e6;
    (micros.max(1.0).log2() * PER_OCTAVE).clamp(0.0, f64::from(LAST_BIN)) as u16
}

/// The geometric middle of a bin.
fn middle(bin: u16) -> Duration {
    Duration::from_secs_f64(((f64::from(bin) + 0.5) / PER_OCTAVE).exp2() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Digest {
        let mut digest = Digest::default();
        micros.into_iter().for_each(|m| digest.add(Duration::from_micros(m)));
        digest
    }

    /// Against the sorted values themselves, over the whole range of a probe's durations.
    #[test]
    fn quantiles_are_within_their_bound() {
        for scale in [1, 37, 1_000, 250_000] {
            let found = of((1..=1_000).map(|i| i * scale)).quantiles().unwrap();
            let expect = [(found.p50, 500), (found.p95, 950), (found.p99, 990)];
            for (quantile, rank) in expect {
                let exact = Duration::from_micros(rank * scale).as_secs_f64();
                let error = (quantile.as_secs_f64() / exact - 1.0).abs();
                assert!(error < 0.0113, "{rank}th of {scale}: {quantile:?}, error {error}");
            }
        }
    }

    #[test]
    fn nothing_and_extremes() {
        assert_eq!(Digest::default().quantiles(), None);
        assert_eq!(of([0]).quantiles().unwrap().p99, Duration::ZERO);
        let longest = of([u64::from(u32::MAX) * 1_000]);
        assert!(longest.quantiles().unwrap().p50 > Duration::from_secs(3_600));
    }

    #[test]
    fn merging_is_adding() {
        let (mut a, b) = (of(1..500), of(500..=1_000));
        a.merge(&b);
        assert_eq!(a.quantiles(), of(1..=1_000).quantiles());
        assert_eq!((a.count(), a.max()), (1_000, Duration::from_millis(1)));
    }
}
