//! What a workload expects of its answers.

use std::ops::RangeBounds;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_yaml::Spanned;

use crate::answer::timeline::Finish;
use crate::config::error::Report;
use crate::config::raw::{self, DISTINCT_RATIOS};
use crate::text::input_file;
use crate::workload::validator::{self, Schema, ToolCheck};
use crate::workload::{Part, Validator};

const MAX_SCHEMA_BYTES: u64 = 1 << 20;

/// The checks, and the part of an answer they look at.
pub(super) fn resolve(
    expect: &Spanned<raw::Expect>,
    max_output_tokens: Option<u32>,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Option<(Vec<Validator>, Part)> {
    let raw = &expect.value;
    let judged = match raw.r#in.as_ref().map(|part| part.value) {
        None | Some(raw::Part::Answer) => Part::Answer,
        Some(raw::Part::Reasoning) => Part::Reasoning,
        Some(raw::Part::ToolCalls) => Part::ToolCalls,
    };
    let checks = [
        raw.contains.as_ref().map(|text| contains(text, report)),
        raw.regex.as_ref().map(|pattern| regex(pattern, report)),
        raw.min_output_tokens.as_ref().map(|n| least(n, max_output_tokens, report)),
        raw.json_schema.as_ref().map(|file| json_schema(file, judged, base_dir, report)),
        raw.tool_call.as_ref().map(|call| tool_call(call, base_dir, report)),
        raw.finish.as_ref().map(|finishes| finish(finishes, report)),
        raw.min_distinct_ratio.as_ref().map(|ratio| min_distinct(ratio, report)),
    ];
    if checks.iter().all(Option::is_none) {
        let why = format!("no check, expected at least one of: {}", Validator::NAMES.join(", "));
        return report.add(expect.referenced, why);
    }
    let texts = [&checks[0], &checks[1], &checks[3], &checks[6]];
    if let Some(part) = &raw.r#in
        && texts.iter().all(|check| check.is_none())
    {
        let why = "`in` without a check of a text, expected it beside contains, regex, \
                   json_schema or min_distinct_ratio";
        return report.add(part.referenced, why);
    }
    Some((checks.into_iter().flatten().collect::<Option<Vec<_>>>()?, judged))
}

fn contains(text: &Spanned<String>, report: &mut Report<'_>) -> Option<Validator> {
    if text.value.is_empty() {
        return report.add(text.referenced, "empty, so every answer passes; expected some text");
    }
    Some(Validator::Contains(text.value.clone()))
}

/// The library's message quotes the pattern; only its last line says what is wrong.
fn regex(pattern: &Spanned<String>, report: &mut Report<'_>) -> Option<Validator> {
    let compiled = Regex::new(&pattern.value).map_err(|e| match e {
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("not a regular expression: {last}")
        }
        _ => "the regular expression is too large".to_owned(),
    });
    report.check(pattern.referenced, compiled).map(Validator::Regex)
}

fn least(least: &Spanned<u64>, most: Option<u32>, report: &mut Report<'_>) -> Option<Validator> {
    if let Some(most) = most.filter(|most| least.value > u64::from(*most)) {
        let why = format!(
            "min_output_tokens is {}, more than max_output_tokens allows; expected at most {most}",
            least.value
        );
        return report.add(least.referenced, why);
    }
    Some(Validator::MinOutputTokens(least.value))
}

fn json_schema(
    file: &Spanned<PathBuf>,
    judged: Part,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Option<Validator> {
    if judged == Part::ToolCalls {
        let why = "json_schema of tool calls, expected arguments_schema under `tool_call`";
        return report.add(file.referenced, why);
    }
    schema(file, base_dir, report).map(Validator::JsonSchema)
}

fn schema(file: &Spanned<PathBuf>, base_dir: &Path, report: &mut Report<'_>) -> Option<Schema> {
    let path = base_dir.join(&file.value);
    let loaded = load(&path).map_err(|why| format!("schema {}: {why}", path.display()));
    report.check(file.referenced, loaded)
}

/// Why a file is no schema.
#[derive(Debug, thiserror::Error)]
enum SchemaError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("larger than {} MiB", MAX_SCHEMA_BYTES >> 20)]
    TooLarge,
    #[error("not UTF-8 (line {0}, column {1}), expected a JSON Schema")]
    NotText(usize, usize),
    #[error(transparent)]
    Wrong(#[from] validator::SchemaError),
}

fn load(file: &Path) -> Result<Schema, SchemaError> {
    let bytes = input_file::read(file, MAX_SCHEMA_BYTES)?.ok_or(SchemaError::TooLarge)?;
    let text = input_file::text(bytes).map_err(|(l, column)| SchemaError::NotText(l, column))?;
    Ok(Schema::new(file, text)?)
}

fn tool_call(
    raw: &Spanned<raw::ToolCall>,
    base_dir: &Path,
    report: &mut Report<'_>,
) -> Option<Validator> {
    let raw::ToolCall { name, arguments_schema } = &raw.value;
    if name.is_none() && arguments_schema.is_none() {
        let why = "no check, expected at least one of: name, arguments_schema";
        return report.add(raw.referenced, why);
    }
    if let Some(name) = name.as_ref().filter(|name| name.value.is_empty()) {
        return report.add(name.referenced, "empty, expected the name of a function");
    }
    let arguments = match arguments_schema {
        Some(file) => Some(schema(file, base_dir, report)?),
        None => None,
    };
    let name = name.as_ref().map(|name| name.value.clone());
    Some(Validator::ToolCall(ToolCheck { name, arguments }))
}

fn finish(raw: &Spanned<Vec<Spanned<String>>>, report: &mut Report<'_>) -> Option<Validator> {
    if raw.value.is_empty() {
        return report.add(raw.referenced, "empty, so no answer passes; expected at least one");
    }
    let known = |word: &Spanned<String>| {
        let found = Finish::ALL.iter().copied().find(|finish| finish.as_str() == word.value);
        let words = || Finish::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        report.check(
            word.referenced,
            found.ok_or_else(|| format!("not a finish, expected one of: {}", words())),
        )
    };
    Some(Validator::Finish(raw.value.iter().map(known).collect::<Option<_>>()?))
}

fn min_distinct(raw: &Spanned<f64>, report: &mut Report<'_>) -> Option<Validator> {
    if !DISTINCT_RATIOS.contains(&raw.value) {
        let why = "min_distinct_ratio out of range, expected a number above 0, at most 1";
        return report.add(raw.referenced, why);
    }
    Some(Validator::MinDistinctRatio(raw.value))
}
