//! One round: both sides accept, both begin, both are over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::live::Live;
use crate::comparison::{Answer, AnswerRules, Answers, Comparison, DropReason, Next, Order};
use crate::comparison::{Round, Side};
use crate::decode::decode;
use crate::probe::Probe;
use crate::prober::commission::{Commission, Desk};
use crate::skip::SkipReason;
use crate::target::Target;
use crate::workload::mix::Draw;

/// An arrival that is noticed later than this (and later than one interval) means nothing.
pub(super) const LATE: Duration = Duration::from_secs(1);

/// A probe that began later than this after it was meant to was not at the same time as the other,
/// and the prober was short of time: nothing is bet on it.
const DELAYED: Duration = Duration::from_millis(100);

/// A commission that was brought to a prober.
pub(super) struct Asked {
    accepted: oneshot::Receiver<Result<(), SkipReason>>,
    begin: oneshot::Sender<Instant>,
    done: oneshot::Receiver<Probe>,
}

impl Asked {
    /// Brings it; refused where too many wait already or the prober has ended.
    pub fn new(desk: &Desk, draw: &Draw, scheduled: Instant) -> Result<Self, DropReason> {
        let (accepted_tx, accepted) = oneshot::channel();
        let (begin, begin_rx) = oneshot::channel();
        let (done_tx, done) = oneshot::channel();
        let commission = Commission {
            draw: draw.clone(),
            scheduled,
            accepted: accepted_tx,
            begin: begin_rx,
            done: done_tx,
        };
        match desk.try_send(commission) {
            Ok(()) => Ok(Self { accepted, begin, done }),
            Err(TrySendError::Full(_)) => Err(DropReason::Skipped(SkipReason::InFlightLimit)),
            Err(TrySendError::Closed(_)) => Err(DropReason::Prober),
        }
    }

    async fn accepted(self) -> Result<Accepted, DropReason> {
        match self.accepted.await {
            Ok(Ok(())) => Ok(Accepted { begin: self.begin, done: self.done }),
            Ok(Err(reason)) => Err(DropReason::Skipped(reason)),
            Err(_) => Err(DropReason::Prober),
        }
    }
}

/// A commission that will be carried out; dropped before it begins, it is withdrawn.
struct Accepted {
    begin: oneshot::Sender<Instant>,
    done: oneshot::Receiver<Probe>,
}

impl Accepted {
    fn begin(self, at: Instant) -> oneshot::Receiver<Probe> {
        let _ = self.begin.send(at); // a prober that has ended answers nothing, either
        self.done
    }
}

/// Makes a round of two commissions.
pub(super) async fn run(
    live: &Live,
    next: &Next,
    scheduled: Instant,
    baseline: Result<Asked, DropReason>,
    candidate: Result<Asked, DropReason>,
) -> Result<Round, DropReason> {
    let (baseline, candidate) = (baseline?, candidate?);
    // Both answers are heard before either begins: what is withdrawn has cost nothing.
    let (baseline, candidate) = tokio::join!(baseline.accepted(), candidate.accepted());
    let (baseline, candidate) = (baseline?, candidate?);
    let (first, second) =
        if next.baseline_first { (baseline, candidate) } else { (candidate, baseline) };
    let first = first.begin(scheduled);
    let (first, second) = match live.spec().order {
        Order::Simultaneous => {
            // Lets the first one go: else the scheduler, not chance, would say who is ahead.
            tokio::task::yield_now().await;
            tokio::join!(first, second.begin(scheduled))
        }
        Order::BackToBack => {
            let first = first.await;
            (first, second.begin(Instant::now()).await)
        }
    };
    let (first, second) = (first.map_err(gone)?, second.map_err(gone)?);
    let (baseline, candidate) = if next.baseline_first { (first, second) } else { (second, first) };
    judged(live, &baseline, &candidate)
}

fn gone<E>(_: E) -> DropReason {
    DropReason::Prober
}

fn judged(live: &Live, baseline: &Probe, candidate: &Probe) -> Result<Round, DropReason> {
    let delayed = |probe: &Probe| probe.recording.schedule_delay > DELAYED;
    if delayed(baseline) || delayed(candidate) {
        return Err(DropReason::Skipped(SkipReason::Late));
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
