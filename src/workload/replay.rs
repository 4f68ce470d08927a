//! The recorded arrivals of captured requests, again and again.

use std::time::Duration;

use super::Prompt;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// After the one before it; the first comes at once.
    pub after: Duration,
    /// Index of the prompt.
    pub prompt: usize,
}

/// Yields the requests of a workload in their recorded order with their recorded gaps, for ever.
/// From the last to the first it takes the mean gap.
#[derive(Debug, Clone)]
pub struct Replay {
    at: Vec<Duration>,
    speed: f64,
    next: usize,
    begun: bool,
}

impl Replay {
    /// The arrivals of `prompts`, `speed` times as fast as recorded. `None` where they are not
    /// captured requests with times, where no time passes between the first and the last, or where
    /// the speed is not a positive number.
    #[must_use]
    pub fn of(prompts: &[Prompt], speed: f64) -> Option<Self> {
        let at = |prompt: &Prompt| prompt.captured.as_ref()?.at;
        let at = prompts.iter().map(at).collect::<Option<Vec<_>>>()?;
        let passes = at.last() > at.first() && at.is_sorted();
        (passes && speed > 0.0 && speed.is_finite()).then_some(Self {
            at,
            speed,
            next: 0,
            begun: false,
        })
    }

    fn recorded_gap(&self) -> Duration {
        let (first, last) = (self.at[0], self.at[self.at.len() - 1]);
        match self.next.checked_sub(1) {
            Some(before) => self.at[self.next].saturating_sub(self.at[before]),
            None if self.begun => {
                let gaps = u32::try_from(self.at.len() - 1).unwrap_or(u32::MAX);
                last.saturating_sub(first) / gaps
            }
            None => Duration::ZERO,
        }
    }
}

impl Iterator for Replay {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        let seconds = self.recorded_gap().as_secs_f64() / self.speed;
        let after = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let due = Due { after, prompt: self.next };
        self.next = (self.next + 1) % self.at.len();
        self.begun = true;
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::captured::Captured;

    fn prompts(at: &[Option<u64>]) -> Vec<Prompt> {
        let prompt = |at: &Option<u64>| {
            let body = serde_json::json!({"prompt": "p"}).as_object().unwrap().clone();
            let at = at.map(Duration::from_secs);
            Prompt::captured(Captured { at, ..Captured::new(body).unwrap() })
        };
        at.iter().map(prompt).collect()
    }

    #[test]
    fn gaps_repeat_as_recorded() {
        let dues = |speed| {
            let replay = Replay::of(&prompts(&[Some(0), Some(1), Some(1), Some(6)]), speed);
            replay.unwrap().take(6).map(|d| (d.after.as_millis(), d.prompt)).collect::<Vec<_>>()
        };
        assert_eq!(dues(1.0), [(0, 0), (1000, 1), (0, 2), (5000, 3), (2000, 0), (1000, 1)]);
        assert_eq!(dues(2.0), [(0, 0), (500, 1), (0, 2), (2500, 3), (1000, 0), (500, 1)]);
    }

    #[test]
    fn without_times_there_is_nothing_to_replay() {
        let none = |prompts: &[Prompt], speed| assert!(Replay::of(prompts, speed).is_none());
        let good = prompts(&[Some(0), Some(1)]);
        assert!(Replay::of(&good, 1.0).is_some());
        none(&[], 1.0);
        none(&prompts(&[Some(0)]), 1.0);
        none(&prompts(&[Some(0), Some(0)]), 1.0);
        none(&prompts(&[Some(0), None]), 1.0);
        none(&[Prompt::user("a"), Prompt::user("b")], 1.0);
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            none(&good, speed);
        }
    }
}
