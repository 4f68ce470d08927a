//! Halves of characters: a server that cuts its text between UTF-16 units sends `"\ud83d"` and
//! `"\ude00"` as two deltas. Such JSON is legal, but no string of ours can hold a half.

const REPLACEMENT: &str = "\\ufffd";

/// `json` with each escaped half of a character replaced; `None` where there is none.
pub(super) fn mended(json: &str) -> Option<String> {
    let (mut mended, mut rest, mut found) = (String::new(), json, false);
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), unit(rest.get(6..).unwrap_or_default())) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                found = true;
                mended.push_str(REPLACEMENT);
                rest = &rest[6..];
                continue;
            }
            _ => 2,
        };
        let Some((escape, after)) = rest.split_at_checked(length) else { break };
        mended.push_str(escape);
        rest = after;
    }
    mended.push_str(rest);
    found.then_some(mended)
}

/// The UTF-16 unit whose escape `text` begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_halves_are_replaced() {
        let check = |json: &str, expect: Option<&str>| {
            assert_eq!(mended(json).as_deref(), expect, "{json}");
        };
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
}
