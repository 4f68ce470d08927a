//! What a good request is, as the command line says it: `ttft:500ms,itl:50ms`.

use std::time::Duration;

use thiserror::Error;

use super::knee::DEFAULT_ATTAINMENT;
use crate::answer::slo::{Objective, ObjectiveKind, Slo};
use crate::text::units::{DurationError, parse_duration};

/// The name of the SLO that comes of it.
const NAME: &str = "goodput";

/// Why a text is no set of objectives.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GoodputError {
    /// It is not of this form.
    #[error("`{0}`: expected OBJECTIVE:BOUND, such as ttft:500ms")]
    Form(String),
    /// There is no such objective.
    #[error("no objective `{0}`, expected one of: {known}", known = names())]
    Objective(String),
    /// One objective has two bounds.
    #[error("`{0}` twice, expected one bound")]
    Twice(&'static str),
    /// The bound is no duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// The bound is no rate.
    #[error("`{0}`: expected tokens per second, such as 20")]
    Rate(String),
    /// The bound is zero.
    #[error("{0} of zero is never met, expected more")]
    Zero(&'static str),
}

/// Those that one bound says; a deadline is two, which an SLO of the configuration has.
fn kinds() -> impl Iterator<Item = ObjectiveKind> {
    ObjectiveKind::ALL.iter().copied().filter(|kind| *kind != ObjectiveKind::Deadline)
}

fn names() -> String {
    kinds().map(ObjectiveKind::as_str).collect::<Vec<_>>().join(", ")
}

/// An SLO of the objectives in a text. Neither its share nor its window is looked at in a sweep.
///
/// # Errors
/// What is wrong with the text, and what was expected.
pub fn slo(text: &str) -> Result<Slo, GoodputError> {
    let mut objectives: Vec<Objective> = Vec::new();
    for part in text.split(',') {
        let form = || GoodputError::Form(part.to_owned());
        let (name, bound) = part.trim().split_once(':').ok_or_else(form)?;
        let kind = kinds().find(|kind| kind.as_str() == name);
        let kind = kind.ok_or_else(|| GoodputError::Objective(name.to_owned()))?;
        if objectives.iter().any(|known| known.kind == kind) {
            return Err(GoodputError::Twice(kind.as_str()));
        }
        let threshold = match kind {
            ObjectiveKind::TokensPerSecond => {
                let rate = bound.parse::<f64>().ok().filter(|rate| rate.is_finite());
                rate.ok_or_else(|| GoodputError::Rate(bound.to_owned()))?
            }
            _ => parse_duration(bound)?.as_secs_f64(),
        };
        if threshold <= 0.0 {
            return Err(GoodputError::Zero(kind.as_str()));
        }
        objectives.push(Objective::new(kind, threshold));
    }
    Ok(Slo {
        name: NAME.to_owned(),
        objective: DEFAULT_ATTAINMENT,
        window: Duration::from_secs(86_400),
        objectives,
        workloads: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_on_the_command_line() {
        let bounds = |text: &str| -> Vec<_> {
            let slo = slo(text).unwrap();
            slo.objectives.iter().map(|o| (o.kind.as_str(), o.threshold)).collect()
        };
        assert_eq!(bounds("ttft:500ms,itl:50ms"), [("ttft", 0.5), ("itl", 0.05)]);
        assert_eq!(bounds("tokens_per_second:20"), [("tokens_per_second", 20.0)]);
        assert_eq!(bounds("request_latency:1m, longest_gap:1s").len(), 2);
    }

    #[test]
    fn what_is_none_is_refused() {
        let check = |text: &str, expect: &str| {
            let why = slo(text).unwrap_err().to_string();
            assert!(why.contains(expect), "{text}: {why}");
        };
        check("", "expected OBJECTIVE:BOUND, such as ttft:500ms");
        check("ttft", "`ttft`: expected OBJECTIVE:BOUND");
        check("deadline:5ms", "no objective `deadline`, expected one of: ttft, ");
        check("tpot:5ms", "no objective `tpot`, expected one of: ttft, itl, ");
        check("ttft:500", "`500`: expected a duration with a unit");
        check("ttft:0s", "ttft of zero is never met");
        check("ttft:1s,ttft:2s", "`ttft` twice");
        check("tokens_per_second:inf", "`inf`: expected tokens per second");
    }
}
