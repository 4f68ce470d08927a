//! The queue with a clock: requests wait in it, and give their slot back when they are dropped.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::queue::{Occupancy, Queue, TicketId};

#[derive(Debug)]
pub(super) struct Line {
    clock: Clock,
    queue: Mutex<Queue>,
}

/// Counts from the simulator's creation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// Returns when `at` has come. Where it is past, others get their turn first, so that what
    /// was written before leaves on its own.
    pub async fn until(self, at: Duration) {
        if self.now() >= at {
            tokio::task::yield_now().await;
        } else {
            sleep_until(self.0 + at).await;
        }
    }
}

impl Line {
    pub fn new(clock: Clock, queue: Queue) -> Arc<Self> {
        Arc::new(Self { clock, queue: Mutex::new(queue) })
    }

    /// Joins the line; `None` if it is full.
    pub fn enter(self: &Arc<Self>) -> Option<Ticket> {
        let (id, granted) = self.queue().enter(self.clock.now())?;
        Some(Ticket { line: Arc::clone(self), id, granted })
    }

    /// Slots and line now.
    pub fn occupancy(&self) -> Occupancy {
        self.queue().occupancy(self.clock.now())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }
}

/// A place in line, then a slot. Dropping it gives back either.
#[derive(Debug)]
pub(super) struct Ticket {
    line: Arc<Line>,
    id: TicketId,
    granted: oneshot::Receiver<Duration>,
}

impl Ticket {
    /// Waits for the slot and returns the instant at which it was granted, which may lie a little
    /// before this returns. To be called once.
    pub async fn granted(&mut self) -> Duration {
        let clock = self.line.clock;
        loop {
            let change = {
                let mut queue = self.line.queue();
                queue.advance(clock.now());
                queue.next_change()
            };
            tokio::select! {
                biased;
                // The queue lives as long as this ticket and drops no sender unsent.
                at = &mut self.granted => return at.unwrap_or_else(|_| clock.now()),
                () = until_change(clock, change) => {}
            }
        }
    }
}

async fn until_change(clock: Clock, change: Option<Duration>) {
    match change {
        Some(at) => clock.until(at).await,
        None => std::future::pending().await,
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.line.queue().leave(self.id, self.line.clock.now());
    }
}
