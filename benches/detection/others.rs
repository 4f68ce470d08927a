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
    pub once: Option<usize>,
    /// The same, looked at every fifty pairs.
    pub peeking: Option<usize>,
    /// A mixture sequential probability ratio test of the mean logarithm, as if normal.
    pub mixture: Option<usize>,
    /// A confidence sequence of the median ratio whose lower end is beyond what is tolerated.
    pub sequence: Option<usize>,
}

/// All of them on one stream of at most `limit` pairs; `delta`: what is tolerated.
pub fn found(limit: usize, delta: f64, mut next: impl FnMut() -> [f64; 2]) -> Found {
    let (mut found, mut sides) = (Found::default(), [Vec::new(), Vec::new()]);
    let (mut mixture, mut sequence) = (Mixture::default(), Sequence::default());
    for pairs in 1..=limit {
        let [baseline, candidate] = next();
        let candidate = candidate - delta.ln_1p();
        let difference = candidate - baseline;
        if difference.is_finite() && mixture.reaches(difference) {
            found.mixture = found.mixture.or(Some(pairs));
        }
        if !difference.is_nan() && sequence.reaches(difference) {
            found.sequence = found.sequence.or(Some(pairs));
        }
        sides[0].push(baseline);
        sides[1].push(candidate);
        let due = pairs.is_multiple_of(PEEKING) && pairs <= 4 * FIXED;
        if due && (found.peeking.is_none() || pairs == FIXED) && slower(&sides) {
            found.peeking = found.peeking.or(Some(pairs));
            found.once = found.once.or((pairs == FIXED).then_some(pairs));
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

/// How often the candidate was the slower one (Howard & Ramdas, normal mixture).
#[derive(Default)]
struct Sequence {
    count: f64,
    slower: f64,
}

impl Sequence {
    /// Narrowest near a few hundred pairs.
    const RHO: f64 = 15.8;
    /// Of both sides together, so that one is wrong once in a hundred times.
    const ALPHA: f64 = 0.02;

    fn reaches(&mut self, difference: f64) -> bool {
        self.count += 1.0;
        self.slower += if difference == 0.0 { 0.5 } else { f64::from(u8::from(difference > 0.0)) };
        let spread = self.count / 4.0 + Self::RHO;
        let within = (spread * (spread / (Self::ALPHA * Self::ALPHA * Self::RHO)).ln()).sqrt();
        self.slower - self.count / 2.0 > within
    }
}
