//! A change after two days, seen by all methods on the same streams.

use llm_prober::regression::detect::{Change, Observed, PairDetector, Threshold, Tolerance};

use crate::THRESHOLD;
use crate::noise::{DAY, Load, Stream};
use crate::past::learnt;
use crate::rule::Rule;
use crate::runs::seeded;
use crate::summary::found;

/// Probes from the change to the first alarm within a day: pairs with δ = 0 and 5 %, the past with
/// δ = 10 %, the rule.
fn delays(seed: u64, load: Load, ratio: f64) -> [Option<usize>; 4] {
    let mut delays = [None; 4];
    let mut stream = Stream::new(seed, load);
    // The baseline beside it, under the same load.
    let mut baseline = Stream::new(seed + (1 << 32), load);
    let pairs = |delta| {
        let tolerance = Tolerance::new(delta).unwrap_or(Tolerance::PAIRS);
        PairDetector::new(tolerance, Threshold::of(THRESHOLD))
    };
    let mut pairs = [pairs(0.0), pairs(0.05)];
    let Ok(mut past) = learnt(&mut stream.clone(), DAY, true, 0.1, THRESHOLD) else {
        return delays;
    };
    let mut rule = Rule::new();
    for t in 0..3 * DAY {
        let changed = t >= 2 * DAY;
        let (hour, latency) = stream.next(if changed { ratio } else { 1.0 });
        let candidate = Observed::Finite(latency);
        let baseline = Observed::Finite(baseline.next(1.0).1);
        let pair = llm_prober::regression::detect::Pair { baseline, candidate };
        let raised = Some(Change::Raised);
        let alarms = [
            pairs[0].observe(pair) == raised,
            pairs[1].observe(pair) == raised,
            t >= DAY && past.observe(hour, candidate) == raised,
            rule.observe(latency),
        ];
        for (delay, alarm) in delays.iter_mut().zip(alarms) {
            if changed && alarm && delay.is_none() {
                *delay = Some(t + 1 - 2 * DAY);
            }
        }
    }
    delays
}

pub fn run(effort: u64) {
    let runs = 100 * effort;
    println!(
        "\n## Beside the usual rule: probes from a change to an alarm within a day (share found), \
         {runs} runs\nthe same streams for all; a reference of one day, δ = 10 % for the past; at 0 % every alarm is \
         false"
    );
    println!(
        "{:>8} {:>8} {:>18} {:>18} {:>18} {:>18}",
        "swing", "slower", "pairs, δ = 0", "pairs, δ = 5 %", "past", "usual rule"
    );
    for swing in [0.0, 0.5] {
        for percent in [0.0, 5.0, 10.0, 20.0, 50.0] {
            let load = Load { swing, correlation: 0.0 };
            let all = seeded(runs, |seed| delays(seed, load, 1.0 + percent / 100.0));
            let of = |method: usize| found(&all.iter().map(|d| d[method]).collect::<Vec<_>>());
            println!(
                "{:>8} {percent:>6} % {:>18} {:>18} {:>18} {:>18}",
                format!("±{swing}"),
                of(0),
                of(1),
                of(2),
                of(3)
            );
        }
    }
}
