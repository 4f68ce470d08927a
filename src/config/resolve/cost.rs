//! What a target's probes cost, and may cost.

use serde_yaml::Spanned;

use crate::config::error::Report;
use crate::config::quantity::HumanCount;
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

/// A target's own.
pub(super) fn budget(target: &raw::Target, report: &mut Report<'_>) -> Option<Budget> {
    let Some(raw) = &target.budget else { return Some(Budget::default()) };
    checked(raw, target.price.is_some(), "expected `price` at the same target", report)
}

/// That of all targets together: some of them at least have a price, if dollars are limited.
pub(super) fn budget_in_all(raw: &raw::Raw, report: &mut Report<'_>) -> Option<Budget> {
    let Some(budget) = &raw.budget else { return Some(Budget::default()) };
    let priced = raw.targets.iter().flat_map(|list| &list.value.0).any(|t| t.price.is_some());
    checked(budget, priced, "expected `price` at the targets that cost something", report)
}

/// A budget of zero would stop every probe, which is what removing the target is for.
fn checked(
    raw: &raw::Budget,
    priced: bool,
    expected: &str,
    report: &mut Report<'_>,
) -> Option<Budget> {
    let mut tokens = |key: &str, raw: &raw::Maybe<HumanCount>| {
        let Some(raw) = raw else { return Some(None) };
        if raw.value.0 == 0 {
            let why = format!("{key} out of range, expected more than zero");
            return report.add(raw.referenced, why);
        }
        Some(Some(raw.value.0))
    };
    let output_tokens_per_hour = tokens("output_tokens_per_hour", &raw.output_tokens_per_hour);
    let output_tokens_per_day = tokens("output_tokens_per_day", &raw.output_tokens_per_day);
    let mut dollars = |key: &str, raw: &raw::Maybe<f64>| {
        let Some(raw) = raw else { return Some(None) };
        if !(raw.value > 0.0 && raw.value <= MAX_DOLLARS) {
            let why = format!("{key} out of range, expected more than zero");
            return report.add(raw.referenced, why);
        }
        if !priced {
            return report.add(raw.referenced, format!("{key} without a price, {expected}"));
        }
        Some(Some(raw.value))
    };
    let dollars_per_hour = dollars("dollars_per_hour", &raw.dollars_per_hour);
    let dollars_per_day = dollars("dollars_per_day", &raw.dollars_per_day);
    Some(Budget {
        output_tokens_per_hour: output_tokens_per_hour?,
        output_tokens_per_day: output_tokens_per_day?,
        dollars_per_hour: dollars_per_hour?,
        dollars_per_day: dollars_per_day?,
    })
}
