//! Durations, moments and counts as people write them in configuration files and on command lines.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use thiserror::Error;

/// A duration with its unit: `15s`, `500ms`, `1h30m`, `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(pub Duration);

/// What every message about a bad duration asks for.
pub const DURATION_EXPECTED: &str = "expected a duration with a unit, such as 15s, 500ms or 30d";

/// A text that is no duration: the message names it and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}`: {expected}", expected = DURATION_EXPECTED)]
pub struct DurationError(String);

/// Parses a duration with unit.
///
/// # Errors
/// When it is none.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    humantime::parse_duration(text).map_err(|_| DurationError(text.to_owned()))
}

/// A moment that is kept in milliseconds since the Unix epoch, in seconds since then.
#[must_use]
#[allow(clippy::cast_precision_loss)] // below 2^53 for 280,000 years
pub fn unix_seconds(unix_millis: u64) -> f64 {
    unix_millis as f64 / 1e3
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = HumanDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with a unit, such as 15s, 500ms or 30d")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
        parse_duration(text).map(HumanDuration).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationVisitor)
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `30days` is how the library says 30d.
        let text = humantime::format_duration(self.0).to_string();
        f.write_str(&text.replace("days", "d").replace("day", "d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        let check = |text: &str, expect: Option<u64>| {
            let parsed = parse_duration(text).ok().map(|d| d.as_millis());
            assert_eq!(parsed, expect.map(u128::from), "{text}");
        };
        check("15s", Some(15_000));
        check("500ms", Some(500));
        check("1h30m", Some(5_400_000));
        check("30d", Some(30 * 86_400_000));
        check("15", None);
        check("", None);
        check("-1s", None);
        check("1 fortnight", None);
    }
}
