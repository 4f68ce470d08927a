//! A sweep as it was configured.

use std::sync::Arc;
use std::time::Duration;

use super::timetable::Timetable;
use crate::answer::slo::{Objective, ObjectiveKind, Slo};
use crate::target::Target;
use crate::text::fnv::{BASIS, fnv1a};
use crate::workload::Workload;

/// What is swept, how, when, and how much that may cost.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledSweep {
    /// Name, a label value, unique.
    pub name: String,
    /// What is asked.
    pub target: Arc<Target>,
    /// With this workload alone; `None` draws from all that the target has.
    pub workload: Option<Arc<Workload>>,
    /// Users of each level, fewest first; at least one level.
    pub levels: Vec<u32>,
    /// Requests of each level, at least one for each of its users.
    pub requests_per_level: u32,
    /// Output tokens of one run, at most.
    pub most_output_tokens: u64,
    /// A run takes no longer than this.
    pub most_duration: Duration,
    /// When it is made.
    pub timetable: Timetable,
    /// The share of good requests that a level must have, 0 to 1.
    pub attainment: f64,
}

impl ScheduledSweep {
    /// What is drawn from.
    #[must_use]
    pub fn workloads(&self) -> &[Arc<Workload>] {
        self.workload.as_ref().map_or(&self.target.workloads, std::slice::from_ref)
    }

    /// Requests of one run, at most.
    #[must_use]
    pub fn requests(&self) -> u64 {
        u64::from(self.requests_per_level).saturating_mul(self.levels.len() as u64)
    }

    /// The strictest bound that an SLO sets to the time to first token; `None` where none does, or
    /// where answers are not streamed.
    #[must_use]
    pub fn ttft_bound(&self) -> Option<Duration> {
        let objectives = self.slos().flat_map(|slo| &slo.objectives);
        let bounds = objectives.filter_map(|Objective { kind, threshold, deadline }| match kind {
            ObjectiveKind::Ttft => Duration::try_from_secs_f64(*threshold).ok(),
            ObjectiveKind::Deadline => deadline.map(|deadline| deadline.ttft),
            _ => None,
        });
        bounds.min().filter(|_| self.target.stream)
    }

    fn slos(&self) -> impl Iterator<Item = &Arc<Slo>> {
        let covers = |slo: &&Arc<Slo>| self.workloads().iter().any(|w| slo.covers(&w.name));
        self.target.slos.iter().filter(covers)
    }

    /// The same for all sweeps whose knees may be held against each other: the same levels, asked the
    /// same of the same server, with the same meaning of good.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let Target { url, model, dialect, stream, .. } = &*self.target;
        let asked: Vec<_> =
            self.workloads().iter().map(|w| (&w.name, w.max_output_tokens)).collect();
        let slos: Vec<_> = self.slos().map(|slo| (&slo.name, &slo.objectives)).collect();
        let levels = (&self.levels, self.requests_per_level, self.attainment);
        let all = (url.as_str(), model, dialect.name(), stream, asked, slos, levels);
        fnv1a(BASIS, format!("{all:?}").as_bytes())
    }
}
