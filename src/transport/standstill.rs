//! Notices that the prober itself stands still: its process is stopped, its machine suspended, or its
//! thread gets no time. What an exchange looks like then is not the server's doing.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::answer::recording::{Recording, TimestampSource};

/// Time between two looks. As much may go unnoticed.
const EVERY: Duration = Duration::from_millis(500);

/// Without the kernel's stamps, an answer that waited for so long in the socket has come late for
/// whoever looks at its figures.
const LONGEST: Duration = Duration::from_secs(1);

/// Watches the thread and the machine beside one exchange.
#[derive(Debug)]
pub(super) struct Standstill {
    /// When it is looked at next.
    due: Instant,
    longest: Duration,
    /// Until the exchange began.
    suspended: Duration,
}

impl Standstill {
    pub fn new() -> Self {
        Self { due: Instant::now() + EVERY, longest: Duration::ZERO, suspended: suspended() }
    }

    /// Looks again and again; to be polled beside the exchange, on its thread.
    pub async fn watch(&mut self) -> Infallible {
        loop {
            sleep_until(self.due).await;
            self.look();
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        self.longest = self.longest.max(now.saturating_duration_since(self.due));
        self.due = now + EVERY;
    }

    /// How long it stood still, if that was so long that the recording says nothing about the server.
    /// The kernel stamps what comes meanwhile, so with its stamps only what was waited for in vain is
    /// spoilt: by a standstill as long as the time-out for a stall.
    pub fn spoilt(mut self, recording: &Recording, stall_timeout: Duration) -> Option<Duration> {
        self.look();
        let still = self.longest.max(suspended().saturating_sub(self.suspended));
        let longest = match recording.timestamp_source() {
            TimestampSource::Kernel => stall_timeout.max(LONGEST),
            TimestampSource::Task => LONGEST,
        };
        (still >= longest).then_some(still)
    }
}

/// How long this machine was suspended since it was started: the one clock goes on meanwhile, the other
/// one does not.
#[cfg(target_os = "linux")]
fn suspended() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    // In this order: being interrupted between the two is no suspension.
    let with = read(ClockId::Boottime);
    with.saturating_sub(read(ClockId::Monotonic))
}

/// It is not known.
#[cfg(not(target_os = "linux"))]
fn suspended() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::recording::{Arrival, Offset};
    use crate::testing;

    /// Watched for a minute, of which the thread gets no time for so long.
    async fn stood_still(long: Duration) -> Standstill {
        let mut standstill = Standstill::new();
        let watched = Duration::from_secs(30);
        let _ = tokio::time::timeout(watched, standstill.watch()).await;
        tokio::time::advance(long).await;
        let _ = tokio::time::timeout(watched, standstill.watch()).await;
        standstill
    }

    #[tokio::test(start_paused = true)]
    async fn with_kernel_stamps_only_what_was_waited_for_in_vain_is_spoilt() {
        let arrived = |kernel| {
            let arrival = Arrival { read: 0, task: Offset(2_000_000), kernel };
            Recording { first_byte: Some(arrival), ..testing::recording() }
        };
        let by_task = arrived(None);
        let by_kernel = arrived(Some(by_task.clock.unix_at_start + 2_000_000));
        assert_eq!(by_task.timestamp_source(), TimestampSource::Task);
        assert_eq!(by_kernel.timestamp_source(), TimestampSource::Kernel);

        let check = async |seconds: f64, recording: &Recording, expect: bool| {
            let standstill = stood_still(Duration::from_secs_f64(seconds)).await;
            let spoilt = standstill.spoilt(recording, Duration::from_secs(10));
            assert_eq!(spoilt.is_some(), expect, "{seconds} s: {spoilt:?}");
        };
        check(0.0, &by_task, false).await;
        check(0.9, &by_task, false).await;
        check(1.6, &by_task, true).await;
        check(1.6, &by_kernel, false).await;
        check(9.0, &by_kernel, false).await;
        check(10.6, &by_kernel, true).await;
    }

    /// The exchange may end before anybody looks again.
    #[tokio::test(start_paused = true)]
    async fn a_standstill_at_the_very_end_counts() {
        let standstill = Standstill::new();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(standstill.spoilt(&testing::recording(), Duration::from_secs(10)).is_some());
    }
}
