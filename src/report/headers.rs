//! Which response headers may be shown or kept, and how. A server may put anything into a header
//! (cookies, account names, even the prompt), so only what is known to be harmless passes.

use std::collections::BTreeMap;

/// Headers that tell something about the measurement. All other values are left out.
const KNOWN: [&str; 22] = [
    "content-encoding",
    "content-length",
    "content-type",
    "openai-processing-ms",
    "retry-after",
    "server-timing",
    "transfer-encoding",
    "x-compute-time",
    "x-envoy-upstream-service-time",
    "x-generated-tokens",
    "x-inference-time",
    "x-prompt-tokens",
    "x-queue-time",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-time-per-token",
    "x-total-time",
    "x-validation-time",
];

/// Values that say nothing about anybody.
const HARMLESS: [&str; 9] = [
    "application/json",
    "application/x-ndjson",
    "chunked",
    "gzip",
    "identity",
    "text/event-stream",
    "text/html",
    "text/plain",
    "zstd",
];

/// Longest number or duration that is shown.
const LONGEST: usize = 24;

/// What stands in a kept recording in place of a value that is left out.
pub const REDACTED: &str = "<redacted>";

/// Whether a header's value is needed to understand a recording.
#[must_use]
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// The headers for everybody's eyes: known ones whose value is a number, a duration or one of the
/// usual words.
#[must_use]
pub fn public(headers: &[(String, String)]) -> BTreeMap<String, String> {
    let shown = headers.iter().filter(|(name, _)| is_known(name));
    shown.filter_map(|(name, value)| Some((name.clone(), harmless(value)?))).collect()
}

/// Without parameters such as `; charset=utf-8`.
fn harmless(value: &str) -> Option<String> {
    let word = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let number = word.strip_suffix("ms").or(word.strip_suffix('s')).unwrap_or(&word);
    let is_number = !number.is_empty()
        && number.len() <= LONGEST
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (is_number || HARMLESS.contains(&&*word)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_harmless_is_public() {
        let check = |name: &str, value: &str, expect: Option<&str>| {
            let shown = public(&[(name.to_owned(), value.to_owned())]);
            assert_eq!(shown.get(name).map(String::as_str), expect, "{name}: {value}");
        };
        check("content-type", "text/event-stream; charset=utf-8", Some("text/event-stream"));
        check("content-type", "what the user asked", None);
        check("x-ratelimit-remaining-requests", "41", Some("41"));
        check("x-ratelimit-reset-tokens", "1.5s", Some("1.5s"));
        check("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None);
        check("set-cookie", "1", None);
        check("x-request-id", "17", None);
        check("x-queue-time", "123456789012345678901234567", None);
        check("content-length", "", None);
    }
}
