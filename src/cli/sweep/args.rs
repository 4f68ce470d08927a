//! The flags of `llm-prober sweep`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use thiserror::Error;

use crate::cli::setup::LogArgs;
use crate::config::percent::{HumanPercent, NotAPercentage, parse_percent};
use crate::sweep::Condition;
use crate::text::units::{DurationError, parse_duration};

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 measured, 1 a --fail-if holds, 2 cannot tell (a level is \
    invalid, a figure was not observed, no answer, interrupted), 64 refused.")]
pub(in crate::cli) struct SweepArgs {
    /// URL of the target (`http://…/v1`), instead of a configuration file.
    #[arg(value_name = "URL", conflicts_with_all = ["config", "target"])]
    pub url: Option<String>,
    /// Model at the URL; by default the first that the server lists.
    #[arg(long, requires = "url")]
    pub model: Option<String>,
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE", requires = "target")]
    #[arg(required_unless_present = "url")]
    pub config: Option<PathBuf>,
    /// Name of the target in the file.
    #[arg(long, requires = "config")]
    pub target: Option<String>,
    /// Only this workload; by default they are drawn by weight.
    #[arg(long)]
    pub workload: Option<String>,
    /// Levels: users who ask again when answered, as 1,8,50 or 1..10. With --rate, one number: the
    /// requests under way at most, 1000 by default.
    #[arg(long, value_name = "LIST", required_unless_present_any = ["rate", "adaptive"])]
    pub concurrency: Option<Levels>,
    /// Levels: arrivals per second that do not wait for answers, as 1,2.5,10.
    #[arg(long, value_name = "LIST", conflicts_with = "adaptive")]
    pub rate: Option<Rates>,
    /// Requests of each level; by default 100, or two for each user if that is more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub requests: Option<u32>,
    /// How long each level lasts, instead of a number of requests. Those under way at its end are
    /// waited for.
    #[arg(long, conflicts_with_all = ["requests", "adaptive"], value_parser = duration)]
    pub duration: Option<Duration>,
    /// Time until all users are active, or the full rate is reached; what is sent meanwhile does not
    /// count.
    #[arg(long, default_value = "0s", value_parser = ramp)]
    pub ramp: Duration,
    /// Requests at the beginning of each level that do not count; by default none, with --adaptive
    /// one for each user.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub warmup: Option<u32>,
    /// What a good request is, as ttft:500ms,itl:50ms; by default the SLOs of the target.
    #[arg(long, value_name = "OBJECTIVES", value_parser = crate::sweep::parse_goodput)]
    pub goodput: Option<crate::answer::slo::Slo>,
    /// Attainment that a level must have to be good: the largest such one is the knee.
    #[arg(long, value_name = "PERCENT", default_value = "90%", value_parser = attainment)]
    pub attainment: HumanPercent,
    /// How often all levels are made, for confidence intervals.
    #[arg(long, default_value_t = 1, conflicts_with = "adaptive")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Find the knee with few requests: double the users until a level is not good, then halve
    /// between. --concurrency gives the levels to search, by default 1 to 320 in steps of a quarter,
    /// and --requests the most for each.
    #[arg(long)]
    pub adaptive: bool,
    /// Fail (exit code 1) where this holds: a figure, perhaps of one level, and a bound, as
    /// `ttft_p95 > 500ms` or `error_ratio@8 >= 1%`. Repeatable.
    #[arg(long, value_name = "CONDITION")]
    pub fail_if: Vec<Condition>,
    /// Write to standard output in this form instead of a table.
    #[arg(long, value_name = "FORM")]
    pub export: Option<Export>,
    /// Threads that read from the target.
    #[arg(long = "io.threads", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub io_threads: u16,
    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Export {
    /// One JSON object.
    Json,
    /// A row per level.
    Csv,
    /// Tables of Markdown.
    Md,
}

/// Levels at most.
const MOST_LEVELS: usize = 100;
/// Users at most.
const MOST_USERS: u32 = 10_000;
/// Arrivals per second.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=10_000.0;

/// Numbers of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Levels(pub Vec<u32>);

/// Arrivals per second.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Rates(pub Vec<f64>);

/// A value that a flag does not take.
#[derive(Debug, Error)]
pub(in crate::cli) enum ArgumentError {
    #[error("`{0}`: expected whole numbers, such as 1,8,50 or 1..10")]
    Levels(String),
    #[error("`{0}`: expected numbers, such as 1,2.5,10")]
    Rates(String),
    #[error("{0} twice, expected each level once")]
    Twice(String),
    #[error("{0} levels, expected at most {MOST_LEVELS}")]
    Many(usize),
    #[error("out of range, expected {0}")]
    Range(&'static str),
    #[error(transparent)]
    Percent(#[from] NotAPercentage),
    #[error(transparent)]
    Duration(#[from] DurationError),
}

impl FromStr for Levels {
    type Err = ArgumentError;

    fn from_str(text: &str) -> Result<Self, ArgumentError> {
        let wrong = || ArgumentError::Levels(text.to_owned());
        let number = |text: &str| {
            let number = text.trim().parse::<u32>().map_err(|_| wrong())?;
            let why = ArgumentError::Range("1 to 10000 users");
            if (1..=MOST_USERS).contains(&number) { Ok(number) } else { Err(why) }
        };
        let mut levels = Vec::new();
        for part in text.split(',') {
            match part.split_once("..") {
                None => levels.push(number(part)?),
                Some((from, to)) => {
                    let (from, to) = (number(from)?, number(to)?);
                    if from > to {
                        return Err(wrong());
                    }
                    let most = u32::try_from(MOST_LEVELS).unwrap_or(u32::MAX);
                    levels.extend(from..=to.min(from.saturating_add(most)));
                }
            }
        }
        once(&levels, |level| *level)?;
        Ok(Self(levels))
    }
}

impl FromStr for Rates {
    type Err = ArgumentError;

    fn from_str(text: &str) -> Result<Self, ArgumentError> {
        let rate = |part: &str| {
            let rate = part.trim().parse::<f64>();
            let rate = rate.map_err(|_| ArgumentError::Rates(text.to_owned()))?;
            let why = ArgumentError::Range("0.001 to 10000 arrivals per second");
            if RATES.contains(&rate) { Ok(rate) } else { Err(why) }
        };
        let rates: Vec<f64> = text.split(',').map(rate).collect::<Result<_, _>>()?;
        once(&rates, |rate| rate.to_bits())?;
        Ok(Self(rates))
    }
}

fn once<T: std::fmt::Display, K: PartialEq>(
    levels: &[T],
    key: impl Fn(&T) -> K,
) -> Result<(), ArgumentError> {
    if levels.len() > MOST_LEVELS {
        return Err(ArgumentError::Many(levels.len()));
    }
    for (index, level) in levels.iter().enumerate() {
        if levels[..index].iter().any(|earlier| key(earlier) == key(level)) {
            return Err(ArgumentError::Twice(level.to_string()));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Result<Duration, ArgumentError> {
    let duration = parse_duration(text)?;
    let range = Duration::from_millis(100)..=Duration::from_secs(86_400);
    if range.contains(&duration) { Ok(duration) } else { Err(ArgumentError::Range("100ms to 1d")) }
}

fn ramp(text: &str) -> Result<Duration, ArgumentError> {
    let ramp = parse_duration(text)?;
    let most = Duration::from_secs(3600);
    if ramp <= most { Ok(ramp) } else { Err(ArgumentError::Range("at most 1h")) }
}

fn attainment(text: &str) -> Result<HumanPercent, ArgumentError> {
    let percent = parse_percent(text)?;
    let why = ArgumentError::Range("1% to 99.9%");
    if (0.01..=0.999).contains(&percent.0) { Ok(percent) } else { Err(why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_as_people_write_them() {
        let levels = |text: &str| text.parse::<Levels>().map(|l| l.0).map_err(|e| e.to_string());
        assert_eq!(levels("1,8,50"), Ok(vec![1, 8, 50]));
        assert_eq!(levels("1..4, 10"), Ok(vec![1, 2, 3, 4, 10]));
        let refused = |text: &str, expect: &str| {
            let why = levels(text).unwrap_err();
            assert!(why.contains(expect), "{text}: {why}");
        };
        refused("", "expected whole numbers, such as 1,8,50");
        refused("1,x", "`1,x`: expected whole numbers");
        refused("4..1", "expected whole numbers");
        refused("0", "expected 1 to 10000 users");
        refused("1..101", "101 levels, expected at most 100");
        refused("1..10000", "101 levels, expected at most 100");
        refused("8,1,8", "8 twice, expected each level once");
    }

    #[test]
    fn rates_as_people_write_them() {
        let rates = |text: &str| text.parse::<Rates>().map(|r| r.0).map_err(|e| e.to_string());
        assert_eq!(rates("1,2.5"), Ok(vec![1.0, 2.5]));
        assert!(rates("inf").unwrap_err().contains("0.001 to 10000 arrivals"));
        assert!(rates("nan").unwrap_err().contains("0.001 to 10000 arrivals"));
        assert!(rates("fast").unwrap_err().contains("expected numbers, such as"));
        assert!(rates("1,1.0").unwrap_err().contains("1 twice"));
    }
}
