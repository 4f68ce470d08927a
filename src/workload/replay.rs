//! The recorded arrivals of captured requests, again and again.

use std::sync::Arc;
use std::time::Duration;

use super::Workload;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// After the one before it; the first comes at once.
    pub after: Duration,
    /// Index of the workload.
    pub workload: usize,
    /// Index of the prompt among the workload's.
    pub prompt: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arrival {
    /// Since the first, at the speed of the replay.
    at: Duration,
    workload: usize,
    prompt: usize,
}

/// Why requests cannot be sent at their recorded times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Of the replay.
    #[error("the speed is not a number above 0, expected one")]
    Speed,
    /// Or none at all was recorded.
    #[error(
        "no time passes between the captured requests, expected at least two, at different times"
    )]
    NoTime,
    /// The workload of this name.
    #[error(
        "workload `{0}` has no captured requests, expected `requests`, `mooncake` or `burstgpt` as \
         its prompts"
    )]
    NotCaptured(String),
    /// The workload of this name.
    #[error("the requests of workload `{0}` have no times, expected a `timestamp` each")]
    NoTimes(String),
}

/// The captured requests of some workloads in the order of their arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    arrivals: Arc<[Arrival]>,
    speed: f64,
    interval: Duration,
}

impl Replay {
    /// The arrivals of these workloads, `speed` times as fast as recorded. Several workloads are
    /// merged by their wall clocks.
    ///
    /// # Errors
    /// Says what was expected where there is a workload without captured requests or without their
    /// times, where no time passes between the first and the last, or where the speed is not a
    /// positive number.
    pub fn of(workloads: &[Arc<Workload>], speed: f64) -> Result<Self, ReplayError> {
        if !(speed > 0.0 && speed.is_finite()) {
            return Err(ReplayError::Speed);
        }
        let mut arrivals = Vec::new();
        for (index, workload) in workloads.iter().enumerate() {
            arrivals.extend(recorded(index, workload)?);
        }
        // Stable: what arrived at the same instant stays in the order of the file.
        arrivals.sort_by_key(|arrival| arrival.at);
        let first = arrivals.first().map_or(Duration::ZERO, |arrival| arrival.at);
        for arrival in &mut arrivals {
            let seconds = arrival.at.saturating_sub(first).as_secs_f64() / speed;
            arrival.at = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        }
        let last = arrivals.last().map_or(Duration::ZERO, |arrival| arrival.at);
        let gaps = u32::try_from(arrivals.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let interval = last.checked_div(gaps).unwrap_or_default();
        if interval.is_zero() {
            return Err(ReplayError::NoTime);
        }
        Ok(Self { arrivals: arrivals.into(), speed, interval })
    }

    /// How many times as fast as recorded.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The mean gap, at the speed of the replay; also the pause from the last request to the first.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The requests in their recorded order with their recorded gaps, for ever.
    pub fn dues(&self) -> impl Iterator<Item = Due> + Send + Sync + use<> {
        let Self { arrivals, interval, .. } = self.clone();
        let mut before: Option<usize> = None;
        std::iter::repeat_with(move || {
            let next = before.map_or(0, |before| (before + 1) % arrivals.len());
            let Arrival { at, workload, prompt } = arrivals[next];
            let after = match before {
                None => Duration::ZERO,
                Some(_) if next == 0 => interval,
                Some(before) => at.saturating_sub(arrivals[before].at),
            };
            before = Some(next);
            Due { after, workload, prompt }
        })
    }
}

/// By the wall clock, or since the trace began.
fn recorded(index: usize, workload: &Workload) -> Result<Vec<Arrival>, ReplayError> {
    let name = &workload.name;
    let arrival = |(prompt, request): (usize, &super::Prompt)| {
        if request.captured.is_none() && request.made.is_none() {
            return Err(ReplayError::NotCaptured(name.clone()));
        }
        let at = request.at().ok_or_else(|| ReplayError::NoTimes(name.clone()))?;
        Ok(Arrival { at, workload: index, prompt })
    };
    workload.prompts.iter().enumerate().map(arrival).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{captured, workload};

    /// Milliseconds, workload and prompt of the first ones.
    fn dues(workloads: &[Arc<Workload>], speed: f64, most: usize) -> Vec<(u128, usize, usize)> {
        let dues = Replay::of(workloads, speed).unwrap().dues();
        dues.take(most).map(|d| (d.after.as_millis(), d.workload, d.prompt)).collect()
    }

    #[test]
    fn gaps_repeat_as_recorded() {
        let workloads = [captured("w", &[Some(50), Some(51), Some(51), Some(56)])];
        let mut expect =
            [(0, 0, 0), (1000, 0, 1), (0, 0, 2), (5000, 0, 3), (2000, 0, 0), (1000, 0, 1)];
        assert_eq!(dues(&workloads, 1.0, 6), expect);
        for due in &mut expect {
            due.0 /= 2;
        }
        assert_eq!(dues(&workloads, 2.0, 6), expect);
        let interval = |speed| Replay::of(&workloads, speed).unwrap().interval();
        assert_eq!((interval(1.0).as_secs(), interval(0.5).as_secs()), (2, 4));
    }

    #[test]
    fn workloads_are_merged_by_their_wall_clocks() {
        let workloads = [captured("w", &[Some(10), Some(13)]), captured("w", &[Some(9), Some(13)])];
        let expect = [(0, 1, 0), (1000, 0, 0), (3000, 0, 1), (0, 1, 1), (1333, 1, 0)];
        assert_eq!(dues(&workloads, 1.0, 5), expect);
    }

    #[test]
    fn without_times_there_is_nothing_to_replay() {
        let refused = |workloads: &[Arc<Workload>], speed, part: &str| {
            let why = Replay::of(workloads, speed).unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        };
        let good = captured("w", &[Some(0), Some(1)]);
        assert!(Replay::of(&[Arc::clone(&good)], 1.0).is_ok());
        refused(&[], 1.0, "no time passes");
        refused(&[captured("w", &[Some(0)])], 1.0, "no time passes");
        refused(&[captured("w", &[Some(7), Some(7)])], 1.0, "no time passes");
        refused(&[Arc::clone(&good), captured("w", &[Some(0), None])], 1.0, "`w` have no times");
        refused(&[workload("w", Vec::new())], 1.0, "`w` has no captured requests");
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            refused(&[Arc::clone(&good)], speed, "the speed");
        }
    }
}
