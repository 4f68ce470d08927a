//! Counts and sizes as people write them: `200k`, `8MiB`.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A count, with an optional `k`, `M` or `G` (decimal): `200k` is 200,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanCount(pub u64);

/// Bytes, with a unit: `512B`, `64KiB`, `8MiB`, `1GiB` (binary) or `kB`, `MB`, `GB` (decimal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanSize(pub u64);

const COUNT_UNITS: &[(&str, u64)] =
    &[("", 1), ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];
const COUNT_EXPECTED: &str = "expected a whole number, such as 5000, 200k or 1M";

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
const SIZE_EXPECTED: &str = "expected a size with a unit, such as 512KiB or 8MiB";

/// Digits, then one of `units`, with at most one space between.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`: {SIZE_EXPECTED}")]
pub struct NotASize(String);

/// Parses a size with its unit, such as `64MiB`, into bytes.
///
/// # Errors
/// Names the value and what was expected.
pub fn parse_size(text: &str) -> Result<u64, NotASize> {
    parse(text, SIZE_UNITS).ok_or_else(|| NotASize(text.to_owned()))
}

struct QuantityVisitor {
    units: &'static [(&'static str, u64)],
    expected: &'static str,
}

impl Visitor<'_> for QuantityVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected.trim_start_matches("expected "))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        parse(text, self.units).ok_or_else(|| E::custom(format!("`{text}`: {}", self.expected)))
    }
}

impl<'de> Deserialize<'de> for HumanCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = QuantityVisitor { units: COUNT_UNITS, expected: COUNT_EXPECTED };
        deserializer.deserialize_str(visitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for HumanSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = QuantityVisitor { units: SIZE_UNITS, expected: SIZE_EXPECTED };
        deserializer.deserialize_str(visitor).map(Self)
    }
}

impl fmt::Display for HumanCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_largest(self.0, COUNT_UNITS))
    }
}

impl fmt::Display for HumanSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_largest(self.0, SIZE_UNITS))
    }
}

/// In the largest unit that it is a whole number of.
fn in_largest(number: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().filter(|(_, factor)| number > 0 && number.is_multiple_of(*factor));
    let (unit, factor) = whole.max_by_key(|(_, factor)| *factor).unwrap_or(&units[0]);
    format!("{}{unit}", number / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_in_the_largest_unit() {
        assert_eq!(HumanCount(10_000_000).to_string(), "10M");
        assert_eq!(HumanCount(1_500).to_string(), "1500");
        assert_eq!(HumanCount(0).to_string(), "0");
        assert_eq!(HumanSize(8 << 20).to_string(), "8MiB");
        assert_eq!(HumanSize(1_000).to_string(), "1kB");
        assert_eq!(HumanSize(1_001).to_string(), "1001B");
    }

    #[test]
    fn counts_and_sizes() {
        let check = |text: &str, units, expect: Option<u64>| {
            assert_eq!(parse(text, units), expect, "{text}");
        };
        check("200k", COUNT_UNITS, Some(200_000));
        check("5000", COUNT_UNITS, Some(5_000));
        check("1 M", COUNT_UNITS, Some(1_000_000));
        check("0.5M", COUNT_UNITS, None);
        check("-1", COUNT_UNITS, None);
        check("", COUNT_UNITS, None);
        check("99999999999G", COUNT_UNITS, None);
        check("8MiB", SIZE_UNITS, Some(8 << 20));
        check("8MB", SIZE_UNITS, Some(8_000_000));
        check("8", SIZE_UNITS, None);
        check("MiB", SIZE_UNITS, None);
    }
}
