//! So many users, each of whom asks again when answered. Nothing is scheduled, so nothing is late: a
//! slower server is asked less often, which is what such a figure is about.

use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::driver::Policy;
use super::prober::Prober;
use crate::probe::Probe;
use crate::workload::mix::Draw;

/// Keeps so many probes under way until all are made.
pub struct ClosedLoop<F> {
    prober: Arc<Prober>,
    users: usize,
    waiting: std::vec::IntoIter<Draw>,
    each: F,
}

impl<F: FnMut(Probe) -> ControlFlow<()>> ClosedLoop<F> {
    /// Asks what was drawn, and hands over each probe as it ends; a break ends it all.
    #[must_use]
    pub fn new(prober: Arc<Prober>, users: usize, draws: Vec<Draw>, each: F) -> Self {
        Self { prober, users, waiting: draws.into_iter(), each }
    }
}

impl<F: FnMut(Probe) -> ControlFlow<()>> Policy for ClosedLoop<F> {
    type Output = Probe;

    fn due(&self, under_way: usize) -> Option<Instant> {
        (under_way < self.users && self.waiting.len() > 0).then(Instant::now)
    }

    fn begin(&mut self, due: Instant, _: usize) -> Option<BoxFuture<'static, Probe>> {
        let draw = self.waiting.next()?;
        let permit = self.prober.admit(&draw, due).ok()?;
        Some(Arc::clone(&self.prober).probe(permit, draw, None).boxed())
    }

    fn ended(&mut self, probe: Option<Probe>) -> ControlFlow<()> {
        probe.map_or(ControlFlow::Continue(()), &mut self.each)
    }
}
