//! What a simulator is told to be: validated values, no knowledge of files or flags.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::faults::Chance;

/// Decode slots.
pub const SLOTS: RangeInclusive<u32> = 1..=100_000;
/// Requests that may wait for a slot.
pub const QUEUE: RangeInclusive<u32> = 0..=100_000;
/// Output tokens of one answer.
pub const ANSWER_TOKENS: RangeInclusive<u32> = 1..=100_000;
/// Any single pause: fixed prefill time, gap, stall.
pub const PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);
/// Spread of the log-normal factor; above 2 the mean is made by outliers alone.
pub const JITTER: RangeInclusive<f64> = 0.0..=2.0;
/// A factor of a scripted phase.
pub const FACTOR: RangeInclusive<f64> = 0.001..=1000.0;
/// Input tokens per second.
pub const PREFILL_RATE: RangeInclusive<f64> = 0.001..=1e9;
/// Open connections.
pub const CONNECTIONS: RangeInclusive<u32> = 1..=100_000;
/// Phases of a script: every token looks through them.
pub const MAX_PHASES: usize = 100;
/// Background arrivals per second at the highest point of the swing and the script.
pub const MAX_ARRIVAL_RATE: f64 = 200.0;
/// Background users at the highest point of the swing and the script.
pub const MAX_USERS: f64 = 10_000.0;

/// A simulated server.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatorConfig {
    /// The one model that the server offers.
    pub model: String,
    /// Seed of every random draw: the same seed and the same requests at the same times give the
    /// same bytes at the same times.
    pub seed: u64,
    /// Requests that are worked on at the same time.
    pub slots: u32,
    /// Requests that may wait for a slot; one more is answered with 429.
    pub queue: u32,
    /// Fixed part of the prefill: with a free slot and no `prefill_rate`, the time to first token.
    pub ttft: Duration,
    /// Input tokens per second that the prefill takes on top of `ttft`; `None` takes no time.
    pub prefill_rate: Option<f64>,
    /// Time between two output tokens of one request.
    pub itl: Duration,
    /// Standard deviation of the logarithm of the factor on prefill and token times. The factor's
    /// mean is 1; 0 draws nothing and is exact.
    pub jitter: f64,
    /// Tokens after which an answer stops by itself; a lower limit in the request ends it sooner.
    pub answer_tokens: u32,
    /// Send usage to requests that ask for it; `false` keeps it from all.
    pub usage: bool,
    /// Skip the prefill of prompt beginnings that were seen before.
    pub prefix_cache: bool,
    /// Connections served at the same time; further ones wait in the kernel's backlog.
    pub max_connections: u32,
    /// How long open answers may go on after shutdown was asked for.
    pub drain: Duration,
    /// Faults outside of phases.
    pub faults: Vec<Chance>,
    /// Phases in which the server behaves differently.
    pub script: Vec<Phase>,
    /// Other users, who occupy slots and queue.
    pub load: Option<Load>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            model: "simulated".to_owned(),
            seed: 1,
            slots: 8,
            queue: 64,
            ttft: Duration::from_millis(100),
            prefill_rate: None,
            itl: Duration::from_millis(10),
            jitter: 0.0,
            answer_tokens: 64,
            usage: true,
            prefix_cache: false,
            max_connections: 4096,
            drain: Duration::from_secs(10),
            faults: Vec::new(),
            script: Vec::new(),
            load: None,
        }
    }
}

/// A stretch of time with a behaviour of its own. Where phases overlap, factors multiply, and of
/// slots and of faults of one kind the later phase in the list decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Start, counted from the simulator's creation.
    pub after: Duration,
    /// Length; `None` goes on for ever.
    pub lasts: Option<Duration>,
    /// Distance between two starts; `None` happens once. Never shorter than `lasts`.
    pub repeat_every: Option<Duration>,
    /// On the prefill time.
    pub ttft_factor: f64,
    /// On the time between tokens.
    pub itl_factor: f64,
    /// On the background load.
    pub load_factor: f64,
    /// Replaces the number of slots; 0 starts no request until the phase is over.
    pub slots: Option<u32>,
    /// Each replaces the fault of the same kind; the others stay.
    pub faults: Vec<Chance>,
}

impl Default for Phase {
    fn default() -> Self {
        Self {
            after: Duration::ZERO,
            lasts: None,
            repeat_every: None,
            ttft_factor: 1.0,
            itl_factor: 1.0,
            load_factor: 1.0,
            slots: None,
            faults: Vec::new(),
        }
    }
}

/// Background users. They are virtual: they take slots and places in the queue, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// How many, or how often they come.
    pub source: Source,
    /// Prompt length of each of their requests.
    pub input_tokens: u32,
    /// Answer length of each of their requests.
    pub output_tokens: u32,
    /// How the load goes up and down over the day.
    pub swing: Option<Swing>,
}

/// Where background requests come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// People who wait for their answer, think (exponentially distributed, this mean), ask again.
    Users {
        /// How many.
        count: u32,
        /// Mean pause between an answer and the next request.
        think_time: Duration,
    },
    /// Independent arrivals per second (Poisson), however slow the answers are.
    Rate(f64),
}

/// A sine over the load: `1 + amplitude · sin(2π · t / period)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swing {
    /// Length of one full swing.
    pub period: Duration,
    /// 0 to 1.
    pub amplitude: f64,
}
