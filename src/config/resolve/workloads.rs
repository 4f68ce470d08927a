//! The section `workloads`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use serde_yaml::Spanned;

use super::catalog::Catalog;
use super::{MAX_WORKLOADS, optional, timing};
use crate::config::error::Report;
use crate::config::prompts;
use crate::config::raw;
use crate::config::requests::{self, Sample};
use crate::workload::{Prefix, Prompt, Validator, Workload, builtin};

const DEFAULT_MAX_OUTPUT_TOKENS: u32 = 64;
/// Captured requests bring their own limit; this one only keeps one without any in bounds.
const CAPTURED_MAX_OUTPUT_TOKENS: u32 = 1024;
const MAX_OUTPUT_TOKENS: u32 = 1_000_000;
const MAX_WEIGHT: f64 = 1e6;

/// The file's workloads, or the built-in mix if it has none.
pub(super) fn resolve(
    section: &raw::Named<raw::Workload>,
    seed: Option<u64>,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Catalog<Arc<Workload>> {
    if section.is_empty() {
        let mix = builtin::mix().into_iter().map(|w| (w.name.clone(), w));
        return Catalog::built_in("workload", mix);
    }
    Catalog::new("workload", section, MAX_WORKLOADS, report, |name, raw, report| {
        workload(name, raw, seed, base_dir, report).map(Arc::new)
    })
}

fn workload(
    name: &Spanned<String>,
    raw: &raw::Workload,
    seed: Option<u64>,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Option<Workload> {
    let weight = weight(raw.weight.as_ref(), report);
    let captured = matches!(raw.prompts.value, raw::Prompts::Requests(_));
    let ratio = sample(raw.sample.as_ref(), captured, report);
    // Without a seed of the file's own the same requests, too: a reload must not change them.
    let sample = ratio.map(|ratio| Sample { ratio, seed: seed.unwrap_or_default() });
    let prompts = sample.and_then(|sample| prompts(&raw.prompts, sample, base_dir, report));
    let default = if captured { CAPTURED_MAX_OUTPUT_TOKENS } else { DEFAULT_MAX_OUTPUT_TOKENS };
    let max_output_tokens = max_output_tokens(raw.max_output_tokens.as_ref(), default, report);
    let stall_timeout = optional(raw.stall_timeout.as_ref(), |limit| {
        timing::stall_timeout(Some(limit), Duration::ZERO, report)
    });
    let validators = match &raw.expect {
        Some(expect) => validators(expect, max_output_tokens, report),
        None => Some(Vec::new()),
    };
    Some(Workload {
        name: name.value.clone(),
        weight: weight?,
        prompts: prompts?.into(),
        prefix: match raw.prefix {
            None if captured => Prefix::Shared,
            None | Some(raw::Prefix::Unique) => Prefix::Unique,
            Some(raw::Prefix::Shared) => Prefix::Shared,
        },
        max_output_tokens: max_output_tokens?,
        validators: validators?,
        stall_timeout: stall_timeout.ok()?,
    })
}

fn weight(raw: Option<&Spanned<f64>>, report: &mut Report<'_>) -> Option<f64> {
    let Some(weight) = raw else { return Some(1.0) };
    if !(weight.value > 0.0 && weight.value <= MAX_WEIGHT) {
        let why = format!("weight out of range, expected a number above 0, at most {MAX_WEIGHT}");
        return report.add(weight.referenced, why);
    }
    Some(weight.value)
}

fn prompts(
    raw: &Spanned<raw::Prompts>,
    sample: Sample,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Option<Vec<Prompt>> {
    let loaded = match &raw.value {
        raw::Prompts::File(file) => prompts::load(&base_dir.join(file)),
        raw::Prompts::Requests(file) => requests::load(&base_dir.join(file), sample),
        raw::Prompts::Inline(texts) => inline(texts),
    };
    report.check(raw.referenced, loaded)
}

/// The share of captured requests to keep.
fn sample(raw: Option<&Spanned<f64>>, captured: bool, report: &mut Report<'_>) -> Option<f64> {
    let Some(raw) = raw else { return Some(1.0) };
    if !captured {
        let why = "sample without captured requests, expected `requests` under `prompts`";
        return report.add(raw.referenced, why);
    }
    if !(raw.value > 0.0 && raw.value <= 1.0) {
        let why = "sample out of range, expected a number above 0, at most 1";
        return report.add(raw.referenced, why);
    }
    Some(raw.value)
}

fn inline(texts: &[String]) -> Result<Vec<Prompt>, String> {
    if texts.is_empty() {
        return Err("no prompts, expected at least one".to_owned());
    }
    let most = prompts::MAX_PROMPTS;
    if texts.len() > most {
        return Err(format!("{} prompts, expected at most {most}", texts.len()));
    }
    let prompt = |(i, text): (usize, &String)| {
        let prompt = Prompt::user(text.as_str());
        prompts::check(&prompt).map_err(|why| format!("prompt {}: {why}", i + 1))?;
        Ok(prompt)
    };
    texts.iter().enumerate().map(prompt).collect()
}

fn max_output_tokens(
    raw: Option<&Spanned<u64>>,
    default: u32,
    report: &mut Report<'_>,
) -> Option<u32> {
    let Some(raw) = raw else { return Some(default) };
    match u32::try_from(raw.value) {
        Ok(count @ 1..=MAX_OUTPUT_TOKENS) => Some(count),
        _ => report.add(
            raw.referenced,
            format!("max_output_tokens out of range, expected 1 to {MAX_OUTPUT_TOKENS}"),
        ),
    }
}

fn validators(
    expect: &Spanned<raw::Expect>,
    max_output_tokens: Option<u32>,
    report: &mut Report<'_>,
) -> Option<Vec<Validator>> {
    let raw::Expect { contains, regex, min_output_tokens } = &expect.value;
    if contains.is_none() && regex.is_none() && min_output_tokens.is_none() {
        let why = format!("no check, expected at least one of: {}", Validator::NAMES.join(", "));
        return report.add(expect.referenced, why);
    }
    let contains = contains.as_ref().map(|text| contains_check(text, report));
    let regex = regex.as_ref().map(|pattern| regex_check(pattern, report));
    let least = min_output_tokens.as_ref().map(|n| least_check(n, max_output_tokens, report));
    [contains, regex, least].into_iter().flatten().collect()
}

fn contains_check(text: &Spanned<String>, report: &mut Report<'_>) -> Option<Validator> {
    if text.value.is_empty() {
        return report.add(text.referenced, "empty, so every answer passes; expected some text");
    }
    Some(Validator::Contains(text.value.clone()))
}

/// The library's message quotes the pattern; only its last line says what is wrong.
fn regex_check(pattern: &Spanned<String>, report: &mut Report<'_>) -> Option<Validator> {
    let compiled = Regex::new(&pattern.value).map_err(|e| match e {
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("not a regular expression: {last}")
        }
        _ => "the regular expression is too large".to_owned(),
    });
    report.check(pattern.referenced, compiled).map(Validator::Regex)
}

fn least_check(
    least: &Spanned<u64>,
    most: Option<u32>,
    report: &mut Report<'_>,
) -> Option<Validator> {
    if let Some(most) = most.filter(|most| least.value > u64::from(*most)) {
        let why = format!(
            "min_output_tokens is {}, more than max_output_tokens allows; expected at most {most}",
            least.value
        );
        return report.add(least.referenced, why);
    }
    Some(Validator::MinOutputTokens(least.value))
}
