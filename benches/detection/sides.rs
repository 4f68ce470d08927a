//! What disturbs a server: noise of many kinds, most of it with a memory.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// Spread of usual latencies' logarithms.
const SIGMA: f64 = 0.25;

/// Seconds from one probe to the next.
const INTERVAL: f64 = 15.0;

/// Decode slots of a server, and mean seconds that a user holds one.
const SLOTS: usize = 8;
const SERVICE: f64 = 12.0;

/// Probes in a burst of ten minutes, and in between on average: five per cent of the time.
const BURST: u32 = 40;
const CALM: f64 = 760.0;

/// What one server's latencies are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Log-normal, one in fifty three times as long.
    Independent,
    /// The same, of a larger spread.
    Heavy(f64),
    /// Clocks that tick each so many seconds.
    Ties(f64),
    /// A tail without a mean.
    Pareto,
    /// A cache that is hit or missed.
    TwoModes,
    /// Each keeps a share of what was before.
    Autoregression(f64),
    /// Five times as slow for ten minutes, five per cent of the time.
    Bursts,
    /// Users of its own keep it busy for a share of the time.
    Queue(f64),
    /// One in a thousand begins a run of ten failures.
    FailureRuns,
}

/// One server's noise.
#[derive(Debug, Clone)]
pub struct Side {
    kind: Kind,
    rng: ChaCha8Rng,
    /// Of an autoregression, as it was.
    noise: f64,
    /// Of a burst or a run of failures, what is left of it, and of the calm before the next one.
    left: u32,
    calm: f64,
    /// When each slot is free, what the time is, and when the next user comes.
    free: [f64; SLOTS],
    now: f64,
    next_user: f64,
}

impl Side {
    pub fn new(seed: u64, kind: Kind) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let noise = StandardNormal.sample(&mut rng);
        let (free, now, next_user) = ([0.0; SLOTS], 0.0, 0.0);
        let mut side = Self { kind, rng, noise, left: 0, calm: 0.0, free, now, next_user };
        side.calm = CALM * side.wait();
        if matches!(kind, Kind::Queue(_)) {
            (0..2_000).for_each(|_| _ = side.next()); // until it is as it always is
        }
        side
    }

    fn wait(&mut self) -> f64 {
        Exp1.sample(&mut self.rng)
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.rng)
    }

    fn usual(&mut self, sigma: f64) -> f64 {
        let tail = if self.rng.random::<f64>() < 0.02 { 3.0_f64.ln() } else { 0.0 };
        sigma.mul_add(self.normal(), tail)
    }

    /// The logarithm of the next latency; infinite where it failed.
    pub fn next(&mut self) -> f64 {
        match self.kind {
            Kind::Independent => self.usual(SIGMA),
            Kind::Heavy(sigma) => self.usual(sigma),
            Kind::Ties(tick) => {
                let seconds = 0.1 * self.usual(SIGMA).exp();
                ((seconds / tick).round().max(1.0) * tick).ln()
            }
            Kind::Pareto => self.wait() / 1.5,
            Kind::TwoModes => {
                let missed = self.rng.random::<f64>() < 0.4;
                0.4f64.mul_add(SIGMA * self.normal(), if missed { 1.2 } else { 0.0 })
            }
            Kind::Autoregression(share) => {
                let fresh = (1.0 - share * share).sqrt() * self.normal();
                self.noise = share.mul_add(self.noise, fresh);
                let tail = if self.rng.random::<f64>() < 0.02 { 3.0_f64.ln() } else { 0.0 };
                SIGMA.mul_add(self.noise, tail)
            }
            Kind::Bursts => {
                let disturbed = self.episode(BURST, CALM);
                self.usual(SIGMA) + if disturbed { 5.0_f64.ln() } else { 0.0 }
            }
            Kind::Queue(share) => self.queued(share),
            Kind::FailureRuns => {
                if self.episode(10, 990.0) {
                    f64::INFINITY
                } else {
                    self.usual(SIGMA)
                }
            }
        }
    }

    /// Whether one of `length` is under way, with so much calm in between.
    fn episode(&mut self, length: u32, calm: f64) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return true;
        }
        self.calm -= 1.0;
        if self.calm > 0.0 {
            return false;
        }
        (self.left, self.calm) = (length - 1, calm * self.wait());
        true
    }

    /// First come, first served: the probe waits for a slot, but is too short to hold one.
    #[allow(clippy::cast_precision_loss)]
    fn queued(&mut self, busy: f64) -> f64 {
        self.now += INTERVAL;
        let between = SERVICE / (busy * SLOTS as f64);
        while self.next_user <= self.now {
            let service = SERVICE * self.wait();
            let arrives = self.next_user;
            if let Some(first) = self.free.iter_mut().min_by(|a, b| a.total_cmp(b)) {
                *first = first.max(arrives) + service;
            }
            self.next_user += between * self.wait();
        }
        let first = self.free.iter().copied().fold(f64::INFINITY, f64::min);
        let waits = (first - self.now).max(0.0);
        0.3f64.mul_add((SIGMA * self.normal()).exp(), waits).ln()
    }
}

/// Two servers that get the same prompts at the same time.
pub struct Servers {
    baseline: Side,
    candidate: Side,
    /// What disturbs both alike.
    both: Option<Side>,
}

impl Servers {
    /// Each with noise of its own.
    pub fn apart(seed: u64, kind: Kind) -> Self {
        let candidate = Side::new(seed + (1 << 32), kind);
        Self { baseline: Side::new(seed, kind), candidate, both: None }
    }

    /// With independent noise each, and one of this kind that both share.
    pub fn together(seed: u64, kind: Kind) -> Self {
        let both = Some(Side::new(seed + (1 << 33), kind));
        Self { both, ..Self::apart(seed, Kind::Independent) }
    }

    /// The logarithms of the baseline's latency, and of a candidate's that is so many times as slow.
    pub fn next(&mut self, ratio: f64) -> [f64; 2] {
        let both = self.both.as_mut().map_or(0.0, Side::next);
        [self.baseline.next() + both, self.candidate.next() + both + ratio.ln()]
    }
}
