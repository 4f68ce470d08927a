//! What probing takes in a day, on average, said before any probe was made.

use std::sync::Arc;

use crate::regression::comparison::Comparison;
use crate::sweep::ScheduledSweep;
use crate::target::Target;
use crate::workload::{Prefix, Prompt, Workload};

const SECONDS_PER_DAY: f64 = 86_400.0;
/// Of a workload's prompts, so many are looked at.
const LOOKED_AT: usize = 200;
/// Bytes of a token where no tokenizer counts: of English text, about four letters; of others,
/// about one sign of three bytes or more.
const BYTES_PER_TOKEN: u64 = 4;

/// The means of a day of one target.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Daily {
    /// By its own schedule.
    pub probes: f64,
    /// More, for the rounds of comparisons.
    pub rounds: f64,
    /// More, for sweeps, at most.
    pub swept: f64,
    /// Tokens of all their prompts.
    pub input_tokens: f64,
    /// Tokens of all their answers, at most.
    pub most_output_tokens: f64,
    /// Dollars, at most; `None` without a price.
    pub most_dollars: Option<f64>,
}

impl Daily {
    pub fn of<'a>(
        target: &Target,
        comparisons: impl IntoIterator<Item = &'a Comparison>,
        sweeps: impl IntoIterator<Item = &'a ScheduledSweep>,
    ) -> Self {
        let probes = SECONDS_PER_DAY / target.schedule.interval.as_secs_f64();
        let mut daily = Self { probes, ..Self::default() };
        daily.add(target, daily.probes, &target.workloads);
        for comparison in comparisons {
            let sides = [&comparison.baseline, &comparison.candidate];
            if sides.iter().any(|side| side.name == target.name) {
                let rounds = rounds_per_day(comparison);
                daily.rounds += rounds;
                daily.add(target, rounds, &comparison.workloads);
            }
        }
        for sweep in sweeps.into_iter().filter(|sweep| sweep.target.name == target.name) {
            daily.add_sweep(sweep);
        }
        daily.most_dollars = target.price.map(|price| {
            let input = daily.input_tokens * price.input_per_million;
            (input + daily.most_output_tokens * price.output_per_million) / 1e6
        });
        daily
    }

    #[allow(clippy::cast_precision_loss)] // requests are far fewer than 2^53
    fn add_sweep(&mut self, sweep: &ScheduledSweep) {
        let (a_day, requests) = (sweeps_per_day(sweep), sweep.requests() as f64);
        let total: f64 = sweep.workloads().iter().map(|w| w.weight).sum();
        let input = |w: &Arc<Workload>| mean_input(&sweep.target, w) * w.weight / total;
        let input: f64 = sweep.workloads().iter().map(input).sum();
        self.swept += a_day * requests;
        self.input_tokens += a_day * requests * input;
        self.most_output_tokens += a_day * most_output_tokens(sweep);
    }

    /// Adds so many probes of these workloads, drawn by weight.
    fn add(&mut self, target: &Target, probes: f64, workloads: &[Arc<Workload>]) {
        let total: f64 = workloads.iter().map(|w| w.weight).sum();
        for workload in workloads {
            // Every turn of a conversation is a probe, whose answers so far come on top.
            let turns = workload.conversation.map_or(1, |conversation| conversation.turns);
            let probes = probes * f64::from(turns) * workload.weight / total;
            self.input_tokens += probes * mean_input(target, workload);
            self.most_output_tokens += probes * f64::from(workload.max_output_tokens);
        }
    }
}

/// Sweeps of a day.
pub(super) fn sweeps_per_day(sweep: &ScheduledSweep) -> f64 {
    SECONDS_PER_DAY / sweep.timetable.every.as_secs_f64()
}

/// Output tokens of one sweep, at most: of its requests, or what it may cost.
#[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
pub(super) fn most_output_tokens(sweep: &ScheduledSweep) -> f64 {
    let each = sweep.workloads().iter().map(|w| w.max_output_tokens).max().unwrap_or_default();
    let asked = sweep.requests() as f64 * f64::from(each);
    asked.min(sweep.most_output_tokens as f64)
}

/// Rounds that a comparison makes, each with one probe of either side.
pub(super) fn rounds_per_day(comparison: &Comparison) -> f64 {
    SECONDS_PER_DAY / comparison.timing.interval().as_secs_f64()
}

/// The mean of the tokens of a workload's prompts.
#[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
fn mean_input(target: &Target, workload: &Workload) -> f64 {
    let step = workload.prompts.len().div_ceil(LOOKED_AT).max(1);
    let looked_at = workload.prompts.iter().step_by(step);
    let (mut prompts, mut tokens) = (0_u32, 0_u64);
    for prompt in looked_at {
        prompts += 1;
        tokens += input(target, workload, prompt);
    }
    if prompts == 0 { 0.0 } else { tokens as f64 / f64::from(prompts) }
}

fn input(target: &Target, workload: &Workload, prompt: &Prompt) -> u64 {
    if let Some(made) = prompt.made.as_ref().filter(|_| prompt.messages.is_empty()) {
        return made.tokens.into();
    }
    let text = match workload.prefix {
        Prefix::Unique | Prefix::Tiles(_) => prompt.with_nonce("01234567").text(),
        Prefix::Shared => prompt.text(),
    };
    if let Prefix::Tiles(tiles) = workload.prefix {
        let own = tokens(target, &text);
        return own + tiles.tokens.map_or(own, u64::from);
    }
    tokens(target, &text)
}

/// Tokens of a text, or about so many.
fn tokens(target: &Target, text: &str) -> u64 {
    let counted = target.tokenizer.as_ref().and_then(|tokenizer| tokenizer.count(text));
    counted.unwrap_or_else(|| (text.len() as u64).div_ceil(BYTES_PER_TOKEN))
}
