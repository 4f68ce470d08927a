//! `prompts: {synthetic: …}`: how long made prompts are.

use serde_yaml::Location;

use super::prefix::whole;
use crate::config::error::Report;
use crate::config::raw::{self, DEFAULT_LENGTHS, LENGTHS, PROMPT_TOKENS};
use crate::workload::Prompt;
use crate::workload::synthetic::{Lengths, MOST_TOKENS, Made};

/// A prompt for each length.
pub(super) fn prompts(
    raw: &raw::Synthetic,
    at: Location,
    seed: u64,
    report: &mut Report<'_>,
) -> Option<Vec<Prompt>> {
    let count = match &raw.count {
        Some(count) => whole("count", count, &LENGTHS, report),
        None => Some(DEFAULT_LENGTHS),
    };
    let lengths = lengths(&raw.input_tokens.value, at, report);
    let prompt = |tokens| Prompt::made(Made { tokens, ..Made::default() });
    Some(lengths?.spread(count?, seed).into_iter().map(prompt).collect())
}

/// By percentiles, or by mean and deviation.
fn lengths(raw: &raw::InputTokens, at: Location, report: &mut Report<'_>) -> Option<Lengths> {
    let raw::InputTokens { p50, p90, p99, mean, stddev } = raw;
    let percentiles = [("p50", p50), ("p90", p90), ("p99", p99)];
    if let Some(mean) = mean {
        let extra = percentiles.iter().find_map(|(_, one)| one.as_ref());
        if let Some(extra) = extra {
            let why = "percentiles beside a mean, expected p50, p90 and p99, or mean and stddev";
            return report.add(extra.referenced, why);
        }
        let stddev = match stddev {
            Some(stddev) => whole("stddev", stddev, &(0..=MOST_TOKENS), report),
            None => Some(0),
        };
        let mean = whole("mean", mean, &PROMPT_TOKENS, report);
        return Some(Lengths::Normal { mean: mean?.into(), stddev: stddev?.into() });
    }
    let mut found = Vec::new();
    for (key, one) in percentiles {
        let Some(one) = one else {
            let why = format!("no {key}, expected p50, p90 and p99, or mean and stddev");
            return report.add(at, why);
        };
        found.push((whole(key, one, &PROMPT_TOKENS, report)?, one.referenced));
    }
    if let Some(stddev) = stddev {
        let why = "stddev without a mean, expected p50, p90 and p99, or mean and stddev";
        return report.add(stddev.referenced, why);
    }
    if let Some(pair) = found.windows(2).find(|pair| pair[1].0 < pair[0].0) {
        let why = "a percentile below the one before, expected p50, p90 and p99 in rising order";
        return report.add(pair[1].1, why);
    }
    let [p50, p90, p99] = [0, 1, 2].map(|i| f64::from(found[i].0));
    Some(Lengths::Percentiles { p50, p90, p99 })
}
