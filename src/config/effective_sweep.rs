//! A sweep in force, as a file would say it.

use serde_json::{Value, json};

use super::percent::HumanPercent;
use super::quantity::HumanCount;
use super::time_of_day::{offset, time};
use crate::sweep::ScheduledSweep;
use crate::text::units::HumanDuration;

/// Every key with its value; `null` where there is none.
pub(super) fn keys_of(sweep: &ScheduledSweep) -> [(&'static str, Value); 11] {
    let timetable = &sweep.timetable;
    [
        ("name", json!(sweep.name)),
        ("target", json!(sweep.target.name)),
        ("concurrency", json!(sweep.levels)),
        ("requests_per_level", json!(sweep.requests_per_level)),
        ("max_output_tokens", json!(HumanCount(sweep.most_output_tokens).to_string())),
        ("max_duration", json!(HumanDuration(sweep.most_duration).to_string())),
        ("every", json!(HumanDuration(timetable.every).to_string())),
        ("at", json!(time(timetable.at))),
        ("utc_offset", json!(offset(timetable.utc_offset))),
        ("workload", json!(sweep.workload.as_ref().map(|workload| &workload.name))),
        ("attainment", json!(HumanPercent(sweep.attainment).to_string())),
    ]
}
