//! Token counts, wherever a server puts them and whatever it calls them.

use serde_json::{Map, Value};

use crate::answer::timeline::Usage;
use crate::dialect::values::whole_number;

const INPUT: [&str; 7] = [
    "prompt_tokens",
    "input_tokens",
    "promptTokens",
    "inputTokens",
    "promptTokenCount",
    "inputTokenCount",
    "prompt_token_count",
];
const OUTPUT: [&str; 7] = [
    "completion_tokens",
    "output_tokens",
    "completionTokens",
    "outputTokens",
    "candidatesTokenCount",
    "outputTokenCount",
    "candidates_token_count",
];
const TOTAL: [&str; 4] = ["total_tokens", "totalTokens", "totalTokenCount", "total_token_count"];
const REASONING: [&str; 5] = [
    "reasoning_tokens",
    "reasoningTokens",
    "thoughtsTokenCount",
    "thoughts_token_count",
    "thinking_tokens",
];
const CACHED: [&str; 7] = [
    "cached_tokens",
    "cachedTokens",
    "prompt_cache_hit_tokens", // DeepSeek
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cached_input_tokens",
    "cachedContentTokenCount",
];
/// Groups of counts inside a report, one level down.
const INPUT_DETAILS: [&str; 4] =
    ["prompt_tokens_details", "input_tokens_details", "promptTokensDetails", "inputTokensDetails"];
const OUTPUT_DETAILS: [&str; 4] = [
    "completion_tokens_details",
    "output_tokens_details",
    "completionTokensDetails",
    "outputTokensDetails",
];
/// What a report is called.
const REPORTS: [&str; 3] = ["usage", "usageMetadata", "usage_metadata"];

/// Every report of a frame: at its top, in a gateway's own group, in a choice.
pub(in crate::dialect) fn usages(root: &Map<String, Value>) -> Vec<Usage> {
    let group = |key: &str| root.get(key).and_then(Value::as_object);
    let choices = root.get("choices").and_then(Value::as_array).into_iter().flatten();
    let choices: Vec<_> = choices.filter_map(Value::as_object).collect();
    let messages = choices.iter().flat_map(|choice| {
        ["delta", "message"].into_iter().filter_map(|key| choice.get(key)?.as_object())
    });
    let holders = ["x_groq", "response", "nvext", "metadata"].into_iter().filter_map(group);
    let places = [root].into_iter().chain(holders).chain(choices.iter().copied()).chain(messages);
    let reports = places.filter_map(|place| REPORTS.iter().find_map(|key| place.get(*key)));
    let outside = leaves_thoughts_out(root);
    reports.filter_map(|report| usage(report.as_object()?, outside)).collect()
}

/// What one report counts; `None` where it counts nothing.
pub fn usage(report: &Map<String, Value>, thoughts_left_out: bool) -> Option<Usage> {
    let count = |names: &[&str]| names.iter().find_map(|n| report.get(*n).and_then(whole_number));
    let detail = |groups: &[&str], names: &[&str]| {
        let details = groups.iter().filter_map(|group| report.get(*group)?.as_object());
        let mut counts = details.flat_map(|d| names.iter().filter_map(|n| d.get(*n)));
        counts.find_map(whole_number)
    };
    let mut usage = Usage {
        input: count(&INPUT),
        cached_input: detail(&INPUT_DETAILS, &CACHED).or_else(|| count(&CACHED)),
        output: count(&OUTPUT),
        reasoning: detail(&OUTPUT_DETAILS, &REASONING).or_else(|| count(&REASONING)),
        total: count(&TOTAL),
    };
    if thoughts_left_out && usage.reasoning.is_none_or(|n| n == 0) {
        let counts = usage.total.zip(usage.input).zip(usage.output);
        let thoughts =
            counts.and_then(|((all, input), output)| all.checked_sub(input)?.checked_sub(output));
        usage.reasoning = thoughts.or(usage.reasoning);
    }
    (usage != Usage::default()).then_some(usage)
}

/// Gemini counts its thoughts in the total alone.
fn leaves_thoughts_out(root: &Map<String, Value>) -> bool {
    let model = root.get("model").and_then(Value::as_str).unwrap_or_default();
    model.rsplit('/').next().is_some_and(|name| name.starts_with("gemini"))
}
