//! The section `workloads`.

use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use serde_yaml::Spanned;

use super::catalog::Catalog;
use super::context::{MAX_WORKLOADS, optional};
use super::{behaviour, expect, lengths, prefix, timing};
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::prompts::{self, PromptError};
use crate::config::raw::{
    self, DEFAULT_MAX_OUTPUT_TOKENS, DEFAULT_WEIGHT, MAX_WEIGHT, OUTPUT_TOKENS, SAMPLES_KEPT,
};
use crate::config::requests::{self, Sample};
use crate::config::rows::DataSet;
use crate::config::{sharegpt, traces};
use crate::workload::audio::Audio;
use crate::workload::synthetic::Lexicon;
use crate::workload::{LimitKey, Part, Prefix, Prompt, Rows, Workload, builtin};

/// Captured requests bring their own limit; this one only keeps one without any in bounds.
const CAPTURED_MAX_OUTPUT_TOKENS: u32 = 1024;

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
    let mooncake = matches!(raw.prompts.value, raw::Prompts::Mooncake(_));
    let traced = mooncake || matches!(raw.prompts.value, raw::Prompts::Burstgpt(_));
    let sampled = captured || traced || matches!(raw.prompts.value, raw::Prompts::Sharegpt(_));
    let ratio = sample(raw.sample.as_ref(), sampled, report);
    // Without a seed of the file's own the same requests, too: a reload must not change them.
    let seed = seed.unwrap_or_default();
    let sample = ratio.map(|ratio| Sample { ratio, seed });
    let found = sample.and_then(|sample| prompts(&raw.prompts, sample, base_dir, report));
    let documents = match &raw.documents {
        Some(texts) => report.check(texts.referenced, documents(&texts.value)),
        None => Some(Arc::default()),
    };
    let audio = optional(raw.audio.as_ref(), |file| {
        report.check(file.referenced, Audio::load(&base_dir.join(&file.value))).map(Arc::new)
    });
    let long = captured || traced;
    let default = if long { CAPTURED_MAX_OUTPUT_TOKENS } else { DEFAULT_MAX_OUTPUT_TOKENS };
    let max_output_tokens = max_output_tokens(raw.max_output_tokens.as_ref(), default, report);
    let prefix = prefix::resolve(raw, captured, report);
    let cancel = optional(raw.cancel.as_ref(), |cancel| {
        behaviour::cancel(cancel, max_output_tokens, report)
    });
    let conversation = optional(raw.conversation.as_ref(), |conversation| {
        behaviour::conversation(conversation, captured, report)
    });
    let stall_timeout = optional(raw.stall_timeout.as_ref(), |limit| {
        timing::stall_timeout(Some(limit), Duration::ZERO, report)
    });
    let (validators, judged) = match &raw.expect {
        Some(expect) => expect::resolve(expect, max_output_tokens, base_dir, report).unzip(),
        None => (Some(Vec::new()), Some(Part::Answer)),
    };
    let Found { prompts, rows, seed: own_seed } = found?;
    let prefix =
        prefix?.unwrap_or(if captured || mooncake { Prefix::Shared } else { Prefix::Unique });
    let makes_texts =
        matches!(prefix, Prefix::Tiles(_)) || prompts.iter().any(|prompt| prompt.made.is_some());
    let lexicon = makes_texts.then(|| Arc::new(Lexicon::estimated(own_seed.unwrap_or(seed))));
    Some(Workload {
        name: name.value.clone(),
        weight: weight?,
        prompts: prompts.into(),
        documents: documents?,
        audio: audio.ok()?,
        prefix,
        max_output_tokens: max_output_tokens?,
        limit_key: match raw.limit_key {
            None | Some(raw::LimitKey::Auto) => None,
            Some(raw::LimitKey::MaxTokens) => Some(LimitKey::MaxTokens),
            Some(raw::LimitKey::MaxCompletionTokens) => Some(LimitKey::MaxCompletionTokens),
        },
        extra_body: extra_body(raw.extra_body.as_ref(), report)?,
        judged: judged?,
        validators: validators?,
        stall_timeout: stall_timeout.ok()?,
        lexicon,
        cancel: cancel.ok()?,
        conversation: conversation.ok()?,
        rows,
    })
}

/// What `prompts` amounts to.
struct Found {
    prompts: Vec<Prompt>,
    /// Of a data set.
    rows: Option<Rows>,
    /// What texts follow from, where the prompts have a seed of their own.
    seed: Option<u64>,
}

impl From<Vec<Prompt>> for Found {
    fn from(prompts: Vec<Prompt>) -> Self {
        Self { prompts, rows: None, seed: None }
    }
}

impl From<DataSet> for Found {
    fn from(DataSet { prompts, rows }: DataSet) -> Self {
        Self { prompts, rows: Some(rows), seed: None }
    }
}

/// Keys for every request of the workload.
fn extra_body(
    raw: Option<&Spanned<Map<String, Value>>>,
    report: &mut Report<'_>,
) -> Option<Map<String, Value>> {
    const OWN: [&str; 6] = ["messages", "prompt", "model", "input", "inputs", "contents"];
    let Some(raw) = raw else { return Some(Map::new()) };
    if let Some(key) = OWN.iter().find(|key| raw.value.contains_key(**key)) {
        let why = format!("extra_body has `{key}`, which the probe itself sets; expected others");
        return report.add(raw.referenced, why);
    }
    Some(raw.value.clone())
}

fn weight(raw: Option<&Spanned<f64>>, report: &mut Report<'_>) -> Option<f64> {
    let Some(weight) = raw else { return Some(DEFAULT_WEIGHT) };
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
) -> Option<Found> {
    let at = raw.referenced;
    let path = |file: &Path| base_dir.join(file);
    match &raw.value {
        raw::Prompts::File(file) => report.check(at, prompts::load(&path(file))).map(Found::from),
        raw::Prompts::Requests(file) => {
            report.check(at, requests::load(&path(file), sample)).map(Found::from)
        }
        raw::Prompts::Inline(texts) => report.check(at, inline(texts)).map(Found::from),
        raw::Prompts::Sharegpt(file) => {
            report.check(at, sharegpt::load(&path(file), sample)).map(Found::from)
        }
        raw::Prompts::Mooncake(file) => {
            report.check(at, traces::mooncake(&path(file), sample)).map(Found::from)
        }
        raw::Prompts::Burstgpt(file) => {
            report.check(at, traces::burstgpt(&path(file), sample)).map(Found::from)
        }
        raw::Prompts::Synthetic(synthetic) => {
            let seed = synthetic.seed.unwrap_or(sample.seed);
            let prompts = lengths::prompts(synthetic, at, seed, report)?;
            Some(Found { seed: Some(seed), ..prompts.into() })
        }
    }
}

/// The share of captured requests to keep.
fn sample(raw: Option<&Spanned<f64>>, captured: bool, report: &mut Report<'_>) -> Option<f64> {
    let Some(raw) = raw else { return Some(1.0) };
    if !captured {
        let why = "sample without captured requests or a data set, expected `requests`, \
                   `sharegpt`, `mooncake` or `burstgpt` under `prompts`";
        return report.add(raw.referenced, why);
    }
    if !SAMPLES_KEPT.contains(&raw.value) {
        let why = "sample out of range, expected a number above 0, at most 1";
        return report.add(raw.referenced, why);
    }
    Some(raw.value)
}

/// What is wrong with prompts in the configuration itself.
#[derive(Debug, thiserror::Error)]
enum InlineError {
    #[error("no prompts, expected at least one")]
    None,
    #[error("{0} prompts, expected at most {most}", most = prompts::MAX_PROMPTS)]
    TooMany(usize),
    #[error("prompt {number}: {why}")]
    Prompt { number: usize, why: PromptError },
}

fn inline(texts: &[String]) -> Result<Vec<Prompt>, InlineError> {
    if texts.is_empty() {
        return Err(InlineError::None);
    }
    if texts.len() > prompts::MAX_PROMPTS {
        return Err(InlineError::TooMany(texts.len()));
    }
    let prompt = |(i, text): (usize, &String)| {
        let prompt = Prompt::user(text.as_str());
        prompts::check(&prompt).map_err(|why| InlineError::Prompt { number: i + 1, why })?;
        Ok(prompt)
    };
    texts.iter().enumerate().map(prompt).collect()
}

/// What is wrong with documents.
#[derive(Debug, thiserror::Error)]
enum DocumentsError {
    #[error("no documents, expected at least one (leave the key out for built-in ones)")]
    None,
    #[error("{0} documents, expected at most {MAX_DOCUMENTS}")]
    TooMany(usize),
    #[error("document {0} is empty, expected a text")]
    Empty(usize),
    #[error("{0} bytes of documents, expected at most {MAX_DOCUMENT_BYTES}")]
    TooLarge(usize),
}

/// What servers take at most in one request, and a limit of its size.
const MAX_DOCUMENTS: usize = 1_000;
const MAX_DOCUMENT_BYTES: usize = 4 << 20;

fn documents(texts: &[String]) -> Result<Arc<[String]>, DocumentsError> {
    let bytes: usize = texts.iter().map(String::len).sum();
    match texts.iter().position(|text| text.trim().is_empty()) {
        _ if texts.is_empty() => Err(DocumentsError::None),
        _ if texts.len() > MAX_DOCUMENTS => Err(DocumentsError::TooMany(texts.len())),
        Some(empty) => Err(DocumentsError::Empty(empty + 1)),
        None if bytes > MAX_DOCUMENT_BYTES => Err(DocumentsError::TooLarge(bytes)),
        None => Ok(texts.into()),
    }
}

fn max_output_tokens(
    raw: Option<&Spanned<u64>>,
    default: u32,
    report: &mut Report<'_>,
) -> Option<u32> {
    let Some(raw) = raw else { return Some(default) };
    match u32::try_from(raw.value) {
        Ok(count) if OUTPUT_TOKENS.contains(&count) => Some(count),
        _ => {
            let range = range_in_words(&OUTPUT_TOKENS);
            report.add(raw.referenced, format!("max_output_tokens out of range, expected {range}"))
        }
    }
}
