//! A first failure is looked into at once, and only where that tells anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use llm_prober::simulate::{Chance, Fault, SimulatorConfig};
use llm_prober::transport::PipeDialer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{MINUTE, Mortal, confirmed, row, since, start, sum, until, yaml};
use crate::common::scripted::{Step, always, answer, pipe, whole};
use crate::common::simulated::exact;
use crate::seconds;

fn near(found: Duration, expected: u64) -> bool {
    (found.as_secs_f64() - f64::from(u32::try_from(expected).unwrap())).abs() < 0.5
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_certain_after_twenty_seconds_at_any_interval() {
    for interval in ["15s", "60s", "2m", "1h"] {
        let server = Mortal::new(exact(4));
        let settings = format!(", interval: {interval}, arrival: constant");
        let daemon = start(&yaml(&settings), server.dialer());
        seconds(1).await;
        assert_eq!((row(&daemon), since(&daemon).is_some()), (Some(0), true), "{interval}");
        let answers = || server.server.requests();
        let before = answers();
        until("another answer", || answers() > before).await;
        seconds(1).await;
        server.kill(true);
        until("a failure", || row(&daemon) == Some(1)).await;
        let (regular, last_answer) = (sum(&daemon, "probes_total"), since(&daemon));
        let took = until("certainty", || row(&daemon) >= Some(3)).await;
        assert!(took < Duration::from_secs(21), "{interval}: {took:?}");
        if interval != "15s" {
            assert!(near(took, 20), "{interval}: {took:?}");
            assert_eq!(confirmed(&daemon), 2, "{interval}");
            assert_eq!(sum(&daemon, "probes_total"), regular, "{interval}");
        }
        assert_eq!(since(&daemon), last_answer, "{interval}");
        seconds(10 * MINUTE).await;
        assert!(confirmed(&daemon) <= 2, "{interval}: no more of them");

        server.kill(false);
        let failed = row(&daemon);
        let before = answers();
        until("an answer", || answers() > before).await;
        let took = until("two answers", || row(&daemon) == Some(0)).await;
        assert!(took < Duration::from_millis(15_500), "{interval}: {took:?}");
        assert!(failed >= Some(3) && since(&daemon) > last_answer);
        daemon.drain().await;
    }
}

/// They are in no figure but the cost.
#[tokio::test(start_paused = true)]
async fn confirming_probes_count_nowhere_else() {
    let server = Mortal::new(exact(4));
    let price =
        ", interval: 1h, arrival: constant, price: {input_per_million: 1, output_per_million: 1}";
    let daemon = start(&yaml(price), server.dialer());
    seconds(2).await;
    let cost = sum(&daemon, "cost_dollars_total");
    assert!(cost > 0.0);
    server.kill(true);
    until("a failure", || row(&daemon) == Some(1)).await;
    server.kill(false);
    let counted = |name: &str| sum(&daemon, name);
    let names = [
        "probes_total",
        "probe_failures_total",
        "slo_probes_total",
        "slo_missed_total",
        "time_to_first_token_seconds_count",
        "schedule_delay_seconds_count",
        "output_tokens_total",
        "connections_total",
    ];
    let before = names.map(counted);
    let (spent, shown) = (sum(&daemon, "cost_dollars_total"), daemon.history.probes("t").len());
    until("an answer", || row(&daemon) == Some(0)).await;
    seconds(60).await;
    assert_eq!(confirmed(&daemon), 1, "the first answer settles it");
    assert_eq!(names.map(counted), before);
    assert_eq!(daemon.history.probes("t").len(), shown);
    assert!(sum(&daemon, "cost_dollars_total") > spent);
}

/// Two places, and both hang: nothing further is sent.
#[tokio::test(start_paused = true)]
async fn no_more_are_under_way_than_allowed() {
    let (silent, seen) = pipe(always([Step::Request, Step::Hold]));
    let settings = ", interval: 60s, arrival: constant, max_in_flight: 1, timeout: 55s";
    let daemon = start(&yaml(settings), silent);
    for _ in 0..600 {
        seconds(1).await;
        assert!(sum(&daemon, "probes_in_flight") <= 1.0);
    }
    assert!(row(&daemon) >= Some(5));
    let sent = f64::from(u32::try_from(seen.requests().len()).unwrap());
    let skipped = sum(&daemon, "probes_skipped_total");
    let under_way = sum(&daemon, "probes_in_flight");
    let confirmed = f64::from(u32::try_from(confirmed(&daemon)).unwrap());
    assert_eq!(sent, sum(&daemon, "probes_total") + confirmed + under_way, "{skipped}");
}

/// What exceeds a small limit is the prober itself: asking more would keep it exceeded.
#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_fewer_requests_gets_no_more_of_them() {
    let throttle = Fault::Throttle { retry_after: Duration::from_secs(60) };
    let server =
        Mortal::new(SimulatorConfig { faults: vec![Chance::always(throttle)], ..exact(4) });
    let daemon = start(&yaml(", interval: 60s, arrival: constant"), server.dialer());
    seconds(20 * MINUTE).await;
    assert_eq!(confirmed(&daemon), 0);
    assert!(row(&daemon) >= Some(20), "nobody is answered, all the same");
}

/// One of two workloads always fails: the other one is asked, and the target is not down.
#[tokio::test(start_paused = true)]
async fn another_workload_is_asked() {
    let good = Arc::new(AtomicUsize::new(0));
    let server = picky(&good);
    let yaml = yaml(", interval: 60s, arrival: constant").replace(
        "workloads: {w: {prompts: {inline: [hi]}, max_output_tokens: 4}}",
        "workloads: {good: {prompts: {inline: [good]}}, bad: {weight: 20, prompts: {inline: [please fail]}}}",
    );
    let daemon = start(&yaml, server);
    for _ in 0..240 {
        seconds(30).await;
        assert!(row(&daemon) < Some(3));
    }
    assert!(sum(&daemon, "probe_failures_total") > 100.0);
    let good = good.load(Ordering::Relaxed);
    assert!(good > 50, "{good}");
}

/// Refuses every request that says so; counts the others.
fn picky(good: &Arc<AtomicUsize>) -> PipeDialer {
    let good = Arc::clone(good);
    Arc::new(move || {
        let (client, mut server) = tokio::io::duplex(1 << 16);
        let good = Arc::clone(&good);
        tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"}") && server.read_buf(&mut request).await.unwrap() > 0 {}
            let bad = String::from_utf8_lossy(&request).contains("please fail");
            good.fetch_add(usize::from(!bad), Ordering::Relaxed);
            let refused = whole("400 Bad Request", "application/json", "{}");
            let Step::Send(bytes) = (if bad { refused } else { answer() }) else { return };
            server.write_all(&bytes).await.unwrap();
        });
        client
    })
}

/// A budget that is spent by the first answer after an outage leaves nobody to give a second one.
#[tokio::test(start_paused = true)]
async fn a_spent_budget_stops_them_too() {
    let server = Mortal::new(exact(4));
    let settings = ", interval: 60s, arrival: constant, budget: {output_tokens_per_day: 8}";
    let daemon = start(&yaml(settings), server.dialer());
    seconds(1).await;
    server.kill(true);
    until("an outage", || row(&daemon) >= Some(5)).await;
    server.kill(false);
    until("an answer", || row(&daemon) == Some(0)).await;
    seconds(60 * MINUTE).await;
    assert_eq!((row(&daemon), server.server.requests()), (Some(0), 2.0));
    assert!(sum(&daemon, "probes_skipped_total") > 50.0);
}
