//! Writes the state now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// So much is lost when the program is killed.
const INTERVAL: Duration = Duration::from_secs(60);

/// A large state takes longer to write; it is written less often, so that it costs no more than
/// this share of one core.
const REST: u32 = 50;

/// Calls `write` now and then, where blocking is allowed, until stopped.
pub async fn keep(write: Arc<dyn Fn() + Send + Sync>, stop: CancellationToken) {
    let mut rest = INTERVAL;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
        let started = Instant::now();
        let write = Arc::clone(&write);
        if tokio::task::spawn_blocking(move || write()).await.is_err() {
            tracing::error!("writing the state panicked");
        }
        rest = INTERVAL.max(started.elapsed() * REST);
    }
}
