//! A probe that somebody else wants: it counts like the target's own, under the same limits.

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::probe::Probe;
use crate::skip::SkipReason;
use crate::workload::mix::Draw;

/// Commissions that may wait for a prober.
const WAITING: usize = 16;

/// Asks a prober for one probe.
#[derive(Debug)]
pub struct Commission {
    /// What to ask.
    pub draw: Draw,
    /// When it was wanted.
    pub scheduled: Instant,
    /// Whether it will be made.
    pub accepted: oneshot::Sender<Result<(), SkipReason>>,
    /// Starts it, with the instant at which it was meant to; without it nothing is sent.
    pub begin: oneshot::Receiver<Instant>,
    /// What came of it, after it was counted.
    pub done: oneshot::Sender<Probe>,
}

/// Where a prober takes commissions from.
pub type Commissions = mpsc::Receiver<Commission>;

/// Where to bring them.
pub type Desk = mpsc::Sender<Commission>;

/// A new desk.
#[must_use]
pub fn desk() -> (Desk, Commissions) {
    mpsc::channel(WAITING)
}
