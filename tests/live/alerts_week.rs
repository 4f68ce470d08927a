//! A week of virtual traffic through the shipped rules: nothing fires while the load swings from day
//! to night, and a time to first token that is 15 % longer is told within an hour.
//!
//! Per target one probe in 5 seconds at random instants, two workloads, log-normal times (σ 0.25)
//! with 2 % threefold ones, ±30 % over the day, ±1 % from day to day, and 0.1 % failures; seeded.

use std::f64::consts::TAU;
use std::fmt::Write as _;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Poisson};

use crate::common::promtool::test_rules;

/// Samples per day: one in five minutes, so that the evaluation of a week takes seconds.
const PER_DAY: usize = 288;
const DAYS: usize = 8;
/// At noon of the last day.
const SLOWER_FROM: usize = 7 * PER_DAY + PER_DAY / 2;
const PROBES_PER_STEP: f64 = 60.0;

/// Name, share of the probes and usual time to first token.
const WORKLOADS: [(&str, f64, f64); 2] = [("chat", 0.75, 0.2), ("rag", 0.25, 0.8)];

/// Counters of one workload, in the order of [`SERIES`].
type Counters = [f64; 11];

const SERIES: [(&str, &str); 11] = [
    ("probes_total", ""),
    ("probe_failures_total", ", reason=\"http_status\""),
    ("time_to_first_token_seconds_count", ""),
    ("time_to_first_token_seconds_sum", ""),
    ("inter_token_latency_seconds_count", ""),
    ("inter_token_latency_seconds_sum", ""),
    ("output_tokens_per_second_count", ""),
    ("output_tokens_per_second_sum", ""),
    ("slo_probes_total", ", slo=\"interactive\""),
    ("slo_good_probes_total", ", slo=\"interactive\""),
    ("slo_missed_total", ", slo=\"interactive\", objective=\"longest_gap\""),
];

struct Traffic {
    rng: ChaCha8Rng,
    counters: [Counters; 2],
    day_factor: f64,
}

impl Traffic {
    fn probe(&mut self, factor: f64) {
        let which = usize::from(self.rng.random::<f64>() >= WORKLOADS[0].1);
        let noise = |rng: &mut ChaCha8Rng, sigma| LogNormal::new(0.0, sigma).unwrap().sample(rng);
        let tail = if self.rng.random::<f64>() < 0.02 { 3.0 } else { 1.0 };
        let ttft = WORKLOADS[which].2 * factor * tail * noise(&mut self.rng, 0.25);
        let itl = 0.02 * noise(&mut self.rng, 0.15);
        let failed = self.rng.random::<f64>() < 0.001;
        let good = f64::from(u8::from(!failed && ttft <= 5.0));
        let counters = &mut self.counters[which];
        let failed = f64::from(u8::from(failed));
        let figure = 1.0 - failed;
        let more = [
            1.0,
            failed,
            figure,
            figure * ttft,
            figure,
            figure * itl,
            figure,
            figure / itl,
            1.0,
            good,
            0.0,
        ];
        for (counter, more) in counters.iter_mut().zip(more) {
            *counter += more;
        }
    }

    /// Five minutes.
    fn step(&mut self, step: usize, slower: f64) {
        if step.is_multiple_of(PER_DAY) {
            self.day_factor = LogNormal::new(0.0, 0.01).unwrap().sample(&mut self.rng);
        }
        #[allow(clippy::cast_precision_loss)] // a few thousand
        let swing = 1.0 + 0.3 * (TAU * (step % PER_DAY) as f64 / PER_DAY as f64).sin();
        let probes: f64 = Poisson::new(PROBES_PER_STEP).unwrap().sample(&mut self.rng);
        let mut left = probes;
        while left >= 1.0 {
            self.probe(swing * self.day_factor * slower);
            left -= 1.0;
        }
    }
}

/// The series of one target in the notation of promtool.
fn target(name: &str, seed: u64, slowdown: f64) -> String {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let mut traffic = Traffic { rng, counters: [[0.0; 11]; 2], day_factor: 1.0 };
    let mut values = vec![vec![String::from("0"); SERIES.len()]; 2];
    for step in 0..DAYS * PER_DAY {
        traffic.step(step, if step < SLOWER_FROM { 1.0 } else { slowdown });
        for (texts, counters) in values.iter_mut().zip(&traffic.counters) {
            for (text, value) in texts.iter_mut().zip(counters) {
                let _ = write!(text, " {value:.3}");
            }
        }
    }
    let mut yaml = String::new();
    let labels = format!("job=\"llm-prober\", instance=\"a:9829\", target=\"{name}\"");
    for (workload, values) in WORKLOADS.iter().zip(values) {
        for ((metric, own), values) in SERIES.iter().zip(values) {
            let labels = format!("{labels}, workload=\"{}\"{own}", workload.0);
            let _ = writeln!(yaml, "      - series: 'llm_prober_{metric}{{{labels}}}'");
            let _ = writeln!(yaml, "        values: '{values}'");
        }
    }
    let objective = format!("llm_prober_slo_objective_ratio{{{labels}, slo=\"interactive\"}}");
    let _ = writeln!(yaml, "      - series: '{objective}'\n        values: '0.99x2304'");
    yaml
}

/// A unit test for promtool over these series.
fn unit_test(series: &str, expectations: &[(usize, &str, Option<usize>)]) -> String {
    let files = ["slo", "probes", "regression"];
    let files = files
        .map(|f| format!("  - {}/alerts/llm-prober-{f}.rules.yml\n", env!("CARGO_MANIFEST_DIR")));
    let groups = [
        "slo-records",
        "slo-budget",
        "slo-alerts",
        "stream-records",
        "target-alerts",
        "outage-alerts",
        "prober-alerts",
        "ttft-records",
        "itl-records",
        "throughput-records",
        "errors-records",
        "regression-alerts",
    ];
    let groups = groups.map(|g| format!("  - llm-prober-{g}\n"));
    let mut checks = String::new();
    for (step, expression, count) in expectations {
        let samples = count.map_or("[]".to_owned(), |n| format!("[{{value: {n}}}]"));
        let _ = writeln!(
            checks,
            "      - eval_time: {}m\n        expr: '{expression}'\n        exp_samples: {samples}",
            step * 5
        );
    }
    format!(
        "rule_files:\n{}evaluation_interval: 5m\ngroup_eval_order:\n{}tests:\n  - interval: 5m\n    \
         input_series:\n      - series: 'llm_prober_build_info{{job=\"llm-prober\"}}'\n        \
         values: '1x2304'\n{series}    promql_expr_test:\n{checks}",
        files.concat(),
        groups.concat()
    )
}

#[test]
fn a_week_of_swinging_load_is_quiet_and_fifteen_percent_are_told_within_an_hour() {
    // More of them give better figures, and take longer.
    let targets = std::env::var("LLM_PROBER_WEEK_TARGETS").map_or(1, |n| n.parse().unwrap());
    let healthy: String =
        (1..=targets).map(|i| target(&format!("healthy-{i}"), i as u64, 1.0)).collect();
    let slower: String =
        (1..=targets).map(|i| target(&format!("slower-{i}"), 100 + i as u64, 1.15)).collect();
    let ever = |alerts: &str| {
        format!("count(count_over_time(ALERTS{{alertstate=\"firing\", {alerts}}}[8d]))")
    };
    let told = "count(ALERTS{alertname=\"LLMProberTTFTRegression\", alertstate=\"firing\", \
                severity=\"warning\", target=~\"slower.*\"})";
    let test = unit_test(
        &(healthy + &slower),
        &[
            (DAYS * PER_DAY, &ever("target=~\"healthy.*\""), None),
            (SLOWER_FROM, &ever("target=~\"slower.*\""), None),
            (SLOWER_FROM + 12, told, Some(targets)),
        ],
    );
    let file = tempfile::Builder::new().suffix(".test.yml").tempfile().unwrap();
    std::fs::write(file.path(), test).unwrap();
    test_rules(file.path());
}
