//! One answer in the making: which token comes when. Streams and whole bodies read the same one.

use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::faults::{Ailments, Fault, draw};
use super::request::Ask;
use super::simulator::Shared;
use super::speak::{Finish, Speaker, Usage, Writer};

/// Times of creation in answers count from here, so that they depend on the simulator's own clock
/// alone and the same run gives the same bytes.
const CREATED_ORIGIN: u64 = 1_700_000_000;

/// What the model says, in random order; one word is one token. No character needs escaping.
const WORDS: [&str; 32] = [
    "time", "water", "bridge", "seven", "river", "light", "paper", "stone", "green", "window",
    "garden", "number", "letter", "winter", "market", "silver", "open", "slow", "north", "early",
    "round", "quiet", "answer", "table", "music", "cloud", "travel", "simple", "second", "field",
    "morning", "story",
];

#[derive(Debug)]
pub(super) struct Generation {
    shared: Arc<Shared>,
    rng: ChaCha8Rng,
    ask: Ask,
    pub speaker: &'static dyn Speaker,
    pub writer: Box<dyn Writer>,
    pub ailments: Ailments,
    cached: Option<u32>,
    produced: u32,
    due: Duration,
    arrived: Duration,
    queued: Duration,
    prefill: Duration,
}

impl Generation {
    /// Draws what will be wrong with request number `number`, which arrived now.
    pub fn new(shared: &Arc<Shared>, speaker: &'static dyn Speaker, ask: Ask, number: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(shared.config.seed);
        rng.set_stream(number);
        let now = shared.clock.now();
        let ailments = draw(&shared.script.faults_at(now), &mut rng);
        let created = CREATED_ORIGIN + now.as_secs();
        let writer = speaker.writer(rng.random(), created, &shared.config.model);
        let shared = Arc::clone(shared);
        let zero = Duration::ZERO;
        let (due, arrived, queued, prefill) = (zero, now, zero, zero);
        let (cached, produced) = (None, 0);
        Self {
            shared,
            rng,
            ask,
            speaker,
            writer,
            ailments,
            cached,
            produced,
            due,
            arrived,
            queued,
            prefill,
        }
    }

    /// A slot was granted: from here the prefill runs.
    pub fn begin(&mut self, granted: Duration) {
        if self.shared.config.prefix_cache {
            // The last token is always computed: its output is the first token of the answer.
            let known = self.shared.prefixes().look_up(&self.ask.prompt);
            self.cached = Some(known.min(self.ask.input_tokens.saturating_sub(1)));
        }
        let mut totals = self.shared.totals();
        totals.prompt_tokens += u64::from(self.ask.input_tokens);
        if let Some(cached) = self.cached {
            totals.prefix_queries += u64::from(self.ask.input_tokens);
            totals.prefix_hits += u64::from(cached);
        }
        drop(totals);
        let computed = self.ask.input_tokens - self.cached.unwrap_or(0);
        let now = self.shared.script.at(granted);
        self.queued = granted.saturating_sub(self.arrived);
        self.prefill = self.shared.pace.prefill(computed, now, &mut self.rng);
        self.due = granted + self.prefill;
        self.stall();
    }

    /// When the next token is ready.
    pub fn due(&self) -> Duration {
        self.due
    }

    /// Tokens that still come, unless a fault ends the answer.
    pub fn left(&self) -> u32 {
        self.length().saturating_sub(self.produced)
    }

    /// Produces the token that is due.
    pub fn word(&mut self) -> &'static str {
        let word = WORDS[self.rng.random_range(0..WORDS.len())];
        self.produced += 1;
        self.shared.totals().generated_tokens += 1;
        let now = self.shared.script.at(self.due);
        self.due += self.shared.pace.gap(now, &mut self.rng);
        self.stall();
        word
    }

    /// Produces the token that is due, as a stream event.
    pub fn token(&mut self) -> String {
        let first = self.produced == 0;
        let word = self.word();
        let ends = self.left() == 0 && self.breakage().is_none() && self.finish() == Finish::Length;
        self.writer.token(word, first, ends.then_some(Finish::Length))
    }

    /// How a complete answer ends.
    pub fn finish(&self) -> Finish {
        let cut = self.ask.cut_by_limit && self.length() > 0;
        if cut { Finish::Length } else { Finish::Stop }
    }

    /// The answer is complete: counts it.
    pub fn finished(&self) {
        let (how, input) = (self.finish(), self.ask.input_tokens);
        self.shared.totals().finished(how, input, self.queued, self.prefill);
    }

    /// The fault that ends the answer and is due now.
    pub fn breaks_now(&self) -> Option<Fault> {
        let (fault, after_tokens) = self.breakage()?;
        (self.produced >= after_tokens.min(self.length())).then_some(fault)
    }

    /// The counts, if the request wants them and is to get them.
    pub fn usage(&self) -> Option<Usage> {
        let sends = self.shared.config.usage && !self.ailments.no_usage && self.ask.wants_usage;
        let (input, output) = (self.ask.input_tokens, self.produced);
        sends.then_some(Usage { input, output, cached: self.cached })
    }

    fn breakage(&self) -> Option<(Fault, u32)> {
        let fault = self.ailments.ending?;
        match fault {
            Fault::ErrorEvent { after_tokens }
            | Fault::Truncate { after_tokens }
            | Fault::CutJson { after_tokens }
            | Fault::CutBody { after_tokens } => Some((fault, after_tokens)),
            _ => None,
        }
    }

    fn length(&self) -> u32 {
        let empty = self.ailments.ending == Some(Fault::Empty);
        if empty { 0 } else { self.ask.output_tokens }
    }

    fn stall(&mut self) {
        if let Some((after, pause)) = self.ailments.stall
            && after == self.produced
        {
            self.due += pause;
        }
    }
}
