//! `prefix` and `prefix_tokens` of a workload.

use std::ops::RangeInclusive;

use serde_yaml::Spanned;

use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::raw::{self, PROMPT_TOKENS, TILES};
use crate::workload::{Prefix, Tiles};

/// What is written; `Some(None)` where nothing is.
#[allow(clippy::option_option)] // a failed check, and a key that is left out
pub(super) fn resolve(
    raw: &raw::Workload,
    captured: bool,
    report: &mut Report<'_>,
) -> Option<Option<Prefix>> {
    let tokens = match &raw.prefix_tokens {
        Some(tokens) => Some(whole("prefix_tokens", tokens, &PROMPT_TOKENS, report)?),
        None => None,
    };
    let number = match &raw.prefix {
        Some(raw::Prefix::Tiles(number)) => number,
        other => {
            if let Some(tokens) = &raw.prefix_tokens {
                let why = "prefix_tokens without tiles, expected `prefix: {tiles: 8}` beside it";
                return report.add(tokens.referenced, why);
            }
            return Some(match other {
                Some(raw::Prefix::Shared) => Some(Prefix::Shared),
                Some(_) => Some(Prefix::Unique),
                None => None,
            });
        }
    };
    if captured {
        let why = "tiles in front of captured requests, expected `unique` or `shared`";
        return report.add(number.referenced, why);
    }
    let number = whole("tiles", number, &TILES, report)?;
    Some(Some(Prefix::Tiles(Tiles { number, tokens })))
}

/// A whole number within a range.
pub(super) fn whole(
    key: &str,
    raw: &Spanned<u64>,
    range: &RangeInclusive<u32>,
    report: &mut Report<'_>,
) -> Option<u32> {
    let value = u32::try_from(raw.value).ok().filter(|value| range.contains(value));
    let why = || format!("{key} out of range, expected {}", range_in_words(range));
    report.check(raw.referenced, value.ok_or_else(why))
}
