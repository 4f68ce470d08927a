//! Arrivals do not wait for answers; the ones that cannot be probed are counted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_prober::simulate::SimulatorConfig;

use super::seconds;
use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::scripted::{CHUNKED, Step, always, chunk, finish, pause, pipe, send, token};
use crate::common::simulated::{Dialers, Server, exact, start};

fn yaml(settings: &str) -> String {
    format!(
        "seed: 3\n\
         workloads: {{w: {{weight: 1, prompts: {{inline: [hi]}}, max_output_tokens: 4}}}}\n\
         defaults: {{interval: 1s, arrival: constant}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m{settings}}}]"
    )
}

struct Counts {
    probes: f64,
    in_flight: f64,
    skipped: f64,
    of_reason: f64,
}

fn counts(scrape: &Exposition, reason: &str) -> Counts {
    let reason = format!("reason=\"{reason}\"");
    Counts {
        probes: scrape.sum("llm_prober_probes_total", &[]),
        in_flight: scrape.sum("llm_prober_probes_in_flight", &[]),
        skipped: scrape.sum("llm_prober_probes_skipped_total", &[]),
        of_reason: scrape.sum("llm_prober_probes_skipped_total", &[&reason]),
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_asked_by_as_many_as_allowed() {
    let server = Server::new(SimulatorConfig { ttft: Duration::from_secs(10), ..exact(4) });
    let daemon =
        start(config(&yaml(", max_in_flight: 3")), Dialers::from([("t", server.dialer())]));
    for second in 1..=120_u32 {
        seconds(1).await;
        let now = counts(&Exposition::of(&daemon.metrics), "in_flight_limit");
        // Constant arrivals begin within the first interval, so there is one in every second; the
        // first probe of all came at once.
        assert_eq!(now.probes + now.in_flight + now.skipped, f64::from(second + 1));
        assert!(now.in_flight <= 3.0 && server.open() <= 3);
        assert_eq!(now.of_reason, now.skipped);
    }
    let end = counts(&Exposition::of(&daemon.metrics), "in_flight_limit");
    // The first probe took one of the three places at once; each is taken again by the first arrival
    // after 10.03 s.
    assert_eq!((end.probes, end.in_flight, end.skipped), (31.0, 2.0, 88.0));
    assert_eq!(server.requests(), end.probes + end.in_flight);
    // The server's slowness is in the latency, not in the prober's own delay.
    let scrape = Exposition::of(&daemon.metrics);
    let sum = |family: &str| scrape.sum(&format!("llm_prober_{family}_seconds_sum"), &[]);
    assert_eq!(sum("time_to_first_token"), 310.0);
    assert!(sum("schedule_delay") < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_stops_probing() {
    // The budget is per day of the wall clock, which is not paused.
    let today = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let (counts, server) = loop {
        let day = today();
        let result = an_hour_on_a_budget().await;
        if today() == day {
            break result;
        }
    };
    // Four tokens each: the third probe goes beyond ten.
    assert_eq!((counts.probes, counts.in_flight), (3.0, 0.0));
    assert_eq!((counts.skipped, counts.of_reason), (3598.0, 3598.0));
    assert_eq!(server.requests(), 3.0);
}

async fn an_hour_on_a_budget() -> (Counts, Server) {
    let server = Server::new(exact(4));
    let budget = yaml(", budget: {output_tokens_per_day: 10}");
    let daemon = start(config(&budget), Dialers::from([("t", server.dialer())]));
    seconds(3600).await;
    let counts = counts(&Exposition::of(&daemon.metrics), "budget");
    daemon.drain().await;
    (counts, server)
}

/// What a server sends after its answer costs it nothing: it can be asked again meanwhile.
#[tokio::test(start_paused = true)]
async fn a_probe_whose_answer_has_ended_holds_no_place() {
    let heartbeats = (0..60).flat_map(|_| [pause(300), send(chunk(": hb\n\n"))]);
    let answer = [Step::Request, pause(150), send(CHUNKED), send(token("one") + &finish())];
    let steps: Vec<_> = answer.into_iter().chain(heartbeats).collect();
    let (dialer, seen) = pipe(always(steps));
    let daemon = start(config(&yaml(", max_in_flight: 1")), Dialers::from([("t", dialer)]));
    seconds(60).await;
    let now = counts(&Exposition::of(&daemon.metrics), "in_flight_limit");
    assert_eq!((now.skipped, now.probes + now.in_flight), (0.0, 61.0));
    assert!(now.in_flight > 1.0, "the tails are waited for");
    assert_eq!(seen.requests().len(), 61);

    // But those who only wait have a limit, too.
    let settings = ", max_in_flight: 1, tail_timeout: 10s";
    let (dialer, _) =
        pipe(always([Step::Request, send(CHUNKED), send(token("one") + &finish()), Step::Hold]));
    let daemon = start(config(&yaml(settings)), Dialers::from([("t", dialer)]));
    seconds(60).await;
    let now = counts(&Exposition::of(&daemon.metrics), "in_flight_limit");
    assert_eq!(now.in_flight, 4.0);
    assert!(now.of_reason > 30.0, "{}", now.of_reason);
}
