//! Shares as people write them: `5%`.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A share, written in per cent: `5%` is 0.05.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct HumanPercent(pub f64);

/// A text that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`: expected {EXPECTED}")]
pub struct NotAPercentage(String);

const EXPECTED: &str = "a percentage, such as 5% or 0.5%";

/// Parses a percentage.
///
/// # Errors
/// Names the value and what was expected.
pub fn parse_percent(text: &str) -> Result<HumanPercent, NotAPercentage> {
    let number = text.strip_suffix('%').map(str::trim_end).filter(|n| is_plain_number(n));
    // Not divided by 100: 99.9 / 100 is more than 0.999.
    let share = number.and_then(|n| format!("{n}e-2").parse().ok());
    share.map(HumanPercent).ok_or_else(|| NotAPercentage(text.to_owned()))
}

/// Digits and a point: neither `inf` nor `1e3`.
fn is_plain_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 20 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

struct PercentVisitor;

impl Visitor<'_> for PercentVisitor {
    type Value = HumanPercent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanPercent, E> {
        parse_percent(text).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for HumanPercent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PercentVisitor)
    }
}

impl fmt::Display for HumanPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the dust of the division: 0.07 · 100 is 7.000000000000001.
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages() {
        let check = |text: &str, expect: Option<f64>, back: &str| {
            let found = parse_percent(text).ok();
            assert_eq!(found.map(|p| p.0), expect, "{text}");
            assert_eq!(found.map(|p| p.to_string()).unwrap_or_default(), back, "{text}");
        };
        check("5%", Some(0.05), "5%");
        check("7 %", Some(0.07), "7%");
        check("0.5%", Some(0.005), "0.5%");
        check("99.9%", Some(0.999), "99.9%");
        check("5.%", Some(0.05), "5%");
        for text in ["5", "", ".%", "%", "-1%", "inf%", "1e3%", "1..2%", "0x1%"] {
            check(text, None, "");
        }
    }
}
