//! What disturbs a server: noise of many kinds, most of it with a memory.

use llm_prober::regression::detect::{HourOfDay, Misses, Observed, Pair};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};

/// Spread of usual latencies' logarithms.
const SIGMA: f64 = 0.25;

/// Seconds from one probe to the next.
const INTERVAL: f64 = 15.0;

/// Probes in a day.
pub const DAY: usize = 5760;

/// One in fifty is three times as long.
const TAIL_SHARE: f64 = 0.02;
const TAIL_FACTOR: f64 = 3.0;

/// Seconds that a latency usually takes, where some are longer by so many seconds.
const USUAL: f64 = 0.2;

/// After so many probes the spread triples, where it does.
const CALM_PROBES: u32 = 1500;

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
    /// The spread triples after a while.
    Widening,
}

/// One server's noise.
#[derive(Debug, Clone)]
pub struct Side {
    kind: Kind,
    rng: ChaCha8Rng,
    /// Probes so far.
    probes: u32,
    /// How much longer a long one is, as a logarithm.
    tail: f64,
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
        let tail = TAIL_FACTOR.ln();
        let (probes, left, calm) = (0, 0, 0.0);
        let mut side = Self { kind, rng, probes, tail, noise, left, calm, free, now, next_user };
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
        let tail = self.long();
        sigma.mul_add(self.normal(), tail)
    }

    /// How much longer the next one is.
    fn long(&mut self) -> f64 {
        if self.chance(TAIL_SHARE) { self.tail } else { 0.0 }
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.rng.random::<f64>() < probability
    }

    /// The logarithm of the next latency; infinite where it failed.
    pub fn next(&mut self) -> f64 {
        self.probes = self.probes.saturating_add(1);
        match self.kind {
            Kind::Independent => self.usual(SIGMA),
            Kind::Heavy(sigma) => self.usual(sigma),
            Kind::Ties(tick) => {
                let seconds = 0.1 * self.usual(SIGMA).exp();
                ((seconds / tick).round().max(1.0) * tick).ln()
            }
            Kind::Pareto => self.wait() / 1.5,
            Kind::TwoModes => {
                let missed = self.chance(0.4);
                0.4f64.mul_add(SIGMA * self.normal(), if missed { 1.2 } else { 0.0 })
            }
            Kind::Autoregression(share) => {
                let fresh = (1.0 - share * share).sqrt() * self.normal();
                self.noise = share.mul_add(self.noise, fresh);
                let tail = self.long();
                SIGMA.mul_add(self.noise, tail)
            }
            Kind::Bursts => {
                let disturbed = self.episode(BURST, CALM);
                self.usual(SIGMA) + if disturbed { 5.0_f64.ln() } else { 0.0 }
            }
            Kind::Widening => {
                self.usual(if self.probes > CALM_PROBES { 3.0 * SIGMA } else { SIGMA })
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

/// In which way a candidate, or a server after a change, is worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Worse {
    /// It is not.
    No,
    /// So many times as slow.
    Slower(f64),
    /// This share of requests takes two seconds longer, where a fifth of one is usual.
    TwoSeconds(f64),
    /// What is long is three times as long; the median is what it was.
    LongTail,
}

impl Worse {
    /// What becomes of the logarithm of a latency.
    fn applied(self, ln: f64, side: &mut Side) -> f64 {
        match self {
            Self::No => ln,
            Self::Slower(ratio) => ln + ratio.ln(),
            Self::TwoSeconds(share) => {
                if side.chance(share) {
                    ((USUAL * ln.exp() + 2.0) / USUAL).ln()
                } else {
                    ln
                }
            }
            Self::LongTail => {
                side.tail = (3.0 * TAIL_FACTOR).ln();
                ln
            }
        }
    }
}

/// Two servers that get the same prompts at the same time, or one after the other.
pub struct Servers {
    baseline: Side,
    candidate: Side,
    /// What disturbs both alike.
    both: Option<Side>,
    /// The second of a round takes so much longer, as a logarithm.
    second: f64,
}

impl Servers {
    /// Each with noise of its own.
    pub fn apart(seed: u64, kind: Kind) -> Self {
        let candidate = Side::new(seed + (1 << 42), kind);
        Self { baseline: Side::new(seed, kind), candidate, both: None, second: 0.0 }
    }

    /// With independent noise each, and one of this kind that both share.
    pub fn together(seed: u64, kind: Kind) -> Self {
        let both = Some(Side::new(seed + (1 << 43), kind));
        Self { both, ..Self::apart(seed, Kind::Independent) }
    }

    /// One after the other, in random order: the second finds in a cache what the first one asked.
    pub fn in_order(seed: u64) -> Self {
        Self { second: 0.3_f64.ln(), ..Self::apart(seed, Kind::Independent) }
    }

    /// The logarithms of the latencies of the baseline and of the candidate.
    pub fn next(&mut self, candidate: Worse) -> [f64; 2] {
        let both = self.both.as_mut().map_or(0.0, Side::next);
        let mut next = [self.baseline.next(), self.candidate.next()].map(|ln| ln + both);
        next[1] = candidate.applied(next[1], &mut self.candidate);
        if self.second != 0.0 {
            next[usize::from(self.baseline.chance(0.5))] += self.second;
        }
        next
    }
}

/// One server over days, which begin on a Tuesday.
#[derive(Debug, Clone)]
pub struct Days {
    pub side: Side,
    pub per_day: usize,
    pub at: usize,
    /// Amplitude of the day's swing of the logarithm.
    pub swing: f64,
    /// Growth of the logarithm in a day.
    pub drift: f64,
    /// What is added at weekends.
    pub weekend: f64,
    /// The day in which the users' clocks are set forward by an hour.
    pub clocks_change: Option<usize>,
    /// The first day's place in the week, from Monday, 0, on.
    pub first_day: usize,
}

/// Seconds of a day, and of an hour of it.
const DAY_SECONDS: f64 = 86_400.0;

/// The day of the Unix epoch was a Thursday.
const THURSDAY: usize = 3;

impl Days {
    pub fn new(seed: u64, kind: Kind, per_day: usize) -> Self {
        Self {
            side: Side::new(seed, kind),
            per_day,
            at: 0,
            swing: 0.0,
            drift: 0.0,
            weekend: 0.0,
            clocks_change: None,
            first_day: 1,
        }
    }

    /// When the next one is asked, and the logarithm of its latency.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    pub fn next(&mut self, worse: Worse) -> (HourOfDay, f64) {
        let days = self.at as f64 / self.per_day as f64;
        let day = self.at / self.per_day;
        self.at += 1;
        let early = self.clocks_change.is_some_and(|change| day >= change);
        let users = days + if early { 1.0 / 24.0 } else { 0.0 };
        let mut ln = self.side.next() + self.swing * (std::f64::consts::TAU * users).sin();
        ln += self.drift * days;
        if (self.first_day + day) % 7 >= 5 {
            ln += self.weekend;
        }
        let ln = worse.applied(ln, &mut self.side);
        let since_thursday = (self.first_day + 7 - THURSDAY) % 7;
        let seconds = (days + since_thursday as f64) * DAY_SECONDS;
        (HourOfDay::of_unix_seconds(seconds as i64), ln)
    }
}

pub fn observed(ln: f64) -> Observed {
    if ln.is_finite() { Observed::Finite(ln.exp()) } else { Observed::Failed }
}

/// `None` where both failed.
pub fn pair([baseline, candidate]: [f64; 2]) -> Option<Pair> {
    let known = baseline.is_finite() || candidate.is_finite();
    known.then(|| Pair { baseline: observed(baseline), candidate: observed(candidate) })
}

pub fn misses([baseline, candidate]: [f64; 2]) -> Misses {
    Misses { baseline: baseline.is_infinite(), candidate: candidate.is_infinite() }
}
