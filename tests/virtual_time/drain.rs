//! The end: probes under way may finish within the grace period, then they are given up, which is
//! nobody's failure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_prober::memory::history::State;
use llm_prober::simulate::SimulatorConfig;
use tokio::time::Instant;

use super::seconds;
use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::scripted::{Step, always, pipe};
use crate::common::simulated::{Dialers, Server, exact, start};

const GRACE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn quick_ones_finish_and_hung_ones_are_given_up() {
    let quick = Server::new(SimulatorConfig { ttft: Duration::from_millis(2500), ..exact(1) });
    let config = config(
        "seed: 1\n\
         workloads: {w: {weight: 1, prompts: {inline: [hi]}}}\n\
         slos: {answered: {objective: 0.99, request_latency: 1m}}\n\
         defaults: {interval: 1s, arrival: constant, max_in_flight: 8}\n\
         targets:\n\
         \x20 - {name: quick, url: 'http://quick.test/v1', model: m}\n\
         \x20 - {name: hung, url: 'http://hung.test/v1', model: m}",
    );
    let hung = pipe(always([Step::Hold])).0;
    let daemon = start(config, Dialers::from([("quick", quick.dialer()), ("hung", hung)]));
    seconds(5).await;
    let count = |family: &str, labels: &[&str]| {
        Exposition::of(&daemon.metrics).sum(&format!("llm_prober_{family}"), labels)
    };
    let (quick_one, hung_one) = ("target=\"quick\"", "target=\"hung\"");
    let before = count("probes_in_flight", &[quick_one]);
    assert!(before >= 2.0 && count("probes_in_flight", &[hung_one]) == 6.0);

    let began = Instant::now();
    daemon.drain().await;
    assert_eq!(began.elapsed(), GRACE);
    assert_eq!(count("probes_in_flight", &[]), 0.0);
    assert_eq!(count("probes_total", &[quick_one]), quick.requests());
    assert_eq!(count("probe_failures_total", &[quick_one]), 0.0);
    // A restart burns no error budget: those that were given up are in no figure but their own.
    assert_eq!(count("probes_given_up_total", &[hung_one]), 6.0);
    for figure in ["probes_total", "probe_failures_total", "slo_probes_total", "slo_missed_total"] {
        assert_eq!(count(figure, &[hung_one]), 0.0, "{figure}");
    }
    assert_eq!(count("slo_good_probes_total", &[quick_one]), quick.requests());
    // They are shown, because they may have hung, but the target is not failing for it.
    let target = daemon.config().targets.iter().find(|t| t.name == "hung").cloned().unwrap();
    assert_eq!(daemon.history.probes("hung").len(), 6);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let overview = daemon.history.overview(&target, i64::try_from(now).unwrap());
    assert_eq!(
        (overview.state, overview.hour.probes, overview.month.probes),
        (State::NotProbed, 0, 0)
    );
    assert!(overview.last_failure.is_none() && overview.last.is_some());
    assert!(daemon.history.failures(9).is_empty());
    // Nothing begins afterwards.
    seconds(60).await;
    assert_eq!(count("probes_total", &[]), quick.requests());
}

#[tokio::test(start_paused = true)]
async fn nothing_to_wait_for() {
    let server = Server::new(SimulatorConfig { ttft: Duration::from_millis(700), ..exact(1) });
    let config = config(
        // The threads that look for GPUs know no virtual time.
        "gpu: {enabled: false}\n\
         targets: [{name: t, url: 'http://t.test/v1', model: m, interval: 7d, arrival: constant}]",
    );
    let daemon = start(config, Dialers::from([("t", server.dialer())]));
    let began = Instant::now();
    daemon.drain().await;
    assert_eq!((began.elapsed(), server.requests()), (Duration::ZERO, 0.0));
}
