//! When a target is probed, and for how long.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_yaml::Spanned;

use super::context::setting;
use super::context::{Context, optional};
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::quantity::HumanSize;
use crate::config::raw::{
    self, BODY_SIZES, DEFAULT_INTERVAL, DEFAULT_MAX_BODY, DEFAULT_RESOLVE_EVERY, DEFAULT_SPEED,
    DEFAULT_STALL_TIMEOUT, DEFAULT_TAIL_TIMEOUT, DEFAULT_TIMEOUT, INTERVALS, RESOLVE_INTERVALS,
    SHAPES, SPEEDS, TAIL_TIMEOUTS, TIMEOUTS,
};
use crate::target::Limits;
use crate::target::schedule::{Arrival, Schedule};
use crate::text::units::HumanDuration;

pub(super) fn schedule(
    raw: &raw::Target,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Schedule> {
    let interval = interval(setting!(raw, context, interval), report);
    let arrival = arrival(setting!(raw, context, arrival), report);
    Some(Schedule { interval: interval?, arrival: arrival? })
}

/// The values in `defaults`, each by itself.
pub(super) fn check_defaults(defaults: &raw::Defaults, report: &mut Report<'_>) {
    interval(defaults.interval.as_ref(), report);
    arrival(defaults.arrival.as_ref(), report);
    timeout(defaults.timeout.as_ref(), report);
    if let Some(limit) = &defaults.first_token_timeout {
        first_token_timeout(limit, report);
    }
    stall_timeout(defaults.stall_timeout.as_ref(), DEFAULT_STALL_TIMEOUT, report);
    tail_timeout(defaults.tail_timeout.as_ref(), report);
    resolve_every(defaults.resolve_every.as_ref(), report);
    max_body(defaults.max_body_size.as_ref(), report);
}

pub(super) fn interval(
    raw: Option<&Spanned<HumanDuration>>,
    report: &mut Report<'_>,
) -> Option<Duration> {
    duration("interval", raw, DEFAULT_INTERVAL, &INTERVALS, report)
}

fn timeout(raw: Option<&Spanned<HumanDuration>>, report: &mut Report<'_>) -> Option<Duration> {
    duration("timeout", raw, DEFAULT_TIMEOUT, &TIMEOUTS, report)
}

fn first_token_timeout(raw: &Spanned<HumanDuration>, report: &mut Report<'_>) -> Option<Duration> {
    duration("first_token_timeout", Some(raw), Duration::ZERO, &TIMEOUTS, report)
}

fn tail_timeout(raw: Option<&Spanned<HumanDuration>>, report: &mut Report<'_>) -> Option<Duration> {
    duration("tail_timeout", raw, DEFAULT_TAIL_TIMEOUT, &TAIL_TIMEOUTS, report)
}

/// How often a target's name is looked up beside its probes.
pub(super) fn resolve_every(
    raw: Option<&Spanned<HumanDuration>>,
    report: &mut Report<'_>,
) -> Option<Duration> {
    duration("resolve_every", raw, DEFAULT_RESOLVE_EVERY, &RESOLVE_INTERVALS, report)
}

/// The longest time without progress.
pub(super) fn stall_timeout(
    raw: Option<&Spanned<HumanDuration>>,
    default: Duration,
    report: &mut Report<'_>,
) -> Option<Duration> {
    duration("stall_timeout", raw, default, &TIMEOUTS, report)
}

fn arrival(raw: Option<&Spanned<raw::Arrival>>, report: &mut Report<'_>) -> Option<Arrival> {
    match raw.map(|a| &a.value) {
        None | Some(raw::Arrival::Poisson) => Some(Arrival::Poisson),
        Some(raw::Arrival::Constant) => Some(Arrival::Constant),
        Some(raw::Arrival::Gamma(raw::Gamma { shape })) => gamma(shape, report),
        Some(raw::Arrival::Recorded(raw::Recorded { speed })) => recorded(speed.as_ref(), report),
    }
}

fn recorded(speed: Option<&Spanned<f64>>, report: &mut Report<'_>) -> Option<Arrival> {
    let Some(raw) = speed else { return Some(Arrival::Recorded { speed: DEFAULT_SPEED }) };
    if !SPEEDS.contains(&raw.value) {
        let (least, most) = (SPEEDS.start(), SPEEDS.end());
        let why = format!("speed out of range, expected a number from {least} to {most}");
        return report.add(raw.referenced, why);
    }
    Some(Arrival::Recorded { speed: raw.value })
}

fn gamma(shape: &Spanned<f64>, report: &mut Report<'_>) -> Option<Arrival> {
    if !SHAPES.contains(&shape.value) {
        let (least, most) = (SHAPES.start(), SHAPES.end());
        let why = format!("shape out of range, expected a number from {least} to {most}");
        return report.add(shape.referenced, why);
    }
    Some(Arrival::Gamma { shape: shape.value })
}

pub(super) fn limits(
    raw: &raw::Target,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Limits> {
    let timeout = timeout(setting!(raw, context, timeout), report);
    let max_body_bytes = max_body(setting!(raw, context, max_body_size), report);
    let stall = setting!(raw, context, stall_timeout);
    // The default gives way to a short timeout; a value that was written must fit.
    let default = timeout.map_or(DEFAULT_STALL_TIMEOUT, |t| t.min(DEFAULT_STALL_TIMEOUT));
    let stall_timeout = stall_timeout(stall, default, report);
    let first_token = setting!(raw, context, first_token_timeout);
    let first_token_timeout = optional(first_token, |limit| first_token_timeout(limit, report));
    let tail_timeout = tail_timeout(setting!(raw, context, tail_timeout), report);
    let timeout = timeout?;
    let mut within = |key, written, limit| {
        no_longer_than_the_timeout(key, written, limit, (timeout, &raw.name.value), report)
    };
    within("stall_timeout", stall, stall_timeout)?;
    let first_token_timeout = first_token_timeout.ok()?;
    within("first_token_timeout", first_token, first_token_timeout)?;
    Some(Limits {
        timeout,
        first_token_timeout,
        stall_timeout: stall_timeout?,
        tail_timeout: tail_timeout?,
        max_body_bytes: max_body_bytes?,
    })
}

/// A limit that was written is of no use beyond the whole request's.
fn no_longer_than_the_timeout(
    key: &str,
    written: Option<&Spanned<HumanDuration>>,
    limit: Option<Duration>,
    (timeout, target): (Duration, &str),
    report: &mut Report<'_>,
) -> Option<()> {
    let (Some(written), Some(limit)) = (written, limit) else { return Some(()) };
    if limit <= timeout {
        return Some(());
    }
    let (limit, timeout) = (HumanDuration(limit), HumanDuration(timeout));
    let why = format!(
        "{key} {limit} is longer than the timeout of target `{target}`, expected at most {timeout}"
    );
    report.add(written.referenced, why)
}

/// A duration within a range.
pub(super) fn duration(
    key: &str,
    raw: Option<&Spanned<HumanDuration>>,
    default: Duration,
    range: &RangeInclusive<Duration>,
    report: &mut Report<'_>,
) -> Option<Duration> {
    let Some(raw) = raw else { return Some(default) };
    let HumanDuration(value) = raw.value;
    if !range.contains(&value) {
        let why = format!("{key} out of range, expected {}", range_in_words(range));
        return report.add(raw.referenced, why);
    }
    Some(value)
}

fn max_body(raw: Option<&Spanned<HumanSize>>, report: &mut Report<'_>) -> Option<usize> {
    let size = raw.map_or(DEFAULT_MAX_BODY, |raw| raw.value);
    if let Some(raw) = raw.filter(|_| !BODY_SIZES.contains(&size)) {
        let range = range_in_words(&BODY_SIZES);
        let why = format!("max_body_size out of range, expected {range}");
        return report.add(raw.referenced, why);
    }
    usize::try_from(size.0).ok()
}
