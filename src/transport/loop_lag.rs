//! How late an event loop gets to what is due: a task that asks to be woken now and then.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Tells `observe` how long after its due time this task ran, again and again. The timer itself
/// wakes at whole milliseconds, so about 1 ms is no lag.
pub async fn watch(observe: impl Fn(Duration)) {
    loop {
        let due = Instant::now() + EVERY;
        sleep_until(due).await;
        observe(due.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_past_due_is_the_lag() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(watch(move |lag| into.lock().unwrap().push(lag)));
        tokio::task::yield_now().await;
        // The loop does nothing else for a while.
        tokio::time::advance(EVERY + Duration::from_millis(40)).await;
        tokio::task::yield_now().await;
        tokio::time::advance(EVERY).await;
        tokio::task::yield_now().await;
        assert_eq!(*seen.lock().unwrap(), [Duration::from_millis(40), Duration::ZERO]);
    }
}
