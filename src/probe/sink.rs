//! Who is told of a target's probes: what logs them, remembers them, counts them, learns from them,
//! keeps them on disk. Whoever makes probes delivers them here and knows none of them.
//!
//! A sink is opened per target, and anew when the target changes, so that a probe of the target as
//! it was is never written into the one that it is now. A sink does not block: one that writes to
//! a disk or a network has a bounded queue of its own and counts what it loses. One that panics
//! ends no probing and keeps no other from being told; the panic is counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strum::{EnumCount, IntoStaticStr, VariantArray};

use super::Probe;
use crate::answer::skip::SkipReason;
use crate::target::Target;
use crate::target::request::ProbeId;
use crate::workload::Workload;

/// The sinks, in the order in which they are told; label values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum SinkName {
    /// The log.
    Log,
    /// The recent past, for people.
    History,
    /// What Prometheus scrapes.
    Metrics,
    /// The target against its own past.
    Change,
    /// Whether the target answers.
    Outage,
    /// Records on disk. After the history, which knows what is odd.
    FlightRecorder,
}

/// What a sink is told.
#[derive(Debug, Clone, Copy)]
pub enum ProbeEvent<'a> {
    /// A probe begins; [`ProbeEvent::Over`] follows in any case.
    Began {
        /// The probe's id.
        id: &'a ProbeId,
        /// What is asked.
        workload: &'a Workload,
    },
    /// An arrival of the schedule was not probed.
    Skipped {
        /// What would have been asked.
        workload: &'a Workload,
        /// Why.
        reason: SkipReason,
    },
    /// A probe is over.
    Over(&'a Probe),
}

/// Whether the target that a sink was opened for is still what is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetStatus {
    /// It is.
    Active,
    /// It was changed since, or the program ends: nothing is to be learnt from it any more.
    Retired,
    /// There is no target of its name any more: its probes leave no trace.
    Removed,
}

/// Something that is told of probes.
pub trait Sink {
    /// Which one it is.
    fn name(&self) -> SinkName;

    /// A sink for the probes of this target as it is now; `None` where nothing is done with them.
    fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>>;
}

/// A sink of one target. Several probes may be told of at the same time.
pub trait TargetSink: Send + Sync {
    /// Takes up what happened. Must not block.
    fn tell(&self, event: ProbeEvent<'_>, status: TargetStatus);
}

/// How much a sink with a queue of its own has lost: there was no room for it, or it could not be
/// written. A clone counts together with the original.
#[derive(Debug, Clone, Default)]
pub struct Losses(Arc<AtomicU64>);

impl Losses {
    /// Counts one.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Losses since the start.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often each sink has panicked. A clone counts together with the original.
#[derive(Debug, Clone, Default)]
pub struct SinkPanics(Arc<[AtomicU64; SinkName::COUNT]>);

impl SinkPanics {
    fn count(&self, name: SinkName) {
        self.0[name as usize].fetch_add(1, Ordering::Relaxed);
        // Not the panic's own words: they may quote a probe.
        let sink: &str = name.into();
        tracing::error!(sink, "a defect: what is told of probes here is lost");
    }

    /// Each sink with its panics since the start.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let count = |name: SinkName| self.0[name as usize].load(Ordering::Relaxed);
        SinkName::VARIANTS.iter().map(move |&name| (name.into(), count(name)))
    }
}

/// All sinks of one target.
#[derive(Default)]
pub struct TargetSinks {
    all: Vec<(SinkName, Box<dyn TargetSink>)>,
    panics: SinkPanics,
}

impl TargetSinks {
    /// Opens each of `sinks` for the target; they are told in this order.
    #[must_use]
    pub fn open(sinks: &[&dyn Sink], target: &Arc<Target>, panics: SinkPanics) -> Self {
        let mut all = Vec::new();
        for sink in sinks {
            let opened = catch_unwind(AssertUnwindSafe(|| sink.open(target)));
            match opened {
                Ok(opened) => all.extend(opened.map(|opened| (sink.name(), opened))),
                Err(_) => panics.count(sink.name()),
            }
        }
        Self { all, panics }
    }

    /// Tells every sink, whatever becomes of the others.
    pub fn tell(&self, event: ProbeEvent<'_>, status: TargetStatus) {
        for (name, sink) in &self.all {
            if catch_unwind(AssertUnwindSafe(|| sink.tell(event, status))).is_err() {
                self.panics.count(*name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::answer::measure::Measurement;
    use crate::testing;

    type Told = Arc<Mutex<Vec<(SinkName, &'static str)>>>;

    /// Notes what it is told, and then does as its target's name says.
    struct Noting(SinkName, Told);

    impl Sink for Noting {
        fn name(&self) -> SinkName {
            self.0
        }

        fn open(&self, target: &Arc<Target>) -> Option<Box<dyn TargetSink>> {
            let sink: Box<dyn TargetSink> = Box::new(Self(self.0, Arc::clone(&self.1)));
            assert_ne!(target.name, "bad", "a defect");
            (target.name != "none").then_some(sink)
        }
    }

    impl TargetSink for Noting {
        fn tell(&self, event: ProbeEvent<'_>, _: TargetStatus) {
            let what = match event {
                ProbeEvent::Began { .. } => "began",
                ProbeEvent::Skipped { .. } => "skipped",
                ProbeEvent::Over(_) => "over",
            };
            self.1.lock().unwrap().push((self.0, what));
            assert_ne!((self.0, what), (SinkName::Metrics, "over"), "a defect");
        }
    }

    #[test]
    fn a_sink_that_panics_keeps_no_other_from_being_told() {
        let (told, panics) = (Told::default(), SinkPanics::default());
        let names = [SinkName::History, SinkName::Metrics, SinkName::Change];
        let sinks = names.map(|name| Noting(name, Arc::clone(&told)));
        let sinks = sinks.each_ref().map(|sink| sink as &dyn Sink);
        let open = |name: &str| {
            TargetSinks::open(&sinks, &Arc::new(testing::target(name)), panics.clone())
        };
        let opened = open("t");
        let workload = testing::workload("chat", Vec::new());
        let outcome = testing::outcome(Measurement::default());
        let recording = testing::recording();
        let probe = Probe::new(ProbeId::random(), Arc::clone(&workload), recording, outcome);
        let events = [
            ProbeEvent::Began { id: &probe.id, workload: &workload },
            ProbeEvent::Over(&probe),
            ProbeEvent::Skipped { workload: &workload, reason: SkipReason::Late },
        ];
        for event in events {
            opened.tell(event, TargetStatus::Active);
        }
        let expect: Vec<_> = ["began", "over", "skipped"]
            .into_iter()
            .flat_map(|what| names.map(|name| (name, what)))
            .collect();
        assert_eq!(*told.lock().unwrap(), expect);
        let counted = |name: &str| panics.iter().find(|(n, _)| *n == name).unwrap().1;
        assert_eq!(["history", "metrics", "change"].map(counted), [0, 1, 0]);

        open("none").tell(ProbeEvent::Over(&probe), TargetStatus::Active);
        assert_eq!(told.lock().unwrap().len(), expect.len());
        open("bad").tell(ProbeEvent::Over(&probe), TargetStatus::Active);
        assert_eq!(["history", "metrics", "flight_recorder"].map(counted), [1, 2, 0]);
    }
}
