//! How long the server itself says that its stages took.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::answer::timeline::ServerTiming;

/// No stage of a request takes longer: the sum of such times would be ruined for good.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A stage of so many `unit`s, given in seconds, under `key`; `None` for what is no time.
pub(super) fn stage(times: &Map<String, Value>, key: &str, unit: f64) -> Option<Duration> {
    let stage = Duration::try_from_secs_f64(times.get(key)?.as_f64()? * unit).ok();
    stage.filter(|stage| *stage <= LONGEST)
}

/// llama.cpp's own, beside the answer, in milliseconds.
pub(super) fn timings(root: &Map<String, Value>) -> Option<ServerTiming> {
    let timings = root.get("timings")?.as_object()?;
    Some(ServerTiming {
        prefill: stage(timings, "prompt_ms", 1e-3),
        decode: stage(timings, "predicted_ms", 1e-3),
        ..ServerTiming::default()
    })
}
