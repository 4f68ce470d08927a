//! What is sent, to whom and when.

use std::sync::Arc;
use std::time::Duration;

use llm_prober::simulate::SimulatorConfig;
use llm_prober::transport::PipeDialer;
use serde_json::Value;

use super::{HOUR, MINUTE, daemon, dropped, lively, pairs, sum, yaml};
use crate::common::scripted::{Seen, Step, always, answer, pipe};
use crate::common::simulated::{Server, exact};
use crate::seconds;

/// The prompts that arrived, nonce included.
fn prompts(seen: &Seen) -> Vec<String> {
    let body = |request: String| {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        body["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    seen.requests().into_iter().map(body).collect()
}

#[tokio::test(start_paused = true)]
async fn both_get_the_same_prompts() {
    let script = || pipe(always([Step::Request, answer()]));
    let ((a, seen_a), (b, seen_b)) = (script(), script());
    let daemon = daemon(&yaml(""), a, b);
    seconds(HOUR).await;
    // The first is each target's own.
    let [asked, other] = [seen_a, seen_b].map(|seen| prompts(&seen).split_off(1));
    assert!(asked.len() > 200, "{}", asked.len());
    assert_eq!(asked, other);
    let of = |text| asked.iter().filter(|p| p.ends_with(text)).count();
    assert!(of("hi") > 50 && of("ho") > 50, "both are drawn");
    assert_eq!(f64::from(u32::try_from(asked.len()).unwrap()), pairs(&daemon));
}

/// Of one server with one place, asked at the same instant, one side has to wait; which one is
/// left to chance. Asked one after the other, neither has to.
#[tokio::test(start_paused = true)]
async fn back_to_back_probes_do_not_meet() {
    for (order, waits) in [("simultaneous", true), ("back_to_back", false)] {
        let server = Server::new(SimulatorConfig { slots: 1, ..exact(8) });
        let daemon = daemon(&yaml(&format!(", order: {order}")), server.dialer(), server.dialer());
        seconds(2 * HOUR).await;
        let mean = |target| {
            let of = |part| sum(&daemon, &format!("time_to_first_token_seconds_{part}"), &[target]);
            of("sum") / of("count")
        };
        for target in ["target=\"a\"", "target=\"b\""] {
            let waited = mean(target) > 0.25;
            assert_eq!(waited, waits, "{order}, {target}: {}", mean(target));
        }
        assert!((mean("target=\"a\"") - mean("target=\"b\"")).abs() < 0.04, "{order}");
    }
}

/// What a side could not take is not sent to the other one, either.
#[tokio::test(start_paused = true)]
async fn a_side_that_is_full_drops_the_round_before_anything_is_sent() {
    let baseline = Server::new(exact(8));
    let (silent, seen) = pipe(always([Step::Request, Step::Hold]));
    // Its own first probe takes one of three places.
    let yaml = yaml("").replace("max_in_flight: 8", "max_in_flight: 3, timeout: 10m");
    let daemon = daemon(&yaml, baseline.dialer(), silent);
    seconds(9 * MINUTE).await;
    assert_eq!((baseline.requests(), seen.requests().len()), (3.0, 3));
    assert!(dropped(&daemon, "in_flight_limit") > 20.0);
    assert_eq!(pairs(&daemon), 0.0);
    seconds(2 * MINUTE).await;
    assert_eq!(pairs(&daemon), 2.0, "a time-out is the server's doing");
    assert_eq!(sum(&daemon, "comparison_discordant_pairs_total", &["worse=\"candidate\""]), 2.0);
}

#[tokio::test(start_paused = true)]
async fn a_side_with_a_spent_budget_drops_rounds() {
    let (a, b) = (Server::new(exact(8)), Server::new(exact(8)));
    let yaml = yaml("").replace(
        "'http://b.test/v1', model: m",
        "'http://b.test/v1', model: m, budget: {output_tokens_per_day: 80}",
    );
    let daemon = daemon(&yaml, a.dialer(), b.dialer());
    seconds(HOUR).await;
    // Ten answers, of which the first is not the comparison's.
    assert_eq!((pairs(&daemon), a.requests(), b.requests()), (9.0, 10.0, 10.0));
    assert!(dropped(&daemon, "budget") > 150.0);
}

/// A defect is nobody's slowness.
#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_drops_its_round_alone() {
    let baseline = Server::new(exact(8));
    let panics: PipeDialer = Arc::new(|| panic!("a defect"));
    let daemon = daemon(&yaml(""), baseline.dialer(), panics);
    seconds(HOUR).await;
    assert_eq!(pairs(&daemon), 0.0);
    assert!(dropped(&daemon, "prober") > 150.0);
    assert_eq!(sum(&daemon, "probes_in_flight", &[]), 0.0);
    assert_eq!(sum(&daemon, "probe_success", &["target=\"a\""]), 1.0);
}

/// A prober that was stopped in between measures itself.
#[tokio::test(start_paused = true)]
async fn a_prober_that_sleeps_bets_nothing_on_what_it_missed() {
    let (a, b) = (Server::new(exact(8)), Server::new(exact(8)));
    let daemon = daemon(&yaml(""), a.dialer(), b.dialer());
    seconds(HOUR).await;
    let before = pairs(&daemon);
    assert_eq!(dropped(&daemon, "late"), 0.0);
    tokio::time::advance(Duration::from_secs(HOUR)).await;
    seconds(1).await;
    assert!(dropped(&daemon, "late") > 150.0, "{}", dropped(&daemon, "late"));
    assert!(pairs(&daemon) <= before + 2.0);
    seconds(HOUR).await;
    assert!(pairs(&daemon) > before + 150.0, "and then it goes on");
}

/// The simulator's words follow from its seed, so equal seeds say the same.
#[tokio::test(start_paused = true)]
async fn answers_are_compared_apart_from_latency() {
    for (seed, same) in [(1, true), (2, false)] {
        let (a, b) = (Server::new(lively(1)), Server::new(lively(seed)));
        let yaml = yaml(", agreement: {exact: true}")
            .replace("model: m", "model: m, extra_body: {temperature: 0}");
        let daemon = daemon(&yaml, a.dialer(), b.dialer());
        seconds(HOUR).await;
        let compared = sum(&daemon, "comparison_answers_total", &[]);
        let differing = |check| {
            let check = format!("check=\"{check}\"");
            sum(&daemon, "comparison_answers_differing_total", &[&check])
        };
        assert_eq!(compared, pairs(&daemon));
        assert_eq!((differing("finish"), differing("length")), (0.0, 0.0));
        assert_eq!(differing("exact"), if same { 0.0 } else { compared });
    }
}
