//! Figures as people read them.

use crate::sweep::{Knee, Level, Load, Report};

/// What was not observed.
pub(super) const NOTHING: &str = "–";

pub(super) fn seconds(value: Option<f64>) -> String {
    match value {
        None => NOTHING.to_owned(),
        Some(s) if s < 1.0 => format!("{:.2} ms", s * 1e3),
        Some(s) => format!("{s:.2} s"),
    }
}

pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |v| format!("{v:.2}"))
}

pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |v| format!("{:.1} %", 100.0 * v))
}

/// The load of a level, in the words of its loop.
pub(super) fn load(level: &Level) -> String {
    let in_words = level.load().to_string();
    match level.rate {
        None => format!("{in_words}, closed loop"),
        Some(_) => format!("{in_words}, open loop, at most {} in flight", level.concurrency),
    }
}

/// Errors by reason, the most frequent first; empty where there are none.
pub(super) fn errors(level: &Level) -> String {
    let mut errors: Vec<_> = level.errors.iter().collect();
    errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let errors: Vec<_> = errors.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    errors.join(", ")
}

/// The knee in a sentence or two, and how far it can be relied on.
pub(super) fn knee(report: &Report, threshold: f64) -> String {
    let wanted = percent(Some(threshold));
    let Some(knee) = &report.knee else {
        return if report.levels.iter().any(|level| level.valid) {
            format!("no knee: no valid level has an attainment of {wanted}; try a smaller one")
        } else {
            "no knee: no level is valid".to_owned()
        };
    };
    let Knee { rate, concurrency, safe, at_least, monotone, attainment, .. } = *knee;
    let load = match rate {
        Some(rate) => Load::Open { rate, in_flight: concurrency },
        None => Load::Closed { users: concurrency },
    };
    let safe = match rate {
        Some(_) => format!("{safe:.2} requests/s"),
        None if safe < 1.0 => "below one user".to_owned(),
        None => format!("{safe:.1} users"),
    };
    let mut text = format!(
        "knee: {}{load} (attainment {}, wanted {wanted}); safe level: {safe}",
        if at_least { "at least " } else { "" },
        percent(Some(attainment)),
    );
    if at_least {
        text.push_str("\nno larger level was measured: the knee may lie beyond");
    }
    if !monotone {
        text.push_str(
            "\na smaller level missed it: something else than load disturbed a level; measure \
             again, or with more --runs",
        );
    }
    text
}
