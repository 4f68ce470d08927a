//! A number of probes of one target from the command line, some at a time.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::error::CliError;
use crate::cli::shutdown;
use crate::config::Config;
use crate::load::{Admission, ClosedLoop, Driver, Limits, Prober, Stop};
use crate::probe::sink::TargetSinks;
use crate::probe::{Probe, Probing};
use crate::target::Target;
use crate::target::budget::Ledger;
use crate::transport::{IoThreads, Transport, resources};
use crate::workload::mix::Draw;
use crate::workload::{Mix, Workload};

/// The target of this name.
pub(super) fn target(config: &Config, name: &str) -> Result<Arc<Target>, CliError> {
    let found = config.targets.iter().find(|t| t.name == name);
    found.cloned().ok_or_else(|| {
        let names: Vec<_> = config.targets.iter().map(|t| t.name.as_str()).collect();
        CliError::Usage(format!("no target `{name}`, expected one of: {}", names.join(", ")))
    })
}

/// The target's workload of this name, if one is given.
pub(super) fn workload(
    target: &Target,
    name: Option<&str>,
) -> Result<Option<Arc<Workload>>, CliError> {
    let Some(name) = name else { return Ok(None) };
    let found = target.workloads.iter().find(|w| w.name == name);
    found.cloned().map(Some).ok_or_else(|| {
        let names: Vec<_> = target.workloads.iter().map(|w| w.name.as_str()).collect();
        CliError::Usage(format!("no workload `{name}`, expected one of: {}", names.join(", ")))
    })
}

/// The first draws, of all workloads by weight or of one alone.
pub(super) fn draws(mut mix: Mix, only: Option<&Arc<Workload>>, count: u32) -> Vec<Draw> {
    let mut draw = || match only {
        Some(workload) => mix.draw_from(workload),
        None => mix.draw(),
    };
    (0..count).filter_map(|_| draw()).collect()
}

/// The means to probe a target over the network, which end with the threads.
pub(super) fn probing(
    target: Arc<Target>,
    io_threads: u16,
) -> Result<(Arc<Probing>, IoThreads), CliError> {
    resources::raise_open_files(0);
    let io = IoThreads::start(usize::from(io_threads));
    let io = io.map_err(|e| CliError::Failed(e.to_string()))?;
    let transport = Transport::network(&target, &io).map_err(CliError::failed)?;
    Ok((Arc::new(Probing::new(target, transport)), io))
}

/// Keeps `concurrency` probes under way until all are done, and hands each over as it ends. Says
/// whether all were made: a request to end gives up those under way. `each` may have seen enough,
/// which ends it as well; what it saw then is all there was to be made.
pub(super) async fn run<E>(
    probing: &Arc<Probing>,
    draws: Vec<Draw>,
    concurrency: u32,
    mut each: impl FnMut(&Probe) -> Result<ControlFlow<()>, E>,
) -> Result<bool, E> {
    let (users, stop) = (concurrency as usize, Stop::default());
    let cancel = stop.probes.clone();
    // What it may cost was said by whoever asked for so many.
    let admission = Admission::new(Limits::only_in_flight(users), Ledger::default());
    let sinks = TargetSinks::default();
    let prober = Prober::new(Arc::clone(probing), admission, sinks, Arc::default(), stop);
    let (mut seen_enough, mut failed) = (false, None);
    let load = ClosedLoop::new(Arc::new(prober), users, draws, |probe| match each(&probe) {
        Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
        Ok(ControlFlow::Break(())) => {
            seen_enough = true;
            ControlFlow::Break(())
        }
        Err(why) => {
            failed = Some(why);
            ControlFlow::Break(())
        }
    });
    {
        let mut load = std::pin::pin!(Driver::new(load, cancel.clone()).run());
        tokio::select! {
            () = shutdown::requested() => {
                cancel.cancel();
                load.await;
            }
            _ = &mut load => {}
        }
    }
    failed.map_or(Ok(seen_enough || !cancel.is_cancelled()), Err)
}
