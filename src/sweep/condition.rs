//! What makes a sweep fail: `ttft_p95 > 500ms`, `attainment@8 < 95%`, `knee < 16`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::figure::{Figure, Unit};
use super::knee::Knee;
use super::level::Level;
use crate::text::units::parse_duration;

/// The name of the one figure that is not of a level.
const KNEE: &str = "knee";

/// A figure, perhaps of one level only, and the bound that it must not cross.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    /// `None` is the knee.
    figure: Option<Figure>,
    /// Users, or arrivals per second; `None`: any level.
    level: Option<f64>,
    operator: Operator,
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// The longer ones first, because the shorter ones begin like them.
const OPERATORS: [(&str, Operator); 4] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Below),
    (">", Operator::Above),
];

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConditionError {
    /// It has no operator.
    #[error("expected FIGURE[@LEVEL] and a comparison, such as `ttft_p95 > 500ms`")]
    Form,
    /// There is no such figure.
    #[error("no figure `{0}`, {1}")]
    Figure(String, String),
    /// What follows the `@` is no level.
    #[error("`@{0}`: expected a level, such as attainment@8")]
    Level(String),
    /// The knee is of all levels together.
    #[error("the knee is not of one level, expected `knee < 8` without `@`")]
    KneeOfALevel,
    /// The bound is none for this figure.
    #[error("`{0}`: expected {1}")]
    Bound(String, &'static str),
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let split = |(word, operator): &(&str, Operator)| {
            text.split_once(word).map(|(left, right)| (left.trim(), right.trim(), *operator))
        };
        // The one that stands first in the text.
        let found = OPERATORS.iter().filter_map(split).min_by_key(|(left, _, _)| left.len());
        let (left, right, operator) = found.ok_or(ConditionError::Form)?;
        let (name, level) = match left.split_once('@') {
            Some((name, level)) => (name.trim_end(), Some(size(level.trim())?)),
            None => (left, None),
        };
        if name.is_empty() || right.is_empty() {
            return Err(ConditionError::Form);
        }
        let figure = figure(name)?;
        if figure.is_none() && level.is_some() {
            return Err(ConditionError::KneeOfALevel);
        }
        let bound = bound(right, figure.map_or(Unit::Number, Figure::unit))?;
        Ok(Self { text: text.trim().to_owned(), figure, level, operator, bound })
    }
}

fn size(text: &str) -> Result<f64, ConditionError> {
    let size = text.parse::<f64>().ok().filter(|size| size.is_finite() && *size > 0.0);
    size.ok_or_else(|| ConditionError::Level(text.to_owned()))
}

fn figure(name: &str) -> Result<Option<Figure>, ConditionError> {
    if name == KNEE {
        return Ok(None);
    }
    let names: Vec<(String, Figure)> = Figure::all().map(|f| (f.name(), f)).collect();
    if let Some((_, figure)) = names.iter().find(|(known, _)| known == name) {
        return Ok(Some(*figure));
    }
    let close = names.iter().map(|(known, _)| known.as_str()).chain([KNEE]);
    let close = close.map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    let help = match close {
        Some((distance, known)) if distance <= 3 => format!("did you mean `{known}`?"),
        _ => "expected such as ttft_p95, itl_avg, attainment, goodput, error_ratio or knee".into(),
    };
    Err(ConditionError::Figure(name.to_owned(), help))
}

fn bound(text: &str, unit: Unit) -> Result<f64, ConditionError> {
    let number = |text: &str| text.trim_end().parse::<f64>().ok().filter(|n| n.is_finite());
    let (bound, expected) = match unit {
        Unit::Seconds => (
            parse_duration(text).ok().map(|d| d.as_secs_f64()),
            "a duration with a unit, such as 500ms",
        ),
        Unit::Share => {
            let percent = text.strip_suffix('%').map(|n| number(n).map(|n| n / 100.0));
            let share = percent.unwrap_or_else(|| number(text));
            (share.filter(|s| (0.0..=1.0).contains(s)), "a share, such as 95% or 0.95")
        }
        Unit::Number => (number(text), "a number"),
    };
    bound.ok_or_else(|| ConditionError::Bound(text.to_owned(), expected))
}

/// What a condition found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It does not hold: all is well.
    Clear,
    /// It holds: the sweep fails. In words.
    Holds(String),
    /// It cannot be told: a figure was not observed. In words.
    Unknown(String),
}

impl Condition {
    /// The level it is about, if it is about one: users, or arrivals per second.
    #[must_use]
    pub fn level(&self) -> Option<f64> {
        self.level
    }

    /// Looks at what was measured.
    #[must_use]
    pub fn find(&self, levels: &[Level], knee: Option<&Knee>) -> Finding {
        let Some(figure) = self.figure else {
            // Without a good level the knee lies below the first one: at none.
            let size = knee.map_or(0.0, |k| k.rate.unwrap_or_else(|| k.concurrency.into()));
            let found =
                knee.map_or_else(|| "no level is good".to_owned(), |_| format!("it is {size}"));
            return if self.holds(size) {
                Finding::Holds(self.say(&found))
            } else {
                Finding::Clear
            };
        };
        let about = |level: &&Level| self.level.is_none_or(|size| level.load().has_size(size));
        let mut unknown = None;
        let mut seen = false;
        for level in levels.iter().filter(about) {
            seen = true;
            let load = level.load();
            match figure.of(level) {
                Some(value) if self.holds(value) => {
                    let value = shown(value, figure.unit());
                    return Finding::Holds(self.say(&format!("{value} at {load}")));
                }
                Some(_) => {}
                None => unknown = Some(format!("not observed at {load}")),
            }
        }
        if !seen {
            unknown = Some("no such level was measured".to_owned());
        }
        unknown.map_or(Finding::Clear, |why| Finding::Unknown(self.say(&why)))
    }

    fn holds(&self, value: f64) -> bool {
        match self.operator {
            Operator::Below => value < self.bound,
            Operator::AtMost => value <= self.bound,
            Operator::Above => value > self.bound,
            Operator::AtLeast => value >= self.bound,
        }
    }

    fn say(&self, found: &str) -> String {
        format!("{self}: {found}")
    }
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds if value < 1.0 => format!("{:.1} ms", value * 1e3),
        Unit::Seconds => format!("{value:.2} s"),
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Number => format!("{value:.2}"),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
