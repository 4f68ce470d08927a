//! What was asked: workloads with their shares, and fingerprints in place of prompts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use crate::workload::{Part, Prefix, Prompt, Tiles, Validator, Workload};

/// Shares that differ by less are equal: they come from sums of weights.
const EQUAL_SHARES: f64 = 1e-9;

/// One workload as a profile remembers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// Its part of the mix, 0 to 1.
    pub share: f64,
    /// How many prompts it draws from.
    pub prompts: u64,
    /// Fingerprint of the prompts, in their order.
    pub prompts_sha256: String,
    /// `unique`, `shared`, or how many tiles.
    pub prefix: String,
    /// Upper bound of generated tokens.
    pub max_output_tokens: u32,
    /// Fingerprint of the checks on the answer.
    pub checks_sha256: String,
}

/// The mix of `workloads`, by name.
#[must_use]
pub fn of(workloads: &[Arc<Workload>]) -> Vec<Asked> {
    let total: f64 = workloads.iter().map(|w| w.weight).sum();
    let mut mix: Vec<_> = workloads.iter().map(|w| asked(w, w.weight / total)).collect();
    mix.sort_by(|a, b| a.name.cmp(&b.name));
    mix
}

fn asked(workload: &Workload, share: f64) -> Asked {
    let mut prompts = Digest::new();
    for prompt in workload.prompts.iter() {
        add_prompt(&mut prompts, prompt);
    }
    let mut checks = Digest::new();
    for check in &workload.validators {
        add_check(&mut checks, check);
    }
    if workload.judged != Part::Answer {
        checks.add(workload.judged.as_str());
    }
    if !workload.extra_body.is_empty() {
        prompts.add(serde_json::Value::Object(workload.extra_body.clone()).to_string());
    }
    Asked {
        name: workload.name.clone(),
        share,
        prompts: workload.prompts.len() as u64,
        prompts_sha256: prompts.finish(),
        prefix: match workload.prefix {
            Prefix::Tiles(Tiles { number, tokens: None }) => format!("{number} tiles"),
            Prefix::Tiles(Tiles { number, tokens: Some(tokens) }) => {
                format!("{number} tiles of {tokens} tokens")
            }
            prefix => prefix.as_str().to_owned(),
        },
        max_output_tokens: workload.max_output_tokens,
        checks_sha256: checks.finish(),
    }
}

fn add_prompt(digest: &mut Digest, prompt: &Prompt) {
    if let Some(captured) = &prompt.captured {
        digest.add(serde_json::Value::Object(captured.body.clone()).to_string());
    }
    if let Some(made) = &prompt.made {
        digest.add(made.tokens.to_le_bytes());
        made.blocks.iter().for_each(|block| digest.add(block.to_le_bytes()));
        digest.add(made.output_tokens.unwrap_or_default().to_le_bytes());
    }
    prompt.further.iter().for_each(|words| digest.add(words));
    digest.add(prompt.messages.len().to_le_bytes());
    for message in &prompt.messages {
        digest.add(&message.role);
        digest.add(&message.content);
    }
}

fn add_check(digest: &mut Digest, check: &Validator) {
    digest.add(check.name());
    // The bytes of the first three are those of profiles that were written before the others were.
    match check {
        Validator::Contains(text) => digest.add(text),
        Validator::Regex(regex) => digest.add(regex.as_str()),
        Validator::MinOutputTokens(least) => digest.add(least.to_le_bytes()),
        Validator::JsonSchema(_)
        | Validator::ToolCall(_)
        | Validator::Finish(_)
        | Validator::MinDistinctRatio(_) => digest.add(check.identity()),
    }
}

/// What differs between two mixes, for people.
#[must_use]
pub fn differences(baseline: &[Asked], candidate: &[Asked]) -> Vec<String> {
    let mut found = Vec::new();
    for a in baseline {
        match candidate.iter().find(|b| b.name == a.name) {
            Some(b) => found.extend(workload_differences(a, b)),
            None => found.push(format!("workload {} is only in the baseline", a.name)),
        }
    }
    let known = |b: &&Asked| !baseline.iter().any(|a| a.name == b.name);
    let added = candidate.iter().filter(known);
    found.extend(added.map(|b| format!("workload {} is only in the candidate", b.name)));
    found
}

fn workload_differences(a: &Asked, b: &Asked) -> Vec<String> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let rows = [
        ((a.share - b.share).abs() > EQUAL_SHARES, "share", percent(a.share), percent(b.share)),
        (
            a.prompts_sha256 != b.prompts_sha256,
            "prompts",
            format!("{} with SHA-256 {:.8}…", a.prompts, a.prompts_sha256),
            format!("{} with SHA-256 {:.8}…", b.prompts, b.prompts_sha256),
        ),
        (a.prefix != b.prefix, "prefix", a.prefix.clone(), b.prefix.clone()),
        (
            a.max_output_tokens != b.max_output_tokens,
            "max_output_tokens",
            a.max_output_tokens.to_string(),
            b.max_output_tokens.to_string(),
        ),
        (
            a.checks_sha256 != b.checks_sha256,
            "expect",
            format!("SHA-256 {:.8}…", a.checks_sha256),
            format!("SHA-256 {:.8}…", b.checks_sha256),
        ),
    ];
    let differing = rows.into_iter().filter(|row| row.0);
    differing
        .map(|(_, key, a_is, b_is)| format!("workload {}: {key}: {a_is} / {b_is}", a.name))
        .collect()
}
