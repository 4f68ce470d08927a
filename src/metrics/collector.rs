//! Walks the loaded targets at scrape time and writes every family with composed labels.

use std::fmt;
use std::sync::Arc;

use prometheus::collector::Collector;
use prometheus::encoding::DescriptorEncoder;
use prometheus::metrics::histogram::Histogram;
use prometheus::registry::Registry;

use super::change::{self, ChangeMetrics};
use super::comparison::ComparisonMetrics;
use super::families::{self, Family, OneProbe, PREFIX, TARGET_LABELS};
use super::gpu;
use super::process::ProcessStats;
use super::samples::{Encoding, Labels, SampleWriter};
use super::secondary::Secondary;
use super::state::{Loaded, State};
use super::target::TargetMetrics;
use crate::gpu::state::GpuView;

/// A registry whose only content is the walk.
pub(super) fn registry(state: &Arc<State>, encoding: Encoding) -> Registry {
    let mut registry = Registry::default();
    let probes = ProbeCollector { state: Arc::clone(state), encoding, prober: true };
    registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(probes));
    registry.register_collector(Box::new(ProcessCollector { encoding }));
    registry.register_collector(Box::new(DcgmCollector { state: Arc::clone(state), encoding }));
    registry
}

/// A registry of one probe on demand.
pub(super) fn registry_of_one(state: &Arc<State>, one: OneProbe, encoding: Encoding) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(OneProbeCollector { one, encoding }));
    let probes = ProbeCollector { state: Arc::clone(state), encoding, prober: false };
    registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(probes));
    registry
}

/// Families with our prefix.
#[derive(Debug)]
struct ProbeCollector {
    state: Arc<State>,
    encoding: Encoding,
    /// Whether the prober's own families are among them.
    prober: bool,
}

impl Collector for ProbeCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut writer = Writer { encoder, encoding: self.encoding };
        let loaded = self.state.loaded.load();
        let labels = |t: &TargetMetrics, workload| compose(t, workload, &loaded.label_keys);
        let targets = || loaded.targets.iter().map(|t| &**t);

        let workloads: Vec<_> = targets()
            .flat_map(|t| t.workloads.iter().map(move |w| (labels(t, &w.name), &**w)))
            .collect();
        let secondary: Vec<_> = targets()
            .flat_map(|t| t.secondary.iter().map(move |(name, x)| (labels(t, name), &**x)))
            .collect();
        let whole: Vec<_> = targets().map(|t| (labels(t, ""), t)).collect();

        writer.write(families::PROBES, &workloads)?;
        writer.write(families::PRIMARY, &workloads)?;
        writer.write(families::SCHEDULE_DELAY, &delays(&self.state, &secondary))?;
        writer.write(families::SECONDARY, &secondary)?;
        writer.write(families::SLO, &workloads)?;
        writer.write(families::SLO_CONSUMPTION, &secondary)?;
        writer.write(families::TARGET, &whole)?;
        writer.write(families::SERVER, &whole)?;
        writer.write(families::SERVER_LOAD, &secondary)?;
        if !self.prober {
            return Ok(());
        }
        let outages = self.state.outages.load();
        let outages = outages.iter().filter_map(|outage| {
            let target = loaded.targets.iter().find(|t| t.target.name == outage.target())?;
            Some((labels(target, ""), &**outage))
        });
        writer.write(families::OUTAGE, &outages.collect::<Vec<_>>())?;
        let comparisons = self.state.comparisons.load();
        let comparisons: Vec<_> = comparisons.iter().map(ComparisonMetrics::new).collect();
        let changes = changes(&self.state, &loaded, &comparisons);
        writer.write(families::CHANGE, &of(&change::streams(&changes)))?;
        writer.write(families::CHANGE_WORKLOAD, &of(&changes))?;
        let comparisons: Vec<_> = comparisons.iter().map(|c| (c.labels(), c)).collect();
        writer.write(families::COMPARISON, &comparisons)?;
        writer.write(families::PROBER, &[(Labels::default(), &self.state.prober)])?;
        self.state.gpus.load().as_deref().map_or(Ok(()), |view| writer.write_gpus(view))
    }
}

/// What a probe on demand is judged by.
#[derive(Debug)]
struct OneProbeCollector {
    one: OneProbe,
    encoding: Encoding,
}

impl Collector for OneProbeCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut writer = Writer { encoder, encoding: self.encoding };
        writer.write(families::ONE_PROBE, &[(Labels::default(), &self.one)])
    }
}

/// Families that go without our prefix.
#[derive(Debug)]
struct ProcessCollector {
    encoding: Encoding,
}

impl Collector for ProcessCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut writer = Writer { encoder, encoding: self.encoding };
        ProcessStats::read()
            .map_or(Ok(()), |stats| writer.write(families::PROCESS, &[(Labels::default(), &stats)]))
    }
}

/// Families with dcgm-exporter's names.
#[derive(Debug)]
struct DcgmCollector {
    state: Arc<State>,
    encoding: Encoding,
}

impl Collector for DcgmCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut writer = Writer { encoder, encoding: self.encoding };
        match (self.state.gpus.load().as_deref(), &self.state.dcgm_host) {
            (Some(view), Some(host)) => writer.write(families::DCGM, &gpu::dcgm(view, host)),
            _ => Ok(()),
        }
    }
}

struct Writer<'e> {
    encoder: DescriptorEncoder<'e>,
    encoding: Encoding,
}

impl Writer<'_> {
    /// Every family of one table, each over all sources.
    fn write<T>(&mut self, table: &[Family<T>], sources: &[(Labels, &T)]) -> fmt::Result {
        for family in table {
            let (name, unit) = family.descriptor();
            let mut encoder =
                self.encoder.encode_descriptor(name, family.help, unit.as_ref(), family.kind)?;
            for (labels, source) in sources {
                let mut samples = SampleWriter {
                    encoder: &mut encoder,
                    shared: labels,
                    names: family.labels,
                    encoding: self.encoding,
                };
                (family.samples)(source, &mut samples)?;
            }
        }
        Ok(())
    }

    /// A machine without GPUs has no families of theirs but the one that says so.
    fn write_gpus(&mut self, view: &GpuView) -> fmt::Result {
        self.write(families::GPU_DRIVER, &[(Labels::default(), view)])?;
        let (gpus, instances) = (gpu::gpus(view), gpu::instances(view));
        if !gpus.is_empty() {
            self.write(families::GPU, &gpus)?;
        }
        if !instances.is_empty() {
            self.write(families::GPU_INSTANCE, &instances)?;
        }
        Ok(())
    }
}

/// Where the lateness of the schedule is kept: the prober's own has no labels.
fn delays<'s>(
    state: &'s State,
    secondary: &[(Labels, &'s Secondary)],
) -> Vec<(Labels, &'s Histogram)> {
    let whole = state.prober.schedule_delay.iter().map(|delay| (Labels::default(), delay));
    let own = secondary.iter().filter_map(|(l, x)| Some((l.clone(), x.schedule_delay.own()?)));
    whole.chain(own).collect()
}

/// Every workload that is watched for a change; a comparison's has its candidate's labels.
fn changes(
    state: &State,
    loaded: &Loaded,
    comparisons: &[ComparisonMetrics],
) -> Vec<(Labels, ChangeMetrics)> {
    let watches = state.watches.load();
    let past = watches.iter().map(|w| (w.target(), change::of_past(w)));
    let compared = comparisons.iter();
    let compared = compared.map(|c| (&*c.live.spec().candidate.name, change::of_comparison(c)));
    let labelled = past.chain(compared).filter_map(|(name, workloads)| {
        let target = loaded.targets.iter().find(|t| t.target.name == name)?;
        let labels = |workload: &str| compose(target, workload, &loaded.label_keys);
        Some(workloads.into_iter().map(move |watched| (labels(&watched.workload), watched)))
    });
    labelled.flatten().collect()
}

/// Sources as [`Writer::write`] wants them.
fn of<T>(sources: &[(Labels, T)]) -> Vec<(Labels, &T)> {
    sources.iter().map(|(labels, source)| (labels.clone(), source)).collect()
}

fn compose(target: &TargetMetrics, workload: &str, keys: &[String]) -> Labels {
    let values = [target.target.name.clone(), (*target.model()).clone(), workload.to_owned()];
    let own = keys.iter().map(|key| {
        let value = target.target.labels.get(key).cloned().unwrap_or_default();
        (key.clone(), value)
    });
    let fixed = TARGET_LABELS.iter().map(|&name| name.to_owned()).zip(values);
    fixed.chain(own).collect()
}
