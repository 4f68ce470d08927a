//! The checks that the parts of the configuration file share.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_yaml::{Location, Spanned};

use super::config::PAUSE;
use crate::text::units::HumanDuration;

/// A problem at a place, before it is known which file it is in.
pub(super) type Problem = (Location, String);

/// A duration within [`PAUSE`].
pub(super) fn pause(
    key: &str,
    value: Option<Spanned<HumanDuration>>,
) -> Result<Option<Duration>, Problem> {
    let limits = HumanDuration(*PAUSE.start())..=HumanDuration(*PAUSE.end());
    Ok(within(key, value, &limits)?.map(|d| d.0))
}

/// The value, if it is given and within `limits`.
pub(super) fn within<T: PartialOrd + Display + Copy>(
    key: &str,
    value: Option<Spanned<T>>,
    limits: &RangeInclusive<T>,
) -> Result<Option<T>, Problem> {
    value.map(|value| check_within(key, &value, limits)).transpose()
}

/// The value, if it is within `limits`.
pub(super) fn check_within<T: PartialOrd + Display + Copy>(
    key: &str,
    value: &Spanned<T>,
    limits: &RangeInclusive<T>,
) -> Result<T, Problem> {
    if limits.contains(&value.value) {
        return Ok(value.value);
    }
    let message =
        format!("`{key}` is {}, expected {} to {}", value.value, limits.start(), limits.end());
    Err((value.referenced, message))
}
