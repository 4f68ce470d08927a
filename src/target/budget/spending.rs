//! What was spent in an hour and on a day.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::target::Budget;

/// The time that a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Period {
    /// An hour of UTC.
    Hour,
    /// A day of UTC.
    Day,
}

impl Period {
    /// Every one.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Which one it is in this hour since the Unix epoch.
    fn of(self, hour: u64) -> u64 {
        match self {
            Self::Hour => hour,
            Self::Day => hour / 24,
        }
    }

    /// The limits for it.
    fn limits(self, budget: &Budget) -> (Option<u64>, Option<f64>) {
        match self {
            Self::Hour => (budget.output_tokens_per_hour, budget.dollars_per_hour),
            Self::Day => (budget.output_tokens_per_day, budget.dollars_per_day),
        }
    }
}

/// Hours of UTC since the Unix epoch.
#[must_use]
pub fn hour_of(at: SystemTime) -> u64 {
    const HOUR: u64 = 3_600;
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / HOUR)
}

/// Tokens and dollars.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Sum {
    pub output_tokens: u64,
    pub dollars: f64,
}

impl Sum {
    pub fn plus(self, other: Self) -> Self {
        Self {
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            dollars: self.dollars + other.dollars,
        }
    }
}

/// What was spent in one UTC hour, and on the day that it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Spending {
    pub(super) day: u64,
    pub(super) output_tokens: u64,
    pub(super) dollars: f64,
    /// What was written before there were hours has none.
    #[serde(default)]
    hour: u64,
    #[serde(default)]
    this_hour: Sum,
    /// Of a lease, what is only feared to have been spent: it may have been in the hour after.
    #[serde(default)]
    pub(super) feared: Sum,
}

impl Spending {
    /// Goes on to an hour (since the Unix epoch). What was feared of the time before may have been
    /// spent in this one, and that once only.
    pub(super) fn on(&mut self, hour: u64) {
        let day = Period::Day.of(hour);
        let (new_hour, new_day) = (self.hour != hour, self.day != day);
        if hour < self.hour || day < self.day {
            // The clock was set back: what was spent stays spent.
            (self.hour, self.day) = (hour, day);
            return;
        }
        if new_hour {
            (self.hour, self.this_hour) = (hour, self.feared);
        }
        if new_day {
            let Sum { output_tokens, dollars } = self.feared;
            (self.day, self.output_tokens, self.dollars) = (day, output_tokens, dollars);
        }
        if new_hour || new_day {
            self.feared = Sum::default();
        }
    }

    fn spent(&self, period: Period) -> Sum {
        match period {
            Period::Hour => self.this_hour,
            Period::Day => Sum { output_tokens: self.output_tokens, dollars: self.dollars },
        }
    }

    /// Whether this is less than the budget, so that another probe may be sent.
    pub(super) fn is_within(&self, budget: &Budget) -> bool {
        Period::ALL.iter().all(|period| {
            let ((tokens, dollars), spent) = (period.limits(budget), self.spent(*period));
            tokens.is_none_or(|most| spent.output_tokens < most)
                && dollars.is_none_or(|most| spent.dollars < most)
        })
    }

    /// The share of a period's budget that is left, of tokens or dollars whichever is less; `None`
    /// without a limit for it.
    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    pub(super) fn remaining(&self, budget: &Budget, period: Period) -> Option<f64> {
        let ((tokens, dollars), spent) = (period.limits(budget), self.spent(period));
        let tokens = tokens.map(|most| 1.0 - spent.output_tokens as f64 / most as f64);
        let dollars = dollars.map(|most| 1.0 - spent.dollars / most);
        let least = [tokens, dollars].into_iter().flatten().reduce(f64::min);
        least.map(|share| share.max(0.0))
    }

    /// Adds what probes cost.
    pub(super) fn add(&mut self, sum: Sum) {
        self.output_tokens = self.output_tokens.saturating_add(sum.output_tokens);
        self.dollars += sum.dollars;
        self.this_hour = self.this_hour.plus(sum);
    }
}
