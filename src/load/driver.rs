//! The one loop that makes load: wait until something is due, begin it, take up what has ended.

use std::ops::ControlFlow;

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Says when what is to be begun, and takes up what came of it.
pub trait Policy {
    /// What one of the things begun amounts to.
    type Output: Send + 'static;

    /// When the next one is due, while so many are under way. `None`: not before one of those has
    /// ended, or [`Policy::replanned`]; without any under way, never again.
    fn due(&self, under_way: usize) -> Option<Instant>;

    /// Begins what is due at `due`, with so many under way; `None` where it was skipped.
    fn begin(&mut self, due: Instant, under_way: usize)
    -> Option<BoxFuture<'static, Self::Output>>;

    /// One has ended; `None`: by a panic. A break ends the load at once, and gives up the others.
    fn ended(&mut self, output: Option<Self::Output>) -> ControlFlow<()>;

    /// Resolves when something else is due, for a reason that lies outside of the load.
    fn replanned(&self) -> impl Future<Output = ()> {
        std::future::pending()
    }
}

/// Makes load by a policy.
pub struct Driver<P: Policy> {
    /// On the heap: a task takes the memory of all that is moved into it at least twice.
    policy: Box<P>,
    under_way: JoinSet<P::Output>,
    stop: CancellationToken,
}

impl<P: Policy> Driver<P> {
    /// A driver that begins nothing more after `stop`.
    #[must_use]
    pub fn new(policy: P, stop: CancellationToken) -> Self {
        Self { policy: Box::new(policy), under_way: JoinSet::new(), stop }
    }

    /// Runs until nothing more is due or wanted and all that was begun has ended, and gives the
    /// policy back.
    pub async fn run(mut self) -> Box<P> {
        while !self.stop.is_cancelled() {
            let due = self.policy.due(self.under_way.len());
            if due.is_none() && self.under_way.is_empty() {
                return self.policy;
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(ended) = self.under_way.join_next() => {
                    if self.policy.ended(ended.ok()).is_break() {
                        return self.policy;
                    }
                }
                () = self.policy.replanned() => {}
                due = sleep_until(due) => {
                    if let Some(begun) = self.policy.begin(due, self.under_way.len()) {
                        self.under_way.spawn(begun);
                    }
                }
            }
        }
        while let Some(ended) = self.under_way.join_next().await {
            if self.policy.ended(ended.ok()).is_break() {
                break;
            }
        }
        self.policy
    }
}

async fn sleep_until(due: Option<Instant>) -> Instant {
    match due {
        Some(due) => {
            // Asked to wait for now, the timer waits for its next millisecond: a closed loop of a
            // thousand users would not be full within a second.
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
            due
        }
        None => std::future::pending().await,
    }
}
