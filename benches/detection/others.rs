//! How else two servers are compared.

/// Pairs of a test whose size is settled before.
pub const FIXED: usize = 500;

/// How often one peeks.
const PEEKING: usize = 50;

/// Beyond so many standard deviations once in a hundred times, on one side.
const ONE_PERCENT: f64 = 2.326;

/// What each of them finds, in pairs, if it finds the candidate slower.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    /// A Mann–Whitney test once, after [`FIXED`] pairs.
    pub fixed: Option<usize>,
    /// The same, looked at every fifty pairs.
    pub peeking: Option<usize>,
    /// A mixture sequential probability ratio test of the mean logarithm, as if normal.
    pub mixture: Option<usize>,
}

/// All of them on one stream of at most `limit` pairs; `delta`: what is tolerated.
pub fn found(limit: usize, delta: f64, mut next: impl FnMut() -> [f64; 2]) -> Found {
    let (mut found, mut sides) = (Found::default(), [Vec::new(), Vec::new()]);
    let mut mixture = Mixture::default();
    for pairs in 1..=limit {
        let [baseline, candidate] = next();
        let candidate = candidate - delta.ln_1p();
        if baseline.is_finite() && candidate.is_finite() && mixture.reaches(candidate - baseline) {
            found.mixture = found.mixture.or(Some(pairs));
        }
        sides[0].push(baseline);
        sides[1].push(candidate);
        let due = pairs.is_multiple_of(PEEKING) && pairs <= 4 * FIXED;
        if due && (found.peeking.is_none() || pairs == FIXED) && slower(&sides) {
            found.peeking = found.peeking.or(Some(pairs));
            found.fixed = found.fixed.or((pairs == FIXED).then_some(pairs));
        }
    }
    found
}

/// Whether the ranks of the candidate's are higher than chance would have them.
#[allow(clippy::cast_precision_loss)]
fn slower([baseline, candidate]: &[Vec<f64>; 2]) -> bool {
    let mut all: Vec<(f64, bool)> = baseline.iter().map(|x| (*x, false)).collect();
    all.extend(candidate.iter().map(|x| (*x, true)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rank_sum = 0.0;
    let mut at = 0;
    for tied in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let rank = at as f64 + (tied.len() + 1) as f64 / 2.0;
        rank_sum += rank * tied.iter().filter(|(_, candidate)| *candidate).count() as f64;
        at += tied.len();
    }
    let n = candidate.len() as f64;
    let (mean, variance) = (n * (2.0 * n + 1.0) / 2.0, n * n * (2.0 * n + 1.0) / 12.0);
    (rank_sum - mean) / variance.sqrt() > ONE_PERCENT
}

/// Sums of differences, and of their squares.
#[derive(Default)]
struct Mixture {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Mixture {
    /// Spread of the differences that are looked for.
    const TAU: f64 = 0.2;

    /// Takes up a difference; whether there is evidence of one hundred for a positive mean.
    fn reaches(&mut self, difference: f64) -> bool {
        self.count += 1.0;
        self.sum += difference;
        self.squares += difference * difference;
        if self.count < 10.0 || self.sum < 0.0 {
            return false;
        }
        let (n, tau2) = (self.count, Self::TAU * Self::TAU);
        let variance = (self.squares / n - (self.sum / n).powi(2)).max(1e-12);
        let spread = variance + n * tau2;
        let ln =
            (variance / spread).ln() / 2.0 + tau2 * self.sum * self.sum / (2.0 * variance * spread);
        ln >= 100.0_f64.ln()
    }
}
