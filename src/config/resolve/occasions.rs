//! On which occasions a target is probed beside, or instead of, its schedule.

use std::sync::Arc;
use std::time::Duration;

use serde_yaml::{Location, Spanned};

use super::context::{limit, optional};
use super::prefix::whole;
use super::{rounds, timing};
use crate::config::error::Report;
use crate::config::raw::{
    self, CHECK_EVERY, CHECK_TOKENS, COLD_AFTER, DEFAULT_CHECK_EVERY, DEFAULT_CHECK_TOKENS,
    WARM_UPS,
};
use crate::target::CacheCheck;
use crate::target::hours::ActiveHours;
use crate::target::schedule::{Arrival, Schedule};
use crate::text::units::HumanDuration;
use crate::workload::Workload;

/// More would say nothing new of a week.
const MAX_ACTIVE_HOURS: usize = 50;

/// What the keys amount to.
pub(super) struct Occasions {
    pub active_hours: Vec<ActiveHours>,
    pub warm_up: u32,
    pub cold_after: Option<Duration>,
    pub cache_check: Option<CacheCheck>,
}

/// Checks them all.
pub(super) fn resolve(
    hours: Option<&Spanned<Vec<raw::ActiveHours>>>,
    warm_up: Option<&Spanned<u64>>,
    cold_after: Option<&Spanned<HumanDuration>>,
    check: Option<&Spanned<raw::PrefixCacheCheck>>,
    report: &mut Report<'_>,
) -> Option<Occasions> {
    let active_hours = match hours {
        Some(list) => all_hours(list, report),
        None => Some(Vec::new()),
    };
    let warm_up = match warm_up {
        Some(count) => whole("warm_up", count, &WARM_UPS, report),
        None => Some(0),
    };
    let cold_after = optional(cold_after, |raw| {
        timing::duration("cold_after", Some(raw), Duration::ZERO, &COLD_AFTER, report)
    });
    let cache_check = optional(check, |raw| cache_check(&raw.value, report));
    Some(Occasions {
        active_hours: active_hours?,
        warm_up: warm_up?,
        cold_after: cold_after.ok()?,
        cache_check: cache_check.ok()?,
    })
}

fn cache_check(raw: &raw::PrefixCacheCheck, report: &mut Report<'_>) -> Option<CacheCheck> {
    let every =
        timing::duration("every", raw.every.as_ref(), DEFAULT_CHECK_EVERY, &CHECK_EVERY, report);
    let input_tokens = match &raw.input_tokens {
        Some(tokens) => whole("input_tokens", tokens, &CHECK_TOKENS, report),
        None => Some(DEFAULT_CHECK_TOKENS),
    };
    Some(CacheCheck { every: every?, input_tokens: input_tokens? })
}

fn all_hours(
    list: &Spanned<Vec<raw::ActiveHours>>,
    report: &mut Report<'_>,
) -> Option<Vec<ActiveHours>> {
    let at = list.referenced;
    limit(list.value.len(), MAX_ACTIVE_HOURS, "active_hours", at, report)?;
    if list.value.is_empty() {
        let why = "no active_hours, expected at least one entry (leave the key out for always)";
        return report.add(at, why);
    }
    list.value.iter().map(|raw| hours(raw, at, report)).collect()
}

fn hours(raw: &raw::ActiveHours, at: Location, report: &mut Report<'_>) -> Option<ActiveHours> {
    let mut days = [raw.days.is_none(); 7];
    for day in raw.days.iter().flatten() {
        days[*day as usize] = true;
    }
    if days == [false; 7] {
        let why = "active_hours on no day, expected at least one of `days`";
        return report.add(at, why);
    }
    let mut time = |raw: &raw::Maybe<String>| time_of_day(raw.as_ref(), "00:00", report);
    let (from, to) = (time(&raw.from), time(&raw.to));
    let utc_offset = utc_offset(raw.utc_offset.as_ref(), report);
    Some(ActiveHours { days, from: from?, to: to?, utc_offset: utc_offset? })
}

const TIME: &str = "not a time of day, expected hours and minutes, such as \"08:30\"";
const OFFSET: &str = "not an offset from UTC, expected one such as \"+02:00\"";

/// Minutes after midnight.
pub(super) fn time_of_day(
    raw: Option<&Spanned<String>>,
    default: &str,
    report: &mut Report<'_>,
) -> Option<u16> {
    match raw {
        Some(raw) => report.check(raw.referenced, minutes(&raw.value).ok_or(TIME)),
        None => minutes(default),
    }
}

/// Minutes ahead of UTC.
pub(super) fn utc_offset(raw: Option<&Spanned<String>>, report: &mut Report<'_>) -> Option<i16> {
    match raw {
        Some(raw) => report.check(raw.referenced, offset(&raw.value).ok_or(OFFSET)),
        None => Some(0),
    }
}

/// Minutes after midnight.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, below: u16| -> Option<u16> {
        let all = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|n| all && *n < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// Minutes ahead of UTC; nowhere more than 14 hours.
fn offset(text: &str) -> Option<i16> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let minutes = minutes(rest).filter(|minutes| *minutes <= 14 * 60)?;
    Some(sign * i16::try_from(minutes).ok()?)
}

/// The schedule of recorded arrivals has their mean interval.
pub(super) fn recorded(
    schedule: Schedule,
    workloads: &[Arc<Workload>],
    raw: Option<&Spanned<raw::Arrival>>,
    report: &mut Report<'_>,
) -> Option<Schedule> {
    let (Arrival::Recorded { speed }, Some(raw)) = (schedule.arrival, raw) else {
        return Some(schedule);
    };
    let replay = report.check(raw.referenced, rounds::replay(workloads, speed))?;
    Some(Schedule { interval: replay.interval(), ..schedule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_offsets() {
        assert_eq!(["00:00", "08:30", "23:59"].map(minutes), [Some(0), Some(510), Some(1_439)]);
        for wrong in ["", "8:30", "24:00", "08:60", "08", "0830", "+8:30", "08:3a"] {
            assert_eq!(minutes(wrong), None, "{wrong}");
        }
        assert_eq!(["+02:00", "-05:30", "+00:00"].map(offset), [Some(120), Some(-330), Some(0)]);
        for wrong in ["", "02:00", "+2:00", "+15:00", "é02:00"] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
    }
}
