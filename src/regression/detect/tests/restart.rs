//! A restart in mid-stream changes nothing, down to the last bit; and no input breaks anything.

use std::time::Duration;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::inputs::{Round, round};
use crate::regression::detect::{
    Alpha, Estimate, LatencyReferenceBuilder, MissDetector, MissGate, Observed, PairDetector,
    PairGate, PastDetector, ShareDetector, ShareReferenceBuilder, Threshold, Tolerance,
};

/// All there is, as one state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    pair: PairDetector,
    gate: PairGate,
    misses: MissDetector,
    miss_gate: MissGate,
    past: PastDetector,
    share: ShareDetector,
    latency_builder: LatencyReferenceBuilder,
    share_builder: ShareReferenceBuilder,
}

impl Everything {
    /// Low thresholds, so that alarms come and go.
    fn new(reference: &[Round]) -> Self {
        let mut latencies = LatencyReferenceBuilder::default();
        let mut shares = ShareReferenceBuilder::default();
        for i in 0..600 {
            let round = &reference[i % reference.len()];
            latencies.add(round.hour, round.pair.baseline);
            shares.add(round.hour, i % 17 == 0);
        }
        // A reference that may have failed mostly is replaced by a healthy one.
        let healthy = || {
            let mut healthy = LatencyReferenceBuilder::default();
            (0..600).for_each(|_| healthy.add(reference[0].hour, Observed::Finite(0.5)));
            healthy.freeze().unwrap()
        };
        let threshold = Threshold::of(20.0);
        Self {
            pair: PairDetector::new(Tolerance::PAIRS, threshold),
            gate: PairGate::new(Tolerance::PAIRS, Alpha::DEFAULT, Duration::from_secs(15)),
            misses: MissDetector::new(threshold),
            miss_gate: MissGate::new(0.01, Alpha::DEFAULT).unwrap(),
            past: PastDetector::new(
                latencies.freeze().unwrap_or_else(|_| healthy()),
                Tolerance::TTFT,
                threshold,
            ),
            share: ShareDetector::new(shares.freeze(0.005).unwrap(), threshold),
            latency_builder: latencies,
            share_builder: shares,
        }
    }

    fn observe(&mut self, round: &Round) {
        self.pair.observe(round.pair);
        self.gate.observe(round.pair);
        self.misses.observe(round.misses);
        self.miss_gate.observe(round.misses);
        self.past.observe(round.hour, round.pair.candidate);
        self.share.observe(round.hour, round.misses.candidate);
        self.latency_builder.add(round.hour, round.pair.candidate);
        self.share_builder.add(round.hour, round.misses.candidate);
    }

    /// Every statistic that may be absent but must be a number where it is not.
    fn statistics(&self) -> Vec<Option<f64>> {
        let effect = |estimate: Option<Estimate>| {
            estimate.map_or([None; 3], |e| [e.lower, e.ratio, e.upper])
        };
        let mut all = vec![
            self.pair.evidence_log10(),
            self.past.evidence_log10(),
            self.misses.evidence_log10(),
            self.share.evidence_log10(),
            Some(self.gate.regressed_log10()),
            Some(self.gate.not_worse_log10()),
            Some(self.miss_gate.regressed_log10()),
            Some(self.miss_gate.not_worse_log10()),
            self.misses.recent_difference(),
        ];
        for estimate in [self.pair.effect(), self.gate.effect(), self.past.effect()] {
            all.extend(effect(estimate));
        }
        all
    }
}

fn bits(statistics: &[Option<f64>]) -> Vec<Option<u64>> {
    statistics.iter().map(|s| s.map(f64::to_bits)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_statistic_survives_to_the_last_bit(
        rounds in prop::collection::vec(round(), 1..400), at in 0.0..1.0_f64,
    ) {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = (rounds.len() as f64 * at) as usize;
        let mut steady = Everything::new(&rounds);
        let mut restarted = steady.clone();
        for (i, round) in rounds.iter().enumerate() {
            if i == at {
                restarted = serde_json::from_str(&serde_json::to_string(&restarted).unwrap()).unwrap();
            }
            steady.observe(round);
            restarted.observe(round);
            prop_assert_eq!(bits(&steady.statistics()), bits(&restarted.statistics()));
        }
        prop_assert_eq!(serde_json::to_string(&steady).unwrap(), serde_json::to_string(&restarted).unwrap());
    }

    #[test]
    fn no_input_gives_what_is_no_number(rounds in prop::collection::vec(round(), 1..400)) {
        let mut everything = Everything::new(&rounds);
        for round in &rounds {
            everything.observe(round);
            for statistic in everything.statistics().into_iter().flatten() {
                prop_assert!(statistic.is_finite(), "{statistic}");
            }
            for ratio in [everything.pair.recent_ratio(), everything.past.recent_ratio()] {
                prop_assert!(ratio.is_none_or(|ratio| ratio >= 0.0));
            }
        }
        for estimate in [everything.gate.effect(), everything.past.effect()].into_iter().flatten() {
            if let (Some(ratio), Some(lower)) = (estimate.ratio, estimate.lower) {
                prop_assert!(lower <= ratio);
            }
            if let (Some(ratio), Some(upper)) = (estimate.ratio, estimate.upper) {
                prop_assert!(ratio <= upper);
            }
        }
    }
}

#[test]
fn a_state_that_was_tampered_with_is_refused() {
    let gate = PairGate::new(Tolerance::PAIRS, Alpha::DEFAULT, Duration::from_secs(15));
    let json = serde_json::to_string(&gate).unwrap();
    for (from, to, expected) in [
        (r#""tolerance":"5e-2""#, r#""tolerance":"-1""#, "a tolerance that is finite"),
        (r#""alpha":"1e-2""#, r#""alpha":"2""#, "a probability between 0 and 1"),
        (r#""logs":["0e0","#, r#""logs":["#, "expected 8 wealths, found 7"),
        (r#""logs":["0e0","#, r#""logs":["NaN","#, "a number as text"),
    ] {
        let tampered = json.replace(from, to);
        assert_ne!(tampered, json, "{json}");
        let error = serde_json::from_str::<PairGate>(&tampered).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
