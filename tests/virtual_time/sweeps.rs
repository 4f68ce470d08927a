//! Levels of load against simulated servers: users and arrivals, windows, and the search for the knee.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_prober::load::Stop;
use llm_prober::load::level::{LevelPlan, Sweeper, Until};
use llm_prober::probe::Probing;
use llm_prober::simulate::SimulatorConfig;
use llm_prober::sweep::{InvalidReason, Level, Load, Search, SequentialTest, Tally, parse_goodput};
use llm_prober::target::schedule::Arrival;
use llm_prober::transport::Transport;

use crate::common::simulated::{Server, exact};
use crate::common::target;

const MS: Duration = Duration::from_millis(1);

/// A sweeper of a server, with a stop; what is good is within `goodput`.
fn sweeper(server: &Server, goodput: &str, settings: &str) -> (Sweeper, Stop) {
    let target = target(&format!(
        "workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 1000}}}}\n\
         defaults: {{slos: []}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m{settings}}}]"
    ));
    let transport = Transport::pipe(&target, server.dialer());
    let probing = Arc::new(Probing::new(target, transport));
    let (slo, stop) = (Arc::new(parse_goodput(goodput).unwrap()), Stop::default());
    (Sweeper::new(probing, vec![slo], None, stop.clone()), stop)
}

fn plan(load: Load, until: Until) -> LevelPlan {
    let (ramp, warmup, arrival) = (Duration::ZERO, 0, Arrival::Constant);
    LevelPlan { load, ramp, warmup, until, arrival, seed: 1, nonces: 1 }
}

fn users(users: u32, until: Until) -> LevelPlan {
    plan(Load::Closed { users }, until)
}

async fn all(sweeper: &Sweeper, plan: LevelPlan) -> Level {
    let tally = sweeper.level(plan, |_| ControlFlow::Continue(())).await;
    Level::of(&[tally]).unwrap()
}

/// What speaks against a level, but the processor time of this process: there are other tests in it,
/// and time does not pass as it does for them.
fn against(level: &Level) -> Vec<InvalidReason> {
    let reasons = level.invalid_reasons.iter().copied();
    reasons.filter(|reason| *reason != InvalidReason::Cpu).collect()
}

fn near(found: Option<f64>, expect: f64) {
    let found = found.unwrap();
    assert!((found - expect).abs() <= expect * 1e-3, "{found}, expected {expect}");
}

/// One slot, 220 ms to the first token, 10 ms between tokens: time to first token grows by two orders
/// of magnitude, while everything that averages look at stays as it was.
#[tokio::test(start_paused = true)]
async fn a_queue_shows_in_time_to_first_token_alone() {
    let config = SimulatorConfig { slots: 1, ttft: 220 * MS, ..exact(64) };
    let server = Server::new(config);
    let (sweeper, _) = sweeper(&server, "ttft:500ms,itl:50ms", "");
    let one = all(&sweeper, users(1, Until::Requests(100))).await;
    let many = all(&sweeper, users(50, Until::Requests(100))).await;
    assert_eq!((one.sent, one.completed, many.sent, many.completed), (100, 100, 100, 100));
    near(one.ttft.map(|t| t.p50), 0.22);
    near(many.ttft.map(|t| t.p99), 49.0 * 0.85 + 0.22);
    assert!(many.ttft.unwrap().avg > 100.0 * one.ttft.unwrap().avg, "{many:?}");
    for level in [&one, &many] {
        near(level.itl.map(|t| t.avg), 0.01);
        near(level.request_rate, 1.0 / 0.85);
        near(level.output_tokens_per_second, 64.0 / 0.85);
    }
    assert_eq!(one.attainment, Some(1.0));
    // Of 50 who ask at once, one is served at once.
    assert_eq!(many.attainment, Some(0.01));
    near(many.goodput, 1.0 / many.window.unwrap());
    near(one.goodput, 1.0 / 0.85);
    // From the first request until the first user has nothing more to ask.
    near(many.window, 51.0 * 0.85);
}

#[tokio::test(start_paused = true)]
async fn so_many_users_and_no_more() {
    let server = Server::new(SimulatorConfig { slots: 64, ..exact(4) });
    let (sweeper, _) = sweeper(&server, "ttft:1s", "");
    let level = all(&sweeper, users(4, Until::Requests(40))).await;
    assert_eq!((level.requests, level.sent, level.completed), (40, 40, 40));
    assert_eq!((server.requests(), server.dials()), (40.0, 4), "each user has a connection");
    near(level.window, 2.3);
    near(level.request_rate, 40.0 / 2.3);
    near(level.output_tokens_per_second_per_user, 100.0);
    assert_eq!((level.output_tokens, level.schedule_delay_p99), (Some(160), Some(0.0)));
    assert_eq!(against(&level), [], "{level:?}");
}

/// The level says how many ask at once, and whoever sweeps chose the hour.
#[tokio::test(start_paused = true)]
async fn the_schedule_of_the_target_holds_no_sweep_up() {
    let server = Server::new(SimulatorConfig { slots: 64, ..exact(4) });
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    // The first day of the epoch was a Thursday.
    let days = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
    let another = days[usize::try_from((today + 3) % 7).unwrap()];
    let active = format!(", active_hours: [{{days: [{another}]}}]");
    for settings in [", max_in_prefill: 1", &active] {
        let (sweeper, _) = sweeper(&server, "ttft:1s", settings);
        let level = all(&sweeper, users(4, Until::Requests(8))).await;
        assert_eq!((level.completed, against(&level)), (8, vec![]), "{settings}: {level:?}");
    }
}

/// What is sent before all users are active, or to warm the server up, does not count.
#[tokio::test(start_paused = true)]
async fn the_window_opens_when_all_are_active_and_warm() {
    let server = Server::new(SimulatorConfig { slots: 64, ..exact(4) });
    let (sweeper, _) = sweeper(&server, "ttft:1s", "");
    let ramp = 2300 * MS;
    let level = all(&sweeper, LevelPlan { ramp, ..users(3, Until::Requests(30)) }).await;
    // The first user asks ten times until the last one comes, the second five times.
    assert_eq!((level.sent, level.requests), (30, 45));
    near(level.request_rate, 3.0 / 0.23);
    let level = all(&sweeper, LevelPlan { warmup: 7, ..users(3, Until::Requests(30)) }).await;
    assert_eq!((level.sent, level.requests), (30, 37));
    near(level.request_rate, 3.0 / 0.23);
}

#[tokio::test(start_paused = true)]
async fn a_level_by_time_waits_for_what_is_under_way() {
    let server = Server::new(SimulatorConfig { slots: 64, ttft: 10_000 * MS, ..exact(4) });
    let (sweeper, _) = sweeper(&server, "ttft:1s", "");
    let level = all(&sweeper, users(3, Until::Duration(1000 * MS))).await;
    assert_eq!((level.sent, level.completed, level.attainment), (3, 3, Some(0.0)));
    near(level.window, 10.03);
    near(level.request_rate, 3.0 / 10.03);
    // A ramp that is longer than the level.
    let ramp = 20_000 * MS;
    let level = all(&sweeper, LevelPlan { ramp, ..users(3, Until::Duration(1000 * MS)) }).await;
    assert_eq!((level.sent, level.requests), (3, 6));
}

#[tokio::test(start_paused = true)]
async fn an_open_loop_counts_what_it_could_not_send() {
    let server = Server::new(SimulatorConfig { slots: 64, ttft: 920 * MS, ..exact(4) });
    let (sweeper, _) = sweeper(&server, "ttft:2s", "");
    let load = Load::Open { rate: 10.0, in_flight: 2 };
    let level = all(&sweeper, plan(load, Until::Requests(100))).await;
    // Two in every second, of ten.
    assert_eq!((level.sent, level.errors["in_flight_limit"]), (20, 80));
    assert_eq!(level.attainment, Some(0.2));
    near(level.window, 10.0);
    let level = all(&sweeper, plan(load, Until::Duration(4950 * MS))).await;
    assert_eq!((level.sent, level.errors["in_flight_limit"]), (10, 40));
    near(level.window, 4.95);
    // With places enough all are sent; while the rate rises, half as many come as later.
    let load = Load::Open { rate: 5.0, in_flight: 100 };
    let ramp = 10_000 * MS;
    let level = all(&sweeper, LevelPlan { ramp, ..plan(load, Until::Requests(50)) }).await;
    assert_eq!((level.sent, level.completed, level.errors.len()), (50, 50, 0));
    assert_eq!(level.requests, 75, "{level:?}");
    near(level.window, 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_an_answer_is_bad_and_not_absent() {
    let server = Server::new(SimulatorConfig { queue: 0, slots: 1, ..exact(4) });
    let (sweeper, _) = sweeper(&server, "ttft:1s", "");
    let level = all(&sweeper, users(2, Until::Requests(20))).await;
    assert_eq!(level.sent, level.completed + level.failed());
    assert_eq!(level.errors.keys().copied().collect::<Vec<_>>(), ["throttled"]);
    // Who is refused asks again after a second, and not again and again at once: else the share would
    // say how fast the server refuses.
    let attainment = level.attainment.unwrap();
    assert!(attainment < 0.9 && attainment > 0.7, "{level:?}");
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_ends_a_level() {
    let server = Server::new(exact(4));
    let settings = ", budget: {output_tokens_per_day: 10}";
    let (sweeper, _) = sweeper(&server, "ttft:1s", settings);
    let level = all(&sweeper, users(1, Until::Requests(20))).await;
    assert_eq!(against(&level), [InvalidReason::Budget]);
    assert_eq!((level.sent, level.errors.len()), (3, 0), "12 tokens of 10");
    let load = Load::Open { rate: 10.0, in_flight: 2 };
    let level = all(&sweeper, plan(load, Until::Requests(20))).await;
    assert!(level.invalid_reasons.contains(&InvalidReason::Budget), "of the same day: {level:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_counts_apart() {
    let server = Server::new(SimulatorConfig { slots: 64, ttft: 5_000 * MS, ..exact(4) });
    let (sweeper, stop) = sweeper(&server, "ttft:9s", "");
    let ends = async {
        tokio::time::sleep(12_000 * MS).await;
        stop.probes.cancel();
    };
    let (level, ()) = tokio::join!(all(&sweeper, users(3, Until::Requests(90))), ends);
    assert_eq!((level.sent, level.completed, level.cancelled), (9, 6, 3));
    assert_eq!((level.attainment, level.errors.len()), (Some(1.0), 0));
    assert_eq!(against(&level), [InvalidReason::Interrupted]);
    near(level.window, 12.0);
}

/// Whoever has fewer slots than users makes one of them wait: the knee is the number of slots.
#[tokio::test(start_paused = true)]
async fn the_knee_of_every_seed_is_found_with_half_of_the_grid() {
    const SEEDS: u64 = 20;
    let mut sent = 0;
    for seed in 0..SEEDS {
        let slots = 1 + u32::try_from(seed).unwrap() % 10;
        let config = SimulatorConfig { slots, jitter: 0.1, seed, itl: 100 * MS, ..exact(10) };
        let server = Server::new(SimulatorConfig { ttft: 100 * MS, ..config });
        let (sweeper, _) = sweeper(&server, "ttft:150ms", "");
        let plan = |users: u32| LevelPlan {
            warmup: users.into(),
            seed,
            ..plan(Load::Closed { users }, Until::Requests(100))
        };
        let mut tried = Vec::new();
        let test = SequentialTest::new(0.9, 100);
        let search = Search::new((1..=10).collect());
        let found = sweeper.find_knee(search, test, plan, |tally| {
            tried.push((tally.load().concurrency(), tally.attainment()));
        });
        let found = found.await;
        assert!(found.complete, "{tried:?}");
        let requests: u64 = found.tallies.iter().map(Tally::requests).sum();
        assert_eq!(f64::from(u32::try_from(requests).unwrap()), server.requests());
        sent += requests;
        let knee = found.knee.unwrap_or(0);
        assert!(knee.abs_diff(slots) <= 1, "seed {seed}: {knee} instead of {slots}: {tried:?}");
    }
    assert!(sent / SEEDS <= 500, "{} requests on average", sent / SEEDS);
}
