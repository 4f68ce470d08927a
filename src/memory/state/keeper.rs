//! Writes the state now and then.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::WriteError;

/// A very large state takes longer to write; it is written less often, so that there is four times as
/// much rest as work.
const REST: u32 = 4;

/// Calls `write` after `first` and then every so often, where blocking is allowed, and `told` with
/// what came of it, until stopped.
pub async fn keep<W, T>(
    first: Duration,
    every: Duration,
    write: W,
    told: T,
    stop: CancellationToken,
) where
    W: Fn() -> Result<(), WriteError> + Clone + Send + Sync + 'static,
    T: Fn(&Result<(), WriteError>) + Send + Sync,
{
    let mut rest = first;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
        let started = Instant::now();
        let written = tokio::task::spawn_blocking(write.clone()).await;
        told(&written.unwrap_or_else(|panicked| Err(WriteError::other(panicked))));
        rest = every.max(started.elapsed() * REST);
    }
}
