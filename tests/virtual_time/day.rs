//! A day of probing: as many probes as the schedule promises, and nothing that grows.

use llm_prober::memory::history::{ODD, ORDINARY};
use llm_prober::simulate::SimulatorConfig;

use super::seconds;
use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, exact, start};

/// What a target's schedule promises.
struct Plan {
    name: &'static str,
    arrival: &'static str,
    interval: &'static str,
    /// Arrivals in a day.
    mean: f64,
    /// Three standard deviations of them: for gamma gaps of shape k the variance is 1/k of a
    /// Poisson process'.
    tolerance: f64,
    /// New connections at most: one is replaced after 90 idle seconds, and made when several
    /// probes come at once.
    dials: usize,
}

const PLANS: [Plan; 3] = [
    Plan {
        name: "constant",
        arrival: "constant",
        interval: "60s",
        mean: 1440.0,
        tolerance: 1.0,
        dials: 1,
    },
    Plan {
        name: "poisson",
        arrival: "poisson",
        interval: "60s",
        mean: 1440.0,
        tolerance: 114.0,
        dials: 420,
    },
    Plan {
        name: "bursty",
        arrival: "{gamma: {shape: 0.5}}",
        interval: "120s",
        mean: 720.0,
        tolerance: 114.0,
        dials: 500,
    },
];

fn yaml() -> String {
    let head = "seed: 11\n\
        workloads:\n\
        \x20 w: {weight: 3, prompts: {inline: [one two]}, max_output_tokens: 2}\n\
        \x20 v: {weight: 1, prompts: {inline: [three]}, max_output_tokens: 2, prefix: shared}\n\
        targets:\n";
    let targets = PLANS.iter().map(|Plan { name, arrival, interval, .. }| {
        let target = format!("{{name: {name}, url: 'http://{name}.test/v1', model: m");
        format!("  - {target}, arrival: {arrival}, interval: {interval}}}\n")
    });
    targets.fold(head.to_owned(), |yaml, target| yaml + &target)
}

fn server() -> Server {
    Server::new(SimulatorConfig { jitter: 0.2, ..exact(2) })
}

#[tokio::test(start_paused = true)]
async fn a_day() {
    let servers: Vec<_> = PLANS.iter().map(|p| (p.name, server())).collect();
    let dialers: Dialers = servers.iter().map(|(name, s)| (*name, s.dialer())).collect();
    let daemon = start(config(&yaml()), dialers);
    seconds(6 * 3600).await;
    let _ = Exposition::of(&daemon.metrics); // the next one tells how long it took
    let morning = Exposition::of(&daemon.metrics);
    seconds(18 * 3600).await;
    let day = Exposition::of(&daemon.metrics);
    assert_eq!(day.len(), morning.len(), "series");
    let remembered = daemon.history.len();
    assert!(remembered >= ORDINARY * PLANS.len(), "{remembered} probes");
    assert!(remembered <= (ORDINARY + ODD) * PLANS.len(), "{remembered} probes");
    for (_, server) in &servers {
        assert!(server.open() <= 4, "{} connections", server.open());
    }
    daemon.drain().await;
    let day = Exposition::of(&daemon.metrics);
    for (plan, (_, server)) in PLANS.iter().zip(&servers) {
        check(&day, plan, server);
    }
}

fn check(day: &Exposition, plan: &Plan, server: &Server) {
    let name = plan.name;
    let target = format!("target=\"{name}\"");
    let count = |family: &str| day.sum(&format!("llm_prober_{family}"), &[&target]);
    let (probes, skipped) = (count("probes_total"), count("probes_skipped_total"));
    let arrivals = probes + skipped;
    assert!((arrivals - plan.mean).abs() <= plan.tolerance, "{name}: {arrivals} arrivals");
    assert!(skipped <= 5.0, "{name}: {skipped} skipped");
    assert_eq!(probes, server.requests(), "{name}");
    assert_eq!(count("probe_failures_total"), 0.0, "{name}");
    assert_eq!(count("probes_in_flight"), 0.0, "{name}");
    assert_eq!(count("time_to_first_token_seconds_count"), probes, "{name}");
    assert!(server.dials() <= plan.dials, "{name}: {} connections", server.dials());
}
