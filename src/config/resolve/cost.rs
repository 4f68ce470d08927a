//! What a target's probes cost, and may cost.

use serde_yaml::Spanned;

use crate::config::error::Report;
use crate::config::raw::{self, MAX_DOLLARS};
use crate::target::{Budget, Price};

pub(super) fn price(raw: &raw::Price, report: &mut Report<'_>) -> Option<Price> {
    let input = dollars(&raw.input_per_million, report);
    let output = dollars(&raw.output_per_million, report);
    Some(Price { input_per_million: input?, output_per_million: output? })
}

fn dollars(raw: &Spanned<f64>, report: &mut Report<'_>) -> Option<f64> {
    if !(0.0..=MAX_DOLLARS).contains(&raw.value) {
        return report.add(raw.referenced, "price out of range, expected dollars, not negative");
    }
    Some(raw.value)
}

/// A budget of zero would stop every probe, which is what removing the target is for.
pub(super) fn budget(target: &raw::Target, report: &mut Report<'_>) -> Option<Budget> {
    let Some(raw) = &target.budget else { return Some(Budget::default()) };
    if let Some(tokens) = raw.output_tokens_per_day.as_ref().filter(|t| t.value.0 == 0) {
        let why = "output_tokens_per_day out of range, expected more than zero";
        return report.add(tokens.referenced, why);
    }
    if let Some(dollars) = &raw.dollars_per_day {
        if !(dollars.value > 0.0 && dollars.value <= MAX_DOLLARS) {
            let why = "dollars_per_day out of range, expected more than zero";
            return report.add(dollars.referenced, why);
        }
        if target.price.is_none() {
            let why = "dollars_per_day without a price, expected `price` at the same target";
            return report.add(dollars.referenced, why);
        }
    }
    Some(Budget {
        output_tokens_per_day: raw.output_tokens_per_day.as_ref().map(|t| t.value.0),
        dollars_per_day: raw.dollars_per_day.as_ref().map(|d| d.value),
    })
}
