//! What a round of two probes says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::live::Live;
use crate::answer::skip::SkipReason;
use crate::interpret::decode::decode;
use crate::load::Pair;
use crate::probe::{Apart, Probe};
use crate::regression::comparison::{
    Answer, AnswerRules, Answers, Comparison, DropReason, Round, Side,
};
use crate::target::Target;

/// A probe that began later than this after it was meant to was not at the same time as the other,
/// and the prober was short of time: nothing is bet on it.
const DELAYED: Duration = Duration::from_millis(100);

/// The round of two probes, or why it says nothing.
pub(super) fn judged(live: &Live, pair: &Pair) -> Result<Round, DropReason> {
    let Pair { baseline, candidate } = pair;
    let delayed = |probe: &Probe| probe.recording.schedule_delay > DELAYED;
    if delayed(baseline) || delayed(candidate) {
        return Err(DropReason::Skipped(SkipReason::Late));
    }
    let swept = |probe: &Probe| probe.apart == Some(Apart::BesideSweep);
    if swept(baseline) || swept(candidate) {
        return Err(DropReason::Sweep);
    }
    let side = |probe: &Probe| Side::of(&probe.outcome, live.slos());
    let spec = live.spec();
    Ok(Round {
        workload: baseline.workload.name.clone(),
        baseline: side(baseline).ok_or(DropReason::Prober)?,
        candidate: side(candidate).ok_or(DropReason::Prober)?,
        answers: spec.answers.and_then(|rules| agreement(spec, rules, baseline, candidate)),
        ended_unix_millis: now(),
    })
}

/// Reads both answers again, where there are two.
fn agreement(
    spec: &Comparison,
    rules: AnswerRules,
    baseline: &Probe,
    candidate: &Probe,
) -> Option<Answers> {
    if !(baseline.outcome.succeeded() && candidate.outcome.succeeded()) {
        return None;
    }
    let answer = |target: &Target, probe: &Probe| {
        let source = probe.recording.timestamp_source();
        let (shape, most) = (target.shape(), target.limits.max_body_bytes);
        let timeline = decode(&*target.dialect, shape, &probe.recording, source, most);
        Answer::of(&timeline)
    };
    let baseline = answer(&spec.baseline, baseline);
    Some(baseline.agreement(&answer(&spec.candidate, candidate), rules))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
