//! How much worse a candidate may be.

use std::str::FromStr;

use thiserror::Error;

use super::figures::{self, FIGURES, Figure, Rule};

/// Largest relative limit: a hundredfold.
const MOST: f64 = 100.0;

/// One limit as the command line gives it: `ttft_p95=20%`, or `ttft_p95=none` for no limit.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    figure: &'static Figure,
    limit: Option<f64>,
}

/// Why a text is no limit.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LimitError {
    /// There is no `=` in it.
    #[error("expected FIGURE=PERCENT%")]
    Form,
    /// What stands before it is no figure.
    #[error("no figure of this name, expected one of: {}", names())]
    Figure,
    /// What stands behind it is no percentage.
    #[error("expected a percentage such as 15%, or none")]
    Percentage,
    /// The percentage is out of range.
    #[error("expected 0% to {:.0}%", 100.0 * most)]
    Range {
        /// The largest share that makes sense of this figure.
        most: f64,
    },
}

fn names() -> String {
    FIGURES.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Setting {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let (name, value) = text.split_once('=').ok_or(LimitError::Form)?;
        let figure = figures::by_name(name).ok_or(LimitError::Figure)?;
        let limit = if value == "none" { None } else { Some(share(value, figure.rule)?) };
        Ok(Self { figure, limit })
    }
}

fn share(text: &str, rule: Rule) -> Result<f64, LimitError> {
    let percent = text.strip_suffix('%').and_then(|n| n.trim_end().parse::<f64>().ok());
    let share = percent.ok_or(LimitError::Percentage)? / 100.0;
    let most = if rule == Rule::Higher { MOST } else { 1.0 };
    if !(0.0..=most).contains(&share) {
        return Err(LimitError::Range { most });
    }
    Ok(share)
}

/// The limits of a comparison: the figures' own, and the user's in place of them.
#[derive(Debug, Clone, Default)]
pub struct Limits(Vec<Setting>);

/// A limit that holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// 0.15 is 15 %.
    pub share: f64,
    /// The user asked for it, so a figure that cannot be had is an error.
    pub asked_for: bool,
}

impl Limits {
    /// The user's limits over the figures' own; of one figure the last counts.
    #[must_use]
    pub fn new(settings: Vec<Setting>) -> Self {
        Self(settings)
    }

    /// The limit of a figure.
    #[must_use]
    pub fn of(&self, figure: &Figure) -> Option<Limit> {
        match self.0.iter().rev().find(|s| s.figure.name == figure.name) {
            Some(set) => set.limit.map(|share| Limit { share, asked_for: true }),
            None => figure.limit.map(|share| Limit { share, asked_for: false }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(settings: &[&str]) -> Limits {
        Limits::new(settings.iter().map(|s| s.parse().unwrap()).collect())
    }

    fn of(limits: &Limits, name: &str) -> Option<f64> {
        limits.of(figures::by_name(name).unwrap()).map(|l| l.share)
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let limited = FIGURES.iter().filter_map(|f| Some((f.name, f.limit?)));
        let expect = [
            ("ttft_p95", 0.15),
            ("output_tokens_per_second", 0.10),
            ("stream_errors", 0.005),
            ("errors", 0.005),
        ];
        assert_eq!(limited.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn the_last_setting_of_a_figure_counts() {
        let limits = limits(&["itl_p50=5%", "ttft_p95=none", "itl_p50=7.5 %"]);
        assert_eq!(of(&limits, "itl_p50"), Some(0.075));
        assert_eq!(of(&limits, "ttft_p95"), None);
        assert_eq!(of(&limits, "errors"), Some(0.005));
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        let check = |text: &str, part: &str| {
            let why = text.parse::<Setting>().unwrap_err().to_string();
            assert!(why.contains(part), "{text}: {why}");
        };
        check("ttft_p95", "expected FIGURE=PERCENT%");
        check("ttft_p90=5%", "expected one of: ttft_p50, ");
        check("ttft_p95=15", "such as 15%");
        check("ttft_p95=-1%", "expected 0% to 10000%");
        check("ttft_p95=nan%", "expected 0% to 10000%");
        check("errors=101%", "expected 0% to 100%");
        check("output_tokens_per_second=101%", "expected 0% to 100%");
    }
}
