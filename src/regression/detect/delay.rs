//! What is learnt of noise, is learnt late.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// So many scores late, or as many as a quarter of those that there are.
const MOST: usize = 64;
const QUARTER: usize = 4;

/// An alarm that is over within so many observations was an episode of noise: what it was made of is
/// learnt then. Of a longer one nothing is.
const EPISODE: usize = 240;

/// Keeps what is learnt of noise some way behind what is bet on: when a change is found, hardly
/// anything of it has been taken for noise. While an alarm is on nothing is learnt.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Delay(VecDeque<Exact>);

impl Delay {
    /// Takes up a score, after `learnt` that were learnt so far; the one that is to be learnt now, if
    /// one is.
    pub fn next(&mut self, score: f64, learnt: u64) -> Option<f64> {
        self.0.push_back(Exact(score));
        self.due(learnt)
    }

    /// A score that is to be learnt now, if one is.
    pub fn due(&mut self, learnt: u64) -> Option<f64> {
        let learnt = usize::try_from(learnt).unwrap_or(usize::MAX);
        let behind = (learnt.saturating_add(self.0.len()) / QUARTER).min(MOST);
        if self.0.len() > behind { self.0.pop_front().map(|score| score.0) } else { None }
    }

    /// Keeps a score until the alarm that is on is over. What is kept of a long one is of no use:
    /// [`Delay::skip`].
    pub fn hold(&mut self, score: f64) {
        if self.0.len() < MOST + EPISODE {
            self.0.push_back(Exact(score));
        }
    }

    /// Whether an alarm that was on for so many observations was an episode.
    pub fn was_episode(observations: usize) -> bool {
        observations <= EPISODE
    }

    /// What has not been learnt never is.
    pub fn skip(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact by design

    use super::*;

    #[test]
    fn every_score_is_learnt_once_in_order_and_late() {
        let (mut delay, mut learnt) = (Delay::default(), 0);
        for now in 0..1_000_u32 {
            if let Some(score) = delay.next(f64::from(now), u64::from(learnt)) {
                assert!((score - f64::from(learnt)).abs() < 1e-12);
                learnt += 1;
            }
            let behind = now + 1 - learnt;
            assert!(behind <= 64 && (now < 10 || behind >= (now / 4).min(63)), "{now} {behind}");
        }
        delay.skip();
        assert_eq!(delay.next(7.0, 1_000), None);
        // What was held is due when the alarm is over, but for what is too new.
        (0..1_000_u32).for_each(|score| delay.hold(f64::from(score)));
        let due: Vec<_> = std::iter::from_fn(|| delay.due(1_000)).collect();
        assert_eq!((due.len(), due[0], due[239]), (240, 7.0, 238.0));
        assert!(Delay::was_episode(240) && !Delay::was_episode(241));
    }
}
