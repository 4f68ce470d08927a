//! `sweeps`.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_yaml::Spanned;

use super::parts::Maybe;
use crate::config::percent::HumanPercent;
use crate::config::quantity::HumanCount;
use crate::sweep::DEFAULT_ATTAINMENT;
use crate::text::units::HumanDuration;

pub(in crate::config) const DEFAULT_EVERY: Duration = Duration::from_secs(86_400);
/// Between two sweeps a server has other things to do; what is usual looks back four weeks.
pub(in crate::config) const SWEEPS_EVERY: RangeInclusive<Duration> =
    Duration::from_secs(3_600)..=Duration::from_secs(28 * 86_400);
pub(in crate::config) const DEFAULT_AT: &str = "03:00";
pub(in crate::config) const SWEEP_REQUESTS: RangeInclusive<u32> = 1..=100_000;
pub(in crate::config) const SWEEP_DURATIONS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(86_400);
pub(in crate::config) const ATTAINMENTS: RangeInclusive<HumanPercent> =
    HumanPercent(0.01)..=HumanPercent(0.995);
pub(in crate::config) const MAX_LEVELS: usize = 20;
pub(in crate::config) const LEVELS: RangeInclusive<u64> = 1..=1_000;

keys! {
    struct Sweep {
        /// A unique name, the label `sweep`.
        name: Spanned<String> => shown,
        /// The name of the target. One that costs money (with a `price`, or at a public cloud) needs a
        /// `budget` of its own; the sweep is within it.
        target: Spanned<String> => shown,
        /// The levels: users, each of whom asks again when answered, as `[1, 8, 50]`. At most 20 levels
        /// of 1 to 1000 users; the one with the fewest is made first, whatever their order here.
        concurrency: Spanned<Vec<Spanned<u64>>> => shown,
        /// Requests of each level, at least one for each of its users.
        requests_per_level: Spanned<u64> => shown.range(SWEEP_REQUESTS),
        /// Output tokens of one sweep, at most; reserved before each request is sent, and settled
        /// after.
        max_output_tokens: Spanned<HumanCount> => shown.range(HumanCount(1)..),
        /// The longest that one sweep may take; at most `every`.
        max_duration: Spanned<HumanDuration> => shown.range(SWEEP_DURATIONS),
        /// From one sweep to the next.
        every: Maybe<HumanDuration> => shown.default(DEFAULT_EVERY).range(SWEEPS_EVERY),
        /// The time of day that instants are counted from: of sweeps every 6h, one is at this time. Of
        /// sweeps every 7d, each is on a Thursday.
        at: Maybe<String> => shown.default(DEFAULT_AT),
        /// What the clocks there say while it is midnight in UTC, such as `+02:00`. Daylight saving is
        /// not followed.
        utc_offset: Maybe<String> => shown.default("+00:00"),
        /// Only this workload.
        workload: Maybe<String> => shown.otherwise("all that the target has, drawn by weight"),
        /// The share of good requests that a level must have: the largest such level is the knee.
        attainment: Maybe<HumanPercent> => shown
            .default(HumanPercent(DEFAULT_ATTAINMENT))
            .range(ATTAINMENTS),
    }
}
