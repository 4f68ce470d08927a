//! JSON as servers write it. What is not legal but common is mended before it is read again:
//!
//! - halves of characters: a server that cuts its text between UTF-16 units sends `"\ud83d"` and
//!   `"\ude00"` as two deltas, and no string of ours can hold a half;
//! - `NaN` and `Infinity`, which Python writes for logarithms of probabilities.
//!
//! A raw control character in a string stays an error: users' clients stumble over it, too.

use serde_json::Value;

const REPLACEMENT: &str = "\\ufffd";
/// Longest first: the one is the end of the other.
const NO_NUMBERS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// Reads a value.
pub(super) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
        .or_else(|e| mended(text).map_or(Err(e), |text| serde_json::from_str(&text)))
}

/// `json` with halves of characters replaced and null in place of what is no number; `None` where
/// there is nothing to mend.
fn mended(json: &str) -> Option<String> {
    let (mut mended, mut rest, mut found, mut in_string) = (String::new(), json, false, false);
    while let Some(at) = rest.find(['"', '\\', 'N', 'I', '-']) {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let no_number = NO_NUMBERS.iter().find(|word| !in_string && stands(rest, word));
        let length = match (unit(rest), unit(rest.get(6..).unwrap_or_default())) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                found = true;
                mended.push_str(REPLACEMENT);
                rest = &rest[6..];
                continue;
            }
            _ if rest.starts_with('\\') => 2,
            _ => 1,
        };
        if let Some(word) = no_number {
            found = true;
            mended.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        in_string ^= rest.starts_with('"');
        let Some((escape, after)) = rest.split_at_checked(length) else { break };
        mended.push_str(escape);
        rest = after;
    }
    mended.push_str(rest);
    found.then_some(mended)
}

/// Whether `text` begins with `word`, and with nothing longer.
fn stands(text: &str, word: &str) -> bool {
    let after = text.strip_prefix(word);
    after.is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// The UTF-16 unit whose escape `text` begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expect: Option<&str>) {
        assert_eq!(mended(json).as_deref(), expect, "{json}");
    }

    #[test]
    fn only_halves_are_replaced() {
        check(r#""\ud83d""#, Some(r#""\ufffd""#));
        check(r#""a\ude00b""#, Some(r#""a\ufffdb""#));
        check(r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#));
        check(r#""\ud83d\n""#, Some(r#""\ufffd\n""#));
        check(r#""\ud83d\ude00""#, None);
        check(r#""\\ud83d""#, None);
        check(r#""\u00e9\"é""#, None);
        check(r#""\u"#, None);
        check("\"\\", None);
        check("\\é", None);
    }

    #[test]
    fn what_is_no_number_becomes_null_and_texts_stay_as_they_are() {
        check("[NaN,Infinity, -Infinity]", Some("[null,null, null]"));
        check(r#"{"a":-Infinity,"b":"-Infinity NaN"}"#, Some(r#"{"a":null,"b":"-Infinity NaN"}"#));
        check(r#"{"a":NaN,"b":"\" NaN \\"}"#, Some(r#"{"a":null,"b":"\" NaN \\"}"#));
        check(r#"{"a":"NaN","b":-1,"NaN":2}"#, None);
        check("[NaNa, Infinityx, Inf, -Inf]", None);
        let broken = parse(r#"{"a":NaN,"b":"half"#).unwrap_err();
        assert!(broken.is_eof(), "{broken}");
    }
}
