//! The alert that is shipped, evaluated by a real promtool over what a daemon exposed of an outage.

use std::fmt::Write;

use llm_prober::daemon::Daemon;

use super::{MINUTE, Mortal, row, since, start, yaml};
use crate::common::promtool::test_rules;
use crate::common::simulated::exact;
use crate::seconds;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/alerts/llm-prober-probes.rules.yml");

/// Between two scrapes.
const SCRAPE: u64 = 15;

/// What was scraped, from second 0 on.
#[derive(Default)]
struct Scraped {
    rows: Vec<u64>,
    since: Vec<f64>,
}

impl Scraped {
    async fn add(&mut self, daemon: &Daemon, minutes: u64) {
        for _ in 0..minutes * MINUTE / SCRAPE {
            // At second 0 the first probe is under way: nothing is known.
            let millis = since(daemon).unwrap_or_default();
            self.rows.push(row(daemon).unwrap_or_default());
            self.since.push(f64::from(u32::try_from(millis).unwrap()) / 1000.0);
            seconds(SCRAPE).await;
        }
    }

    fn now(&self) -> u64 {
        SCRAPE * u64::try_from(self.rows.len()).unwrap()
    }

    /// The second of the first scrape from `from` on that holds.
    fn first(&self, from: u64, holds: impl Fn(u64) -> bool) -> u64 {
        let at = (from / SCRAPE..).take_while(|i| i * SCRAPE < self.now());
        let mut found = at.filter(|i| holds(self.rows[usize::try_from(*i).unwrap()]));
        found.next().unwrap() * SCRAPE
    }
}

/// Whether it fires, at which second.
type Expected = Vec<(u64, bool)>;

fn test_file(scraped: &Scraped, expected: &Expected) -> String {
    let labels = r#"{job="llm-prober", instance="a", target="t", model="m"}"#;
    let words = |values: Vec<String>| values.join(" ");
    let rows = words(scraped.rows.iter().map(u64::to_string).collect());
    let since = words(scraped.since.iter().map(f64::to_string).collect());
    let mut text = format!(
        "rule_files: ['{RULES}']\nevaluation_interval: 30s\ntests:\n  - interval: {SCRAPE}s\n    \
         input_series:\n      - {{series: 'llm_prober_failures_in_a_row{labels}', values: '{rows}'}}\n      \
         - {{series: 'llm_prober_unanswered_since_timestamp_seconds{labels}', values: '{since}'}}\n      \
         - {{series: 'up{{job=\"llm-prober\", instance=\"a\"}}', values: '1x{}'}}\n    \
         promql_expr_test:\n",
        scraped.rows.len()
    );
    for (at, fires) in expected {
        let samples = if *fires { "[{value: 1}]" } else { "[]" };
        writeln!(
            text,
            "      - {{eval_time: {at}s, exp_samples: {samples}, expr: \
             'count(ALERTS{{alertname=\"LLMProberTargetDown\", alertstate=\"firing\"}})'}}"
        )
        .unwrap();
    }
    text
}

fn check(scraped: &Scraped, expected: &Expected, what: &str) {
    println!("{what}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outage.test.yml");
    std::fs::write(&file, test_file(scraped, expected)).unwrap();
    test_rules(&file);
}

/// Ten minutes: one page within three minutes of the first failure, until the second answer.
#[tokio::test(start_paused = true)]
async fn pages_within_three_minutes_until_answers_are_back() {
    for interval in ["15s", "60s", "2m"] {
        for seed in 1..=5 {
            let settings = yaml(&format!(", interval: {interval}"));
            let settings = settings.replace("seed: 3", &format!("seed: {seed}"));
            let server = Mortal::new(exact(4));
            let daemon = start(&settings, server.dialer());
            let mut scraped = Scraped::default();
            scraped.add(&daemon, 20).await;
            let killed = scraped.now();
            server.kill(true);
            scraped.add(&daemon, 10).await;
            let mended = scraped.now();
            server.kill(false);
            scraped.add(&daemon, 30).await;
            daemon.drain().await;

            // The first failure came after the scrape before.
            let failed = scraped.first(killed, |row| row > 0) - SCRAPE;
            let back = scraped.first(mended, |row| row == 0);
            let down = |at: u64| at >= failed + 180 && at < back;
            let quiet = |at: u64| at <= failed || at >= back;
            let times = (0..scraped.now()).step_by(30);
            let expected: Expected =
                times.filter(|at| down(*at) || quiet(*at)).map(|at| (at, down(at))).collect();
            let fires = expected.iter().filter(|(_, fires)| *fires).count();
            // At 2 m a gap may by chance be longer than the outage.
            assert!(fires > 3 || interval == "2m", "{interval}, {seed}: {fires}");
            check(&scraped, &expected, &format!("{interval}, seed {seed}"));
        }
    }
}
