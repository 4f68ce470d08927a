use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::answer::failure::FailureReason;
use crate::answer::skip::SkipReason;
use crate::probe::Probing;
use crate::probe::sink::{
    ProbeEvent, Sink, SinkName, SinkPanics, TargetSink, TargetSinks, TargetStatus,
};
use crate::regression::comparison::{Comparison, DropReason, Order, Source};
use crate::regression::detect::Tolerance;
use crate::target::budget::{Charge, Ledger};
use crate::target::schedule::{Arrival, Schedule};
use crate::target::{Budget, Target};
use crate::testing;
use crate::transport::Transport;
use crate::workload::Mix;
use crate::workload::mix::Draw;

const SECOND: Duration = Duration::from_secs(1);

fn draw(target: &Target) -> Draw {
    Mix::new(&target.workloads, 1).draw().unwrap()
}

fn limits(in_flight: usize) -> Limits {
    Limits { in_flight, ..Limits::of(&testing::target("t")) }
}

fn refused(admission: &Admission, scheduled: Instant) -> Option<SkipReason> {
    admission.admit(&draw(&testing::target("t")), scheduled).err()
}

#[tokio::test(start_paused = true)]
async fn an_arrival_that_is_noticed_late_means_nothing() {
    let at = Instant::now();
    let admission =
        Admission::new(Limits { interval: Some(SECOND / 10), ..limits(1) }, Ledger::default());
    tokio::time::advance(SECOND).await;
    assert_eq!(refused(&admission, at), None, "a second is not late");
    tokio::time::advance(SECOND / 1000).await;
    assert_eq!(refused(&admission, at), Some(SkipReason::Late));
    let slow =
        Admission::new(Limits { interval: Some(2 * SECOND), ..limits(1) }, Ledger::default());
    assert_eq!(refused(&slow, at), None);
    let unscheduled = Admission::new(Limits::only_in_flight(1), Ledger::default());
    tokio::time::advance(3600 * SECOND).await;
    assert_eq!((refused(&slow, at), refused(&unscheduled, at)), (Some(SkipReason::Late), None));
}

#[tokio::test(start_paused = true)]
async fn a_place_is_taken_until_the_permit_goes() {
    let admission = Admission::new(limits(2), Ledger::default());
    let (target, now) = (testing::target("t"), Instant::now());
    let one = admission.admit(&draw(&target), now).unwrap();
    let other = admission.admit(&draw(&target), now).unwrap();
    assert_eq!(refused(&admission, now), Some(SkipReason::InFlightLimit));
    drop(one);
    assert_eq!(refused(&admission, now), None);
    assert_eq!(admission.idle().now_or_never(), None, "the other one is there");
    drop(other);
    assert_eq!(admission.idle().now_or_never(), Some(()));
}

#[tokio::test(start_paused = true)]
async fn without_memory_there_is_no_place_anywhere() {
    let in_all = Arc::new(InAll::default());
    let admit = |name: &str| {
        let admission = Admission::new(limits(2), Ledger::default()).within(name, &in_all);
        refused(&admission, Instant::now())
    };
    assert_eq!([admit("one"), admit("other")], [None, None]);
    in_all.set_short_of_memory(true);
    assert_eq!([admit("one"), admit("other")], [Some(SkipReason::Prober); 2]);
    in_all.set_short_of_memory(false);
    assert_eq!([admit("one"), admit("other")], [None, None]);
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_has_cost_nothing() {
    let budget = Budget { output_tokens_per_day: Some(20), ..Budget::default() };
    let ledger = Ledger::default();
    let admission = Admission::new(Limits { budget, ..limits(9) }, ledger.clone());
    let (target, now) = (testing::target("t"), Instant::now()); // 16 tokens at most
    let admit = || admission.admit(&draw(&target), now);
    let (one, mut other) = (admit().unwrap(), admit().unwrap());
    assert_eq!(admit().unwrap_err(), SkipReason::Budget, "32 of 20 may be spent already");
    drop(one);
    let third = admit().unwrap();
    other.settle(Charge { input: 3, output: 9 });
    drop((other, third));
    let spent = serde_json::to_value(ledger.committed()).unwrap();
    assert_eq!(spent["output_tokens"], 9);
}

/// Begins something every second, which takes two and a half.
struct Ticks {
    next: Instant,
    left: u32,
    begun: Vec<usize>,
    ended: u32,
    panics: u32,
    enough: u32,
}

impl Policy for Ticks {
    type Output = ();

    fn due(&self, _: usize) -> Option<Instant> {
        (self.left > 0).then_some(self.next)
    }

    fn begin(&mut self, due: Instant, under_way: usize) -> Option<BoxFuture<'static, ()>> {
        (self.left, self.next) = (self.left - 1, due + SECOND);
        self.begun.push(under_way);
        let panics = self.left == 1;
        let skipped = self.left == 2;
        let task = async move {
            tokio::time::sleep(5 * SECOND / 2).await;
            assert!(!panics, "a defect");
        };
        (!skipped).then(|| task.boxed())
    }

    fn ended(&mut self, output: Option<()>) -> ControlFlow<()> {
        self.ended += 1;
        self.panics += u32::from(output.is_none());
        if self.ended == self.enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn ticks(left: u32, enough: u32) -> Ticks {
    Ticks { next: Instant::now(), left, begun: Vec::new(), ended: 0, panics: 0, enough }
}

#[tokio::test(start_paused = true)]
async fn a_driver_begins_what_is_due_and_waits_for_what_it_began() {
    let began = Instant::now();
    let end = Driver::new(ticks(6, 99), CancellationToken::new()).run().await;
    assert_eq!(end.begun, [0, 1, 2, 2, 1, 1], "the fourth was skipped");
    assert_eq!((end.ended, end.panics), (5, 1));
    assert_eq!(began.elapsed(), 5 * SECOND + 5 * SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_driver_begins_nothing_more() {
    let (stop, began) = (CancellationToken::new(), Instant::now());
    let stopping = async {
        tokio::time::sleep(3 * SECOND / 2).await;
        stop.cancel();
    };
    let driver = Driver::new(ticks(6, 99), stop.clone()).run();
    let (end, ()) = tokio::join!(driver, stopping);
    assert_eq!((end.begun.len(), end.ended), (2, 2));
    assert_eq!(began.elapsed(), 7 * SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn a_break_gives_up_the_others() {
    let began = Instant::now();
    let end = Driver::new(ticks(6, 1), CancellationToken::new()).run().await;
    assert_eq!((end.begun.len(), end.ended), (3, 1));
    assert_eq!(began.elapsed(), 5 * SECOND / 2);
}

/// So many at once, each of whom waits for the others.
struct AtOnce {
    left: usize,
    begun: Vec<Instant>,
}

impl Policy for AtOnce {
    type Output = ();

    fn due(&self, _: usize) -> Option<Instant> {
        (self.left > 0).then(Instant::now)
    }

    fn begin(&mut self, _: Instant, _: usize) -> Option<BoxFuture<'static, ()>> {
        self.left -= 1;
        self.begun.push(Instant::now());
        Some(tokio::time::sleep(SECOND).boxed())
    }

    fn ended(&mut self, _: Option<()>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The runtime's timer knows whole milliseconds only.
#[tokio::test(start_paused = true)]
async fn what_is_due_now_waits_for_no_timer() {
    tokio::time::advance(SECOND / 3000).await;
    let began = Instant::now();
    let load = AtOnce { left: 1000, begun: Vec::new() };
    let end = Driver::new(load, CancellationToken::new()).run().await;
    assert!(end.begun.iter().all(|at| *at == began), "{:?}", *end.begun.last().unwrap() - began);
    assert_eq!(end.begun.len(), 1000);
}

/// What a sink was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Sink for Told {
    fn name(&self) -> SinkName {
        SinkName::History
    }

    fn open(&self, _: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
        Some(Box::new(self.clone()))
    }
}

impl TargetSink for Told {
    fn tell(&self, event: ProbeEvent<'_>, _: TargetStatus) {
        self.0.lock().unwrap().push(match event {
            ProbeEvent::Began { .. } => "began".to_owned(),
            ProbeEvent::Skipped { reason, .. } => format!("skipped {reason}"),
            ProbeEvent::Over(probe) => match probe.outcome.reason() {
                None => "success".to_owned(),
                Some(reason) => reason.to_string(),
            },
        });
    }
}

/// A prober of a server that hangs up at once, or panics in the midst of the probe.
fn prober(name: &str, panics: bool, in_flight: usize) -> (Arc<Prober>, Told) {
    let target = Arc::new(Target { max_in_flight: in_flight, ..testing::target(name) });
    let dialer = Arc::new(move || {
        assert!(!panics, "a defect");
        tokio::io::duplex(1).0
    });
    let (told, transport) = (Told::default(), Transport::pipe(&target, dialer));
    let sinks = TargetSinks::open(&[&told], &target, SinkPanics::default());
    let admission = Admission::new(Limits::of(&target), Ledger::default());
    let probing = Arc::new(Probing::new(target, transport));
    let prober = Prober::new(probing, admission, sinks, Arc::default(), Stop::default());
    (Arc::new(prober), told)
}

#[tokio::test(start_paused = true)]
async fn every_probe_that_began_is_over_also_where_it_panics() {
    for (panics, reason) in [(false, "truncated"), (true, "internal")] {
        let (prober, told) = prober("t", panics, 1);
        let draw = draw(prober.target());
        let permit = prober.admit(&draw, Instant::now()).unwrap();
        let probe = Arc::clone(&prober).probe(permit, draw.clone(), None).await;
        assert_eq!(probe.outcome.reason().map(FailureReason::as_str), Some(reason));
        assert_eq!(told.take(), ["began", reason]);
        assert_eq!(probe.recording.schedule_delay, Duration::ZERO);
        assert!(prober.admit(&draw, Instant::now()).is_ok(), "the place is free again");
    }
}

#[tokio::test(start_paused = true)]
async fn skips_are_told_and_a_stopped_prober_admits_nothing() {
    let (prober, told) = prober("t", false, 1);
    let (draw, now) = (draw(prober.target()), Instant::now());
    let held = prober.admit(&draw, now).unwrap();
    let refusal = Refusal::Skipped(SkipReason::InFlightLimit);
    assert_eq!(prober.admit(&draw, now).unwrap_err(), refusal);
    assert_eq!(prober.admit_uncounted(&draw, now).unwrap_err(), refusal);
    assert_eq!(told.take(), ["skipped in_flight_limit"]);
    drop(held);
    prober.stop().arrivals.cancel();
    assert_eq!(prober.admit(&draw, now).unwrap_err(), Refusal::Stopped);
    assert!(told.take().is_empty());
}

/// A closed loop asks again when answered, so nothing of it is ever late or skipped.
#[tokio::test(start_paused = true)]
async fn a_closed_loop_makes_every_probe() {
    let (prober, told) = prober("t", false, 3);
    let draws = vec![draw(prober.target()); 20];
    let mut handed_over = 0;
    let users = ClosedLoop::new(prober, 3, draws, |_| {
        handed_over += 1;
        ControlFlow::Continue(())
    });
    drop(Driver::new(users, CancellationToken::new()).run().await);
    let told = told.take();
    let count = |what: &str| told.iter().filter(|t| *t == what).count();
    assert_eq!((handed_over, count("began"), count("truncated"), told.len()), (20, 20, 20, 40));
}

/// A round takes a place at both sides or at neither.
#[tokio::test(start_paused = true)]
async fn a_round_that_one_side_has_no_place_for_sends_nothing() {
    for order in [Order::Simultaneous, Order::BackToBack] {
        let ((baseline, told), (candidate, also_told)) =
            (prober("prod", false, 1), prober("next", false, 1));
        let spec = Comparison {
            name: "canary".to_owned(),
            baseline: Arc::clone(baseline.target()),
            candidate: Arc::clone(candidate.target()),
            workloads: vec![testing::workload("chat", Vec::new())],
            timing: Schedule { interval: SECOND, arrival: Arrival::Constant }.into(),
            order,
            tolerance: Tolerance::PAIRS,
            failure_margin: 0.01,
            slo_margin: 0.05,
            false_alarm_every: SECOND,
            answers: None,
        };
        let held = candidate.admit(&draw(candidate.target()), Instant::now()).unwrap();
        let done = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&done);
        let begun: PairBegun = Box::new(move || -> PairDone {
            let done = Arc::clone(&all);
            Box::new(move |pair| done.lock().unwrap().push(pair.map(drop)))
        });
        let sides = (Arc::clone(&baseline), Arc::clone(&candidate));
        let pairs = Pairs::new(&spec, sides, Source::new(&spec, 1), begun);
        let stop = CancellationToken::new();
        let later = async {
            tokio::time::sleep(3 * SECOND).await;
            let dropped = DropReason::Skipped(SkipReason::InFlightLimit);
            assert_eq!(std::mem::take(&mut *done.lock().unwrap()), [Err(dropped); 3], "{order:?}");
            assert!(told.take().is_empty(), "nothing was sent to the other side");
            assert_eq!(also_told.take(), ["skipped in_flight_limit"; 3]);
            drop(held);
            tokio::time::sleep(2 * SECOND).await;
            stop.cancel();
        };
        tokio::join!(Driver::new(pairs, stop.clone()).run(), later);
        assert_eq!(*done.lock().unwrap(), [Ok(()), Ok(())], "{order:?}");
        assert_eq!(told.take(), ["began", "truncated", "began", "truncated"]);
        assert_eq!(also_told.take(), ["began", "truncated", "began", "truncated"]);
    }
}
