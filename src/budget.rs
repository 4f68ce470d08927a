//! What a target may still cost today. Pure: the caller says which day it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::measure::{Measurement, TokenCount};
use crate::recording::Recording;
use crate::target::{Budget, Price};

/// Characters of a token, where nobody counted: about what languages with letters have.
const CHARACTERS_PER_TOKEN: u64 = 4;

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
        let counted = |count: Option<TokenCount>| count.map(|count| count.tokens);
        Self {
            input: counted(measurement.input_tokens)
                .unwrap_or(prompt_characters.div_ceil(CHARACTERS_PER_TOKEN)),
            output: counted(measurement.output_tokens).unwrap_or(max_output_tokens.into()),
        }
    }

    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    fn dollars(self, price: &Price) -> f64 {
        let input = self.input as f64 * price.input_per_million;
        (input + self.output as f64 * price.output_per_million) / 1e6
    }
}

/// What was spent on one UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Spending {
    day: u64,
    output_tokens: u64,
    dollars: f64,
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

impl Spending {
    /// Whether another probe may be sent on `day` (days since the Unix epoch).
    pub fn allows(&mut self, budget: &Budget, day: u64) -> bool {
        if self.day != day {
            *self = Self { day, ..Self::default() };
        }
        budget.output_tokens_per_day.is_none_or(|most| self.output_tokens < most)
            && budget.dollars_per_day.is_none_or(|most| self.dollars < most)
    }

    /// Adds what a probe cost.
    pub fn add(&mut self, price: Option<&Price>, charge: Charge) {
        self.output_tokens = self.output_tokens.saturating_add(charge.output);
        self.dollars += price.map_or(0.0, |price| charge.dollars(price));
    }
}

/// One target's spending, shared by the probers that it has one after another, and by whoever
/// writes it down.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Spending>>);

impl Ledger {
    /// Goes on from what was written down.
    #[must_use]
    pub fn from_spent(spent: Spending) -> Self {
        Self(Arc::new(Mutex::new(spent)))
    }

    fn spending(&self) -> MutexGuard<'_, Spending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Spending::allows`].
    #[must_use]
    pub fn allows(&self, budget: &Budget, day: u64) -> bool {
        self.spending().allows(budget, day)
    }

    /// As [`Spending::add`].
    pub fn add(&self, price: Option<&Price>, charge: Charge) {
        self.spending().add(price, charge);
    }

    /// What is to be written down.
    #[must_use]
    pub fn spent(&self) -> Spending {
        *self.spending()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::TokenSource;
    use crate::recording::{Head, Offset};

    fn tokens(input: u64, output: u64) -> Charge {
        Charge { input, output }
    }

    #[test]
    fn what_nobody_counted_is_estimated() {
        let mut recording = Recording::begin(0);
        let count = |tokens| Some(TokenCount { tokens, source: TokenSource::Usage });
        let counted = Measurement {
            input_tokens: count(7),
            output_tokens: count(3),
            ..Measurement::default()
        };
        let charge = |recording: &Recording, m: &Measurement| Charge::of(recording, m, 41, 64);
        let unseen = Measurement::default();
        assert_eq!(charge(&recording, &unseen), tokens(0, 0), "never sent");
        recording.send = Some(Offset(5));
        assert_eq!(charge(&recording, &unseen), tokens(11, 64), "timed out");
        assert_eq!(charge(&recording, &counted), tokens(7, 3));
        let seen = Measurement { output_tokens: count(3), ..Measurement::default() };
        assert_eq!(charge(&recording, &seen), tokens(11, 3));
        recording.head = Some(Head { status: 200, headers: Vec::new() });
        assert_eq!(charge(&recording, &unseen), tokens(11, 64), "empty");
        recording.head = Some(Head { status: 429, headers: Vec::new() });
        assert_eq!(charge(&recording, &unseen), tokens(0, 0), "refused");
    }

    #[test]
    fn a_day_ends_and_the_next_begins_anew() {
        let budget = Budget { output_tokens_per_day: Some(100), dollars_per_day: None };
        let mut spending = Spending::default();
        assert!(spending.allows(&budget, 5));
        spending.add(None, tokens(10, 99));
        assert!(spending.allows(&budget, 5));
        spending.add(None, tokens(10, 1));
        assert!(!spending.allows(&budget, 5));
        assert!(spending.allows(&budget, 6));
    }

    #[test]
    fn dollars_count_both_directions() {
        let price = Price { input_per_million: 1_000.0, output_per_million: 2_000.0 };
        let budget = Budget { output_tokens_per_day: None, dollars_per_day: Some(0.5) };
        let mut spending = Spending::default();
        assert!(spending.allows(&budget, 1));
        spending.add(Some(&price), tokens(100, 199));
        assert!(spending.allows(&budget, 1));
        spending.add(Some(&price), tokens(2, 0));
        assert!(!spending.allows(&budget, 1));
    }
}
