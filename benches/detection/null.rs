//! Thirty days without a change: false alarms.

use llm_prober::regression::detect::{Change, Observed};

use crate::THRESHOLD;
use crate::noise::{DAY, Load, Stream};
use crate::past::{known, learnt};
use crate::rule::Rule;
use crate::runs::seeded;

/// Alarms in 30 days after a reference of one: without strata, with strata, and the rule's.
fn alarms(seed: u64, load: Load) -> [u32; 3] {
    let mut alarms = [0; 3];
    let detectors = [false, true].map(|strata| {
        let mut stream = Stream::new(seed, load);
        (learnt(&mut stream, DAY, strata, 0.1, THRESHOLD), strata)
    });
    let [(Ok(mut whole), _), (Ok(mut divided), _)] = detectors else {
        return alarms;
    };
    let mut stream = Stream::new(seed, load);
    let mut rule = Rule::new();
    for t in 0..31 * DAY {
        let (hour, latency) = stream.next(1.0);
        alarms[2] += u32::from(rule.observe(latency));
        if t < DAY {
            continue;
        }
        let raised = Some(Change::Raised);
        let latency = Observed::Finite(latency);
        alarms[0] += u32::from(whole.observe(known(hour, false), latency) == raised);
        alarms[1] += u32::from(divided.observe(hour, latency) == raised);
    }
    alarms
}

#[allow(clippy::cast_precision_loss)]
fn told(alarms: &[u32]) -> String {
    let mean = f64::from(alarms.iter().sum::<u32>()) / alarms.len() as f64;
    let streams = alarms.iter().filter(|count| **count > 0).count();
    format!("{mean:.2} ({streams} of {})", alarms.len())
}

pub fn run(effort: u64) {
    let runs = 40 * effort;
    println!(
        "\n## False alarms in 30 days without a change (streams with any): past with δ = 10 %, \
         A = 172,800, R = 5,760; the usual rule"
    );
    println!("{:<32} {:>22} {:>22} {:>22}", "load", "whole day", "hour strata", "usual rule");
    let flat = Load::default();
    for (name, load) in [
        ("independent", flat),
        ("AR(1), ρ = 0.3", Load { correlation: 0.3, ..flat }),
        ("AR(1), ρ = 0.6", Load { correlation: 0.6, ..flat }),
        ("AR(1), ρ = 0.9", Load { correlation: 0.9, ..flat }),
        ("daily swing ±0.1", Load { swing: 0.1, ..flat }),
        ("daily swing ±0.3", Load { swing: 0.3, ..flat }),
        ("daily swing ±0.5, ρ = 0.3", Load { swing: 0.5, correlation: 0.3 }),
    ] {
        let all = seeded(runs, |seed| alarms(seed, load));
        let of = |method: usize| told(&all.iter().map(|a| a[method]).collect::<Vec<_>>());
        println!("{name:<32} {:>22} {:>22} {:>22}", of(0), of(1), of(2));
    }
}
