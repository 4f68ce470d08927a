//! What probing may cost in an hour and in a day, of one target and of all.

use std::path::Path;
use std::sync::Arc;

use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, Memory};
use llm_prober::metrics::{Metrics, MetricsOptions};

use super::{clock, start_at};
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, dial, exact};
use crate::seconds;

const HOUR: u64 = 3_600;
/// Of every answer.
const TOKENS: f64 = 4.0;

fn yaml(budget: &str, of_all: &str, of_other: &str) -> String {
    format!(
        "seed: 3\n\
         workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 4}}}}\n\
         defaults: {{interval: 10s, arrival: constant}}\n\
         {of_all}\n\
         targets:\n\
         - {{name: a, url: 'http://a.test/v1', model: m, {budget}}}\n\
         - {{name: b, url: 'http://b.test/v1', model: m, {of_other}}}\n"
    )
}

/// The same with another one that is seldom asked.
fn beside(budget: &str) -> String {
    yaml(budget, "", "interval: 10m")
}

fn two() -> (Server, Dialers) {
    let server = Server::new(exact(4));
    let dialers = Dialers::from([("a", server.dialer()), ("b", server.dialer())]);
    (server, dialers)
}

fn of(daemon: &Arc<Daemon>, name: &str, labels: &[&str]) -> f64 {
    Exposition::of(&daemon.metrics).sum(&format!("llm_prober_{name}"), labels)
}

#[tokio::test(start_paused = true)]
async fn an_hour_s_budget_is_there_again_in_the_next_until_the_day_s_is_spent() {
    let (_, dialers) = two();
    let budget = "budget: {output_tokens_per_hour: 10, output_tokens_per_day: 30}";
    let daemon = start_at(0, &beside(budget), dialers);
    let a = ["target=\"a\""];
    let left = |period: &str| of(&daemon, "budget_remaining_ratio", &[period]);
    for probes in [3.0, 6.0, 8.0, 8.0] {
        seconds(HOUR).await;
        assert_eq!(of(&daemon, "probes_total", &a), probes);
    }
    assert_eq!(left("period=\"day\""), 0.0);
    assert!(of(&daemon, "probes_skipped_total", &["target=\"a\"", "reason=\"budget\""]) > 1e3);
    assert!(of(&daemon, "probes_total", &["target=\"b\""]) > 20.0, "the other one goes on");
    seconds(21 * HOUR).await;
    assert_eq!(of(&daemon, "probes_total", &a), 11.0, "in the next day");
}

#[tokio::test(start_paused = true)]
async fn all_targets_together_have_a_budget_of_their_own() {
    let (server, dialers) = two();
    let daemon = start_at(0, &yaml("", "budget: {output_tokens_per_hour: 100}", ""), dialers);
    assert_eq!(of(&daemon, "budget_in_all_remaining_ratio", &["period=\"hour\""]), 1.0);
    seconds(HOUR - 1).await;
    let spent = server.requests() * TOKENS;
    assert!((100.0..100.0 + TOKENS).contains(&spent), "{spent}");
    assert_eq!(of(&daemon, "budget_in_all_remaining_ratio", &["period=\"hour\""]), 0.0);
    let both = ["a", "b"].map(|name| of(&daemon, "probes_total", &[&format!("target=\"{name}\"")]));
    assert!(both.iter().all(|probes| *probes > 5.0), "{both:?}");
    for name in ["a", "b"] {
        let skipped = [&*format!("target=\"{name}\""), "reason=\"budget\""];
        assert!(of(&daemon, "probes_skipped_total", &skipped) > 300.0);
    }
    seconds(HOUR).await;
    let spent = server.requests() * TOKENS;
    assert!((200.0..200.0 + 2.0 * TOKENS).contains(&spent), "{spent}");
}

#[tokio::test(start_paused = true)]
async fn dollars_are_limited_by_the_hour_too() {
    let (_, dialers) = two();
    // Four answers of four tokens are 16 cents.
    let budget = "price: {input_per_million: 0, output_per_million: 10000}, \
                  budget: {dollars_per_hour: 0.15}";
    let daemon = start_at(0, &beside(budget), dialers);
    for probes in [4.0, 8.0] {
        seconds(HOUR).await;
        assert_eq!(of(&daemon, "probes_total", &["target=\"a\""]), probes);
    }
}

/// However often it is killed, in the midst of an hour or right after one, no more is spent than the
/// budget and one request.
#[tokio::test(start_paused = true)]
async fn no_kill_makes_money() {
    let (server, _) = two();
    let folder = tempfile::tempdir().unwrap();
    let state = |n: usize| folder.path().join(format!("state-{n}"));
    let mut spent_before = 0.0;
    // From a minute before the hour on.
    let mut now = HOUR - 60;
    for (n, lives) in [(0, 30), (1, 30), (2, 100), (3, 400)] {
        let keep = format!("change_detection: {{state_dir: {}}}\n", state(n).display());
        let text = yaml("", "budget: {output_tokens_per_hour: 400}", "interval: 1s")
            .replace("interval: 10s", "interval: 1s")
            + &keep;
        let config = Config::parse(&text, Path::new("t.yml"), folder.path()).unwrap();
        let dialers = Dialers::from([("a", server.dialer()), ("b", server.dialer())]);
        let metrics = Metrics::new(MetricsOptions::default());
        let killed =
            Daemon::start_with(clock(now), Memory::default(), config, None, metrics, dial(dialers))
                .unwrap();
        seconds(lives).await;
        // What is on disk now is all that the next one gets. Its own end comes too late.
        std::fs::create_dir(state(n + 1)).unwrap();
        for file in std::fs::read_dir(state(n)).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), state(n + 1).join(file.file_name())).unwrap();
            }
        }
        let spent = server.requests() * TOKENS;
        killed.drain().await;
        now += lives;
        let in_hour = spent - spent_before;
        assert!(in_hour <= 400.0 + TOKENS, "{n}: {in_hour}");
        if now == HOUR {
            spent_before = spent;
        }
    }
    assert!(server.requests() * TOKENS > 300.0, "something is probed all the same");
}
