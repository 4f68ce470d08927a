//! Text to the serde mirror, with the library's errors put into this project's words.

use serde_yaml::{DuplicateKeyPolicy, Error, Location, MessageFormatter, UserMessageFormatter};

use super::confidential::is_plain;
use super::raw::Raw;

/// Parses a configuration text.
///
/// # Errors
/// The place, and a message without any value that might be confidential.
pub(super) fn parse(text: &str) -> Result<Raw, (Location, String)> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! { max_documents: 2, max_nodes: 2_000_000, max_events: 4_000_000 },
        duplicate_keys: DuplicateKeyPolicy::Error,
        // Else `no` is false and a model named `on` is a surprise.
        strict_booleans: true,
        emit_comments: false,
        with_snippet: false,
    };
    serde_yaml::from_str_with_options::<Option<Raw>>(text, options)
        .map(Option::unwrap_or_default)
        .map_err(|error| (error.location().unwrap_or(Location::UNKNOWN), describe(&error)))
}

/// The library's error in this project's words, without any value that might be confidential.
pub(crate) fn describe(error: &Error) -> String {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => describe(error),
        Error::Message { msg, .. } | Error::SerdeVariantId { msg, .. } => msg.clone(),
        Error::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            unknown("choice", variant, expected)
        }
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing here"),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            format!("found {}, expected {expected}", without_value(unexpected))
        }
        Error::DuplicateMappingKey { key, .. } => match key.as_deref().filter(|k| is_plain(k)) {
            Some(key) => format!("the key `{key}` appears twice, expected once"),
            None => "a key appears twice, expected once".to_owned(),
        },
        Error::InvalidScalar { ty, .. } => format!("not a valid value, expected {}", in_words(ty)),
        Error::Unexpected { expected, .. } => {
            format!("found something else, expected {}", in_words(expected))
        }
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

fn unknown(what: &str, found: &str, expected: &[&'static str]) -> String {
    let quoted = if is_plain(found) { format!(" `{found}`") } else { String::new() };
    let hint = match nearest(found, expected) {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => String::new(),
    };
    format!("unknown {what}{quoted}{hint}, expected one of: {}", expected.join(", "))
}

/// `string "abc"` → `a string`: the library quotes the value.
fn without_value(unexpected: &str) -> String {
    let kind = unexpected.split(['"', '`', '\'']).next().unwrap_or_default().trim();
    match kind {
        "integer" => "an integer".to_owned(),
        "" => "something else".to_owned(),
        kind => format!("a {kind}"),
    }
}

fn in_words(ty: &str) -> &str {
    match ty {
        "f32" | "f64" | "float" | "floating point" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "bool" | "boolean" => "true or false",
        "mapping start" => "a mapping of keys to values",
        "sequence start" => "a list",
        "string scalar" | "scalar" => "a single value",
        other => other,
    }
}

/// The candidate at an edit distance of at most two.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>,
) -> Option<&'a str> {
    if word.len() > 60 {
        return None;
    }
    let distance = |c: &str| strsim::levenshtein(word, c);
    let distances = candidates.into_iter().map(|c| (distance(c.as_ref()), c.as_ref()));
    distances.filter(|(d, c)| *d <= 2 && *d < c.len()).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested() {
        let keys = ["interval", "timeout", "url"];
        assert_eq!(nearest("intervall", keys), Some("interval"));
        assert_eq!(nearest("tiemout", keys), Some("timeout"));
        assert_eq!(nearest("prompts", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
