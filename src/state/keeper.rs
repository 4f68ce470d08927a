//! Writes the state now and then.

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// So much is lost when the program is killed.
const INTERVAL: Duration = Duration::from_secs(60);

/// A large state takes longer to write; it is written less often, so that it costs no more than
/// this share of one core.
const REST: u32 = 50;

/// Calls `write` now and then, where blocking is allowed, and `told` with what came of it, until
/// stopped.
pub async fn keep<W, T>(write: W, told: T, stop: CancellationToken)
where
    W: Fn() -> io::Result<()> + Clone + Send + Sync + 'static,
    T: Fn(&io::Result<()>) + Send + Sync,
{
    let mut rest = INTERVAL;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
        let started = Instant::now();
        let written = tokio::task::spawn_blocking(write.clone()).await;
        told(&written.unwrap_or_else(|panicked| Err(io::Error::other(panicked))));
        rest = INTERVAL.max(started.elapsed() * REST);
    }
}
