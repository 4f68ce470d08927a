//! How long prefill and tokens take.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::config::SimulatorConfig;
use super::script::Conditions;

#[derive(Debug, Clone)]
pub(super) struct Pace {
    ttft: Duration,
    seconds_per_input_token: f64,
    itl: Duration,
    jitter: f64,
}

impl Pace {
    pub fn new(config: &SimulatorConfig) -> Self {
        Self {
            ttft: config.ttft,
            seconds_per_input_token: config.prefill_rate.map_or(0.0, f64::recip),
            itl: config.itl,
            jitter: config.jitter,
        }
    }

    /// From the slot to the first token, for a prompt of which `tokens` have to be computed.
    pub fn prefill(&self, tokens: u32, now: Conditions, rng: &mut ChaCha8Rng) -> Duration {
        let computed = seconds(f64::from(tokens) * self.seconds_per_input_token);
        scaled(self.ttft + computed, now.ttft_factor * self.factor(rng))
    }

    /// From one token to the next.
    pub fn gap(&self, now: Conditions, rng: &mut ChaCha8Rng) -> Duration {
        scaled(self.itl, now.itl_factor * self.factor(rng))
    }

    /// Log-normal with mean 1. Without jitter nothing is drawn and times are exact.
    fn factor(&self, rng: &mut ChaCha8Rng) -> f64 {
        if self.jitter <= 0.0 {
            return 1.0;
        }
        let normal: f64 = rng.sample(StandardNormal);
        (self.jitter * normal - self.jitter * self.jitter / 2.0).exp()
    }
}

/// Longest time that one step can take, whatever factors and rates multiply to.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).map_or(LONGEST, |d| d.min(LONGEST))
}

fn scaled(base: Duration, factor: f64) -> Duration {
    seconds(base.as_secs_f64() * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const CALM: Conditions =
        Conditions { ttft_factor: 1.0, itl_factor: 1.0, load_factor: 1.0, slots: 1 };

    fn pace(jitter: f64) -> Pace {
        Pace::new(&SimulatorConfig {
            ttft: Duration::from_millis(50),
            prefill_rate: Some(1000.0),
            jitter,
            ..SimulatorConfig::default()
        })
    }

    #[test]
    fn prefill_is_a_fixed_part_and_a_part_per_token() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(pace(0.0).prefill(200, CALM, &mut rng), Duration::from_millis(250));
        let slow = Conditions { ttft_factor: 1.5, ..CALM };
        assert_eq!(pace(0.0).prefill(200, slow, &mut rng), Duration::from_millis(375));
        let slow = Conditions { itl_factor: 1.2, ..CALM };
        assert_eq!(pace(0.0).gap(slow, &mut rng), Duration::from_millis(12));
    }

    #[test]
    fn jitter_spreads_around_the_configured_mean() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let pace = pace(0.5);
        let gaps: Vec<f64> =
            (0..20_000).map(|_| pace.gap(CALM, &mut rng).as_secs_f64() * 1000.0).collect();
        let mean = gaps.iter().sum::<f64>() / 20_000.0;
        let log_square = gaps.iter().map(|g| (g / 10.0).ln().powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean - 10.0).abs() < 0.15, "{mean}");
        // Variance of the logarithm is σ² = 0.25, its mean −σ²/2.
        assert!((log_square - (0.25 + 0.125 * 0.125)).abs() < 0.01, "{log_square}");
    }
}
