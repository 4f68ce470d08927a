//! Since when evidence has been growing.

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// What one bet has gained since it was last no better off than at its beginning: where a change is
/// under way, it has begun about then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rise {
    ln: Exact,
    observations: u64,
}

impl Default for Rise {
    fn default() -> Self {
        Self { ln: Exact(0.0), observations: 0 }
    }
}

impl Rise {
    /// Takes up the bet's factor, in logarithms.
    pub fn add(&mut self, ln_factor: f64) {
        let ln = self.ln.0 + ln_factor;
        if ln > 0.0 {
            *self = Self { ln: Exact(ln), observations: self.observations + 1 };
        } else {
            *self = Self::default();
        }
    }

    /// Observations since it began.
    pub fn observations(&self) -> usize {
        usize::try_from(self.observations).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_the_last_time_that_nothing_was_gained() {
        let mut rise = Rise::default();
        for (ln_factor, expect) in [(0.1, 1), (0.1, 2), (-0.3, 0), (-0.1, 0), (0.2, 1), (-0.1, 2)] {
            rise.add(ln_factor);
            assert_eq!(rise.observations(), expect);
        }
    }
}
