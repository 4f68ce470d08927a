//! What is learnt of noise, is learnt late.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// So many scores late, or as many as a quarter of those that there are.
const MOST: usize = 64;
const QUARTER: usize = 4;

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
        let learnt = usize::try_from(learnt).unwrap_or(usize::MAX);
        let behind = (learnt.saturating_add(self.0.len()) / QUARTER).min(MOST);
        if self.0.len() > behind { self.0.pop_front().map(|score| score.0) } else { None }
    }

    /// What has not been learnt never is.
    pub fn skip(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
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
    }
}
