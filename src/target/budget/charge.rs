//! What a probe costs.

use std::sync::Arc;

use super::spending::Sum;
use crate::answer::measure::{Measurement, TokenCount};
use crate::answer::recording::Recording;
use crate::target::Price;
use crate::workload::mix::Draw;
use crate::workload::{Prompt, Workload};

/// Characters of a token, where nobody counted: about what languages with letters have.
const CHARACTERS_PER_TOKEN: u64 = 4;

/// A server that counts so many times the tokens that were asked for or shown, and so many more for
/// what is not seen (instructions of a gateway, hidden reasoning), is not believed any further.
pub(super) const FAR_BEYOND: u64 = 16;
pub(super) const UNSEEN: u64 = 1 << 16;

/// What a probe is charged to the budget with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens generated.
    pub output: u64,
}

impl Charge {
    /// What was counted, else an estimate: a server that sends no usage, or whose answer was never
    /// seen, is paid all the same. What a server refused, or was never asked, costs nothing.
    #[must_use]
    pub fn of(
        recording: &Recording,
        measurement: &Measurement,
        prompt_characters: u64,
        max_output_tokens: u32,
    ) -> Self {
        let refused = recording.head.as_ref().is_some_and(|h| !(200..300).contains(&h.status));
        if recording.send.is_none() || refused {
            return Self::default();
        }
        // A count beyond belief shall not use up a budget.
        let counted = |count: Option<TokenCount>, most: u64| {
            let most = most.saturating_mul(FAR_BEYOND).saturating_add(UNSEEN);
            count.map(|count| count.tokens.min(most))
        };
        let shown: usize = recording.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let most_output = u64::from(max_output_tokens).max(shown as u64);
        Self {
            input: counted(measurement.input_tokens, prompt_characters)
                .unwrap_or(prompt_characters.div_ceil(CHARACTERS_PER_TOKEN)),
            output: counted(measurement.output_tokens, most_output)
                .unwrap_or(max_output_tokens.into()),
        }
    }

    /// The most that a probe of this draw is charged with, as far as can be told before it is made.
    #[must_use]
    pub fn most(draw: &Draw) -> Self {
        Self {
            input: draw.prompt.characters().div_ceil(CHARACTERS_PER_TOKEN),
            output: draw.max_output_tokens().into(),
        }
    }

    /// The most that a probe of any of these workloads is charged with.
    #[must_use]
    pub fn most_of(workloads: &[Arc<Workload>]) -> Self {
        let input = |workload: &Workload| {
            let characters = workload.prompts.iter().map(Prompt::characters);
            characters.max().unwrap_or_default().div_ceil(CHARACTERS_PER_TOKEN)
        };
        Self {
            input: workloads.iter().map(|w| input(w)).max().unwrap_or_default(),
            output: workloads.iter().map(|w| w.max_output_tokens.into()).max().unwrap_or_default(),
        }
    }

    pub(super) fn times(self, n: u64) -> Self {
        Self { input: self.input.saturating_mul(n), output: self.output.saturating_mul(n) }
    }

    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    pub(super) fn sum(self, price: Option<&Price>) -> Sum {
        let dollars = price.map_or(0.0, |price| {
            let input = self.input as f64 * price.input_per_million;
            (input + self.output as f64 * price.output_per_million) / 1e6
        });
        Sum { output_tokens: self.output, dollars }
    }
}

/// Dollars of one request; a count that is not known costs nothing.
#[must_use]
#[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
pub fn cost(price: &Price, measurement: &Measurement) -> f64 {
    let tokens = |count: Option<TokenCount>| count.map_or(0.0, |c| c.tokens as f64);
    let input = tokens(measurement.input_tokens) * price.input_per_million;
    let output = tokens(measurement.output_tokens) * price.output_per_million;
    (input + output) / 1e6
}
