//! Walks the loaded targets at scrape time and writes every family with composed labels.

use std::fmt;
use std::sync::Arc;

use super::change::{self, ChangeMetrics};
use super::comparison::ComparisonMetrics;
use super::encode::{Descriptor, Encoder, Labels};
use super::families::{self, Family, OneProbe, PREFIX};
use super::gpu;
use super::process::ProcessStats;
use super::samples::SampleWriter;
use super::secondary::Secondary;
use super::state::{Loaded, State};
use super::sweep::SweepMetrics;
use super::target::TargetMetrics;
use super::target_labels::TargetLabels;
use super::workload::WorkloadMetrics;
use crate::gpu::state::GpuView;

/// The targets in force, each with its labels.
struct Targets<'l> {
    loaded: &'l Loaded,
    labels: Vec<Arc<TargetLabels>>,
}

impl<'l> Targets<'l> {
    fn new(loaded: &'l Loaded) -> Self {
        let labels = loaded.targets.iter().map(|t| t.labels(&loaded.label_names));
        Self { loaded, labels: labels.collect() }
    }

    fn each(&self) -> impl Iterator<Item = (&TargetLabels, &'l TargetMetrics)> + Clone {
        self.labels.iter().map(|l| &**l).zip(self.loaded.targets.iter().map(|t| &**t))
    }

    fn whole(&self) -> impl Iterator<Item = (&Labels, &'l TargetMetrics)> + Clone {
        self.each().map(|(labels, target)| (labels.whole(), target))
    }

    fn workloads(&self) -> impl Iterator<Item = (&Labels, &'l WorkloadMetrics)> + Clone {
        self.each().flat_map(|(labels, target)| {
            target.workloads.iter().filter_map(move |w| Some((labels.of(&w.name)?, &**w)))
        })
    }

    fn secondary(&self) -> impl Iterator<Item = (&Labels, &'l Secondary)> + Clone {
        self.each().flat_map(|(labels, target)| {
            target.secondary.iter().filter_map(move |(name, x)| Some((labels.of(name)?, &**x)))
        })
    }

    /// `None` for a target that is not in force.
    fn labels(&self, target: &str) -> Option<&TargetLabels> {
        self.loaded.position(target).map(|at| &*self.labels[at])
    }
}

/// One walk over everything that is exposed.
pub(super) struct Walk<'a, 'o> {
    pub encoder: &'a mut Encoder<'o>,
    pub state: &'a State,
}

impl Walk<'_, '_> {
    /// Writes every family, or those about `one` probe on demand.
    pub fn all(&mut self, one: Option<&OneProbe>) -> fmt::Result {
        let (state, none) = (self.state, Labels::default());
        let loaded = state.loaded.load();
        let targets = Targets::new(&loaded);
        if let Some(one) = one {
            self.write("", families::ONE_PROBE, &[(&none, one)].into_iter())?;
            self.write_probes(&targets)?;
            return self.encoder.finish();
        }
        if let Some(process) = ProcessStats::read() {
            self.write("", families::PROCESS, &[(&none, &process)].into_iter())?;
        }
        let gpus = state.gpus.load();
        if let (Some(view), Some(host)) = (gpus.as_deref(), &state.dcgm_host) {
            self.write("", families::DCGM, &of(&gpu::dcgm(view, host)))?;
        }
        self.write_probes(&targets)?;
        self.write_watched(&targets)?;
        self.write(PREFIX, families::PROBER, &[(&none, &state.prober)].into_iter())?;
        gpus.as_deref().map_or(Ok(()), |view| self.write_gpus(view))?;
        self.encoder.finish()
    }

    fn write_probes(&mut self, targets: &Targets<'_>) -> fmt::Result {
        self.write(PREFIX, families::PROBES, &targets.workloads())?;
        self.write(PREFIX, families::PRIMARY, &targets.workloads())?;
        // The prober's own has no labels.
        let none = Labels::default();
        let of_prober = self.state.prober.schedule_delay.iter().map(|delay| (&none, delay));
        let own = targets.secondary().filter_map(|(l, x)| Some((l, x.schedule_delay.own()?)));
        self.write(PREFIX, families::SCHEDULE_DELAY, &of_prober.chain(own))?;
        self.write(PREFIX, families::SECONDARY, &targets.secondary())?;
        self.write(PREFIX, families::SLO, &targets.workloads())?;
        self.write(PREFIX, families::SLO_CONSUMPTION, &targets.secondary())?;
        self.write(PREFIX, families::TARGET, &targets.whole())?;
        self.write(PREFIX, families::SERVER, &targets.whole())?;
        self.write(PREFIX, families::SERVER_LOAD, &targets.secondary())
    }

    /// Outages, changes, comparisons and sweeps.
    fn write_watched(&mut self, targets: &Targets<'_>) -> fmt::Result {
        let outages = self.state.outages.load();
        let outages = outages
            .iter()
            .filter_map(|outage| Some((targets.labels(outage.target())?.whole(), &**outage)));
        self.write(PREFIX, families::OUTAGE, &outages)?;
        let comparisons = self.state.comparisons.load();
        let comparisons: Vec<_> = comparisons.iter().map(ComparisonMetrics::new).collect();
        let changes = changes(self.state, targets, &comparisons);
        let workloads = changes.iter().map(|(labels, workload)| (*labels, workload));
        self.write(PREFIX, families::CHANGE, &workloads)?;
        self.write(PREFIX, families::CHANGE_WORKLOAD, &workloads)?;
        let comparisons: Vec<_> = comparisons.iter().map(|c| (c.labels(), c)).collect();
        self.write(PREFIX, families::COMPARISON, &of(&comparisons))?;
        let sweeps = self.state.sweeps.load();
        let sweeps: Vec<_> = sweeps.iter().map(SweepMetrics::new).collect();
        // While a reload is under way, a target may be swept that is gone already.
        let labels = |sweep: &SweepMetrics| Some(targets.labels(&sweep.spec.target.name)?.whole());
        let sweeps = sweeps.iter().filter_map(|sweep| Some((labels(sweep)?, sweep)));
        self.write(PREFIX, families::SWEEP, &sweeps)
    }

    /// A machine without GPUs has no families of theirs but the one that says so.
    fn write_gpus(&mut self, view: &GpuView) -> fmt::Result {
        self.write(PREFIX, families::GPU_DRIVER, &[(&Labels::default(), view)].into_iter())?;
        let (gpus, instances) = (gpu::gpus(view), gpu::instances(view));
        if !gpus.is_empty() {
            self.write(PREFIX, families::GPU, &of(&gpus))?;
        }
        if !instances.is_empty() {
            self.write(PREFIX, families::GPU_INSTANCE, &of(&instances))?;
        }
        Ok(())
    }

    /// Every family of one table, each over all sources.
    fn write<'s, T: 's>(
        &mut self,
        prefix: &'static str,
        table: &[Family<T>],
        sources: &(impl Iterator<Item = (&'s Labels, &'s T)> + Clone),
    ) -> fmt::Result {
        for family in table {
            self.encoder.family(&Descriptor {
                prefix,
                name: family.name,
                kind: family.kind,
                help: family.help,
                unit: family.unit(),
            })?;
            for (shared, source) in sources.clone() {
                let encoder = &mut *self.encoder;
                let mut samples = SampleWriter { encoder, shared, names: family.labels };
                (family.samples)(source, &mut samples)?;
            }
        }
        Ok(())
    }
}

/// Every workload that is watched for a change; a comparison's has its candidate's labels.
fn changes<'t>(
    state: &State,
    targets: &'t Targets<'_>,
    comparisons: &[ComparisonMetrics],
) -> Vec<(&'t Labels, ChangeMetrics)> {
    let watches = state.watches.load();
    let past = watches.iter().map(|w| (w.target(), change::of_past(w)));
    let compared = comparisons.iter();
    let compared = compared.map(|c| (&*c.live.spec().candidate.name, change::of_comparison(c)));
    let mut labelled = Vec::new();
    for (name, workloads) in past.chain(compared) {
        let Some(labels) = targets.labels(name) else { continue };
        if labelled.is_empty() {
            // Most have as many as the first: there may be tens of thousands, which growing would
            // hold twice.
            labelled.reserve_exact(workloads.len() * watches.len());
        }
        // While a reload is under way, a workload may be watched that is gone already.
        let of = |(workload, watched): (String, _)| Some((labels.of(&workload)?, watched));
        labelled.extend(workloads.into_iter().filter_map(of));
    }
    labelled
}

/// Sources as [`Walk::write`] wants them.
fn of<'s, T>(sources: &'s [(Labels, &'s T)]) -> impl Iterator<Item = (&'s Labels, &'s T)> + Clone {
    sources.iter().map(|(labels, source)| (labels, *source))
}
