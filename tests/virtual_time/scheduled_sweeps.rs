//! Sweeps at their instants, against simulated servers: what they find, what they leave alone, and when
//! they are broken off.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, Memory};
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::simulate::{self, SimulatorConfig};
use llm_prober::transport::PipeDialer;
use llm_prober::watcher::WallClock;
use tokio::time::Instant;

use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, dial, exact};
use crate::seconds;

/// 2026-01-05, two minutes before three o'clock.
const BEFORE: u64 = 1_767_571_200 + 3 * 3_600 - 120;
/// Of every answer.
const TOKENS: f64 = 4.0;

/// A wall clock that goes with the paused one, from this moment on (seconds since the Unix epoch).
fn clock(from: u64) -> WallClock {
    let began = Instant::now();
    Arc::new(move || UNIX_EPOCH + Duration::from_secs(from) + began.elapsed())
}

/// Two users are served at once, the others wait: with eight, too long for the SLO.
fn two_slots() -> SimulatorConfig {
    SimulatorConfig { slots: 2, ..exact(4) }
}

/// One target and what comes after it, each on lines of its own.
fn yaml(settings: &str, more: &str) -> String {
    format!(
        "seed: 3\n\
         workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 4}}}}\n\
         slos: {{s: {{objective: 0.99, ttft: 500ms}}}}\n\
         defaults: {{interval: 2s, arrival: constant}}\n\
         {more}\n\
         targets:\n\
         - {{name: t, url: 'http://t.test/v1', model: m{settings}}}\n"
    )
}

/// A sweep of `t`, with other keys than usual.
fn nightly(keys: &[(&str, &str)]) -> String {
    let usual = [
        ("name", "nightly"),
        ("target", "t"),
        ("concurrency", "[1, 2, 8]"),
        ("requests_per_level", "20"),
        ("max_output_tokens", "1M"),
        ("max_duration", "10m"),
    ];
    let other = |key: &str| keys.iter().find(|(other, _)| *other == key).map(|(_, value)| *value);
    let written = usual.iter().map(|(key, value)| (*key, other(key).unwrap_or(value)));
    let added = keys.iter().copied().filter(|(key, _)| usual.iter().all(|(known, _)| known != key));
    let all: Vec<_> = written.chain(added).map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{{}}}", all.join(", "))
}

fn sweeps(all: &[String]) -> String {
    format!("sweeps: [{}]", all.join(", "))
}

fn config(text: &str) -> Config {
    match Config::parse(text, Path::new("t.yml"), Path::new("")) {
        Ok(config) => config,
        Err(error) => panic!("{error}"),
    }
}

fn start_at(from: u64, text: &str, dialers: Dialers) -> Arc<Daemon> {
    let (metrics, memory) = (Metrics::new(MetricsOptions::default()), Memory::default());
    Daemon::start_with(clock(from), memory, config(text), None, metrics, dial(dialers)).unwrap()
}

fn start(text: &str, server: &Server) -> Arc<Daemon> {
    start_at(BEFORE, text, Dialers::from([("t", server.dialer())]))
}

fn sum(daemon: &Daemon, name: &str, labels: &[&str]) -> f64 {
    Exposition::of(&daemon.metrics).sum(&format!("llm_prober_{name}"), labels)
}

fn values(daemon: &Daemon, name: &str) -> Vec<f64> {
    Exposition::of(&daemon.metrics).values(&format!("llm_prober_{name}"), &[])
}

/// Sweeps that ended so.
fn ended(daemon: &Daemon, result: &str) -> f64 {
    sum(daemon, "sweep_runs_total", &[&format!("result=\"{result}\"")])
}

fn running(daemon: &Daemon) -> f64 {
    sum(daemon, "sweep_running", &[])
}

/// Waits until no sweep is under way any more.
async fn over(daemon: &Daemon) {
    while running(daemon) > 0.0 {
        seconds(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_is_made_at_its_instant_and_leaves_the_probe_series_clean() {
    let server = Server::new(two_slots());
    let daemon = start(&yaml("", &sweeps(&[nightly(&[])])), &server);
    seconds(119).await;
    let three = [f64::from(u32::try_from(BEFORE + 120).unwrap())];
    assert_eq!(values(&daemon, "sweep_next_run_timestamp_seconds"), three);
    assert_eq!((running(&daemon), ended(&daemon, "complete")), (0.0, 0.0));
    assert_eq!(values(&daemon, "probes_beside_sweep_total"), [0.0]);
    let before = sum(&daemon, "probes_total", &[]);
    assert_eq!(sum(&daemon, "slo_good_probes_total", &[]), before);
    seconds(2).await;
    assert_eq!(running(&daemon), 1.0);
    over(&daemon).await;
    assert_eq!(ended(&daemon, "complete"), 1.0);
    for users in ["1", "2", "8"] {
        let level = [&*format!("concurrency=\"{users}\"")];
        assert_eq!(sum(&daemon, "sweep_probes_total", &level), 20.0);
    }
    assert_eq!(values(&daemon, "sweep_knee_users"), [2.0]);
    assert_eq!(values(&daemon, "sweep_last_run_timestamp_seconds"), three);
    let level = |name: &str, users: &str, more: &str| {
        sum(&daemon, name, &[&format!("concurrency=\"{users}\""), more])
    };
    let [one, eight] = ["1", "8"]
        .map(|users| level("sweep_time_to_first_token_seconds", users, "percentile=\"50\""));
    assert!((one - 0.2).abs() < 1e-3 && eight > 0.5, "{one} {eight}");
    let attainment = |users: &str| {
        sum(&daemon, "sweep_attainment_ratio", &[&format!("concurrency=\"{users}\"")])
    };
    assert_eq!(attainment("1"), 1.0);
    assert!(attainment("8") < 0.5);
    // The next night's, and the probes again.
    let next = values(&daemon, "sweep_next_run_timestamp_seconds");
    assert_eq!(next, [three[0] + 86_400.0]);
    seconds(60).await;
    daemon.drain().await;

    let (probes, beside) =
        (sum(&daemon, "probes_total", &[]), sum(&daemon, "probes_beside_sweep_total", &[]));
    assert!(probes >= before + 25.0 && beside >= 3.0, "{before} {probes} {beside}");
    assert_eq!(server.requests(), probes + beside + 60.0);
    // Every probe that counts met a server that had time for it.
    for counted in
        ["slo_probes_total", "slo_good_probes_total", "time_to_first_token_seconds_count"]
    {
        assert_eq!(sum(&daemon, counted, &[]), probes, "{counted}");
    }
    let slow = ["le=\"+Inf\""];
    let bucket = "time_to_first_token_seconds_bucket";
    assert_eq!(sum(&daemon, bucket, &["le=\"0.5\""]), sum(&daemon, bucket, &slow));
    let config = daemon.config();
    let overview = daemon.history.overview(&config.targets[0], now_of_day());
    assert_eq!(f64::from(overview.month.probes), probes, "the history knows no more of them");
    assert_eq!(sum(&daemon, "failures_in_a_row", &[]), 0.0);
}

/// The history goes by the recordings' own clock.
fn now_of_day() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_nanos()).unwrap()
}

/// `dead` is at the same host and port; so it is marked, and yet it is down.
#[tokio::test(start_paused = true)]
async fn whether_a_target_answers_is_still_told() {
    let server = Server::new(two_slots());
    let slow = nightly(&[("concurrency", "[1]"), ("requests_per_level", "500")]);
    let text = yaml("", &sweeps(&[slow]))
        + "- {name: dead, url: 'http://t.test/v1', model: m, interval: 10s}\n";
    let dead: PipeDialer = Arc::new(|| tokio::io::duplex(1).0);
    let daemon = start_at(BEFORE, &text, Dialers::from([("t", server.dialer()), ("dead", dead)]));
    let of_dead = ["target=\"dead\""];
    seconds(120).await;
    // Those that end in the very second are marked.
    let (probes, down) =
        (sum(&daemon, "probes_total", &of_dead), sum(&daemon, "failures_in_a_row", &of_dead));
    assert!(down >= 10.0, "{down}");
    seconds(60).await;
    assert_eq!(running(&daemon), 1.0);
    assert_eq!(sum(&daemon, "probes_total", &of_dead), probes);
    assert!(sum(&daemon, "failures_in_a_row", &of_dead) >= down + 5.0);
    assert!(sum(&daemon, "probes_beside_sweep_total", &of_dead) >= 5.0);
    assert!(sum(&daemon, "failures_in_a_row", &["target=\"t\""]) == 0.0);
}

/// A server that becomes another one so long after the start of the daemon.
fn changing(after: &str, how: &str) -> Server {
    let text = format!(
        "{{model: m, ttft: 200ms, itl: 10ms, answer_tokens: 4, slots: 2, \
          script: [{{after: {after}, {how}}}]}}"
    );
    Server::new(simulate::parse(Path::new("s.yml"), &text).unwrap())
}

/// The second level begins 4.6 s after the instant. The requests under way then are given up.
async fn broken_off(after: &str, how: &str, under_way: u64, result: &str) -> Arc<Daemon> {
    let server = changing(after, how);
    // Its own probes come between the instants that matter, and begin with the daemon.
    let daemon = start(&yaml("", &sweeps(&[nightly(&[])])), &server);
    seconds(under_way).await;
    assert_eq!((running(&daemon), ended(&daemon, result)), (1.0, 0.0), "{result}");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!((running(&daemon), ended(&daemon, result)), (0.0, 1.0), "{result}");
    daemon
}

#[tokio::test(start_paused = true)]
async fn a_sweep_is_broken_off_within_a_second_where_the_server_refuses() {
    let refused = "faults: {throttle: {probability: 1}}";
    let daemon = broken_off("125200ms", refused, 125, "rate_limited").await;
    assert_eq!(values(&daemon, "sweep_knee_users"), [1.0]);
    assert!(sum(&daemon, "sweep_probe_failures_total", &["reason=\"throttled\""]) >= 1.0);
    // At the first level, it says nothing about load.
    let daemon = broken_off("122200ms", refused, 122, "rate_limited").await;
    assert_eq!(values(&daemon, "sweep_knee_users"), Vec::<f64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_is_broken_off_within_a_second_where_requests_fail() {
    let failing = "faults: {http_status: {probability: 1, status: 503}}";
    let daemon = broken_off("125200ms", failing, 125, "errors").await;
    assert_eq!(values(&daemon, "sweep_knee_users"), [1.0]);
    assert!(sum(&daemon, "sweep_probe_failures_total", &["reason=\"http_status\""]) >= 1.0);
}

/// Ten times 500 ms after the last request that found it as it was.
#[tokio::test(start_paused = true)]
async fn a_sweep_is_broken_off_while_first_tokens_do_not_come() {
    let daemon = broken_off("124700ms", "ttft_factor: 1000", 129, "ttft").await;
    assert_eq!(values(&daemon, "sweep_knee_users"), [1.0]);
    let slow = sum(&daemon, "sweep_attainment_ratio", &["concurrency=\"2\""]);
    assert_eq!(slow, 0.0, "a level that was broken off has no figures");
}

#[tokio::test(start_paused = true)]
async fn one_sweep_at_a_time_at_each_host_and_port() {
    let (one, other) = (Server::new(two_slots()), Server::new(two_slots()));
    let of = |target: &'static str| nightly(&[("name", target), ("target", target)]);
    let text = yaml("", &sweeps(&["t", "same", "elsewhere"].map(of)))
        + "- {name: same, url: 'http://t.test:80/other', model: m}\n\
           - {name: elsewhere, url: 'http://t.test:81/v1', model: m}\n";
    let dialers = [("t", one.dialer()), ("same", one.dialer()), ("elsewhere", other.dialer())];
    let daemon = start_at(BEFORE, &text, Dialers::from(dialers));
    seconds(119).await;
    let (mut most, mut both) = (0.0_f64, 0.0_f64);
    for _ in 0..40 {
        let scrape = Exposition::of(&daemon.metrics);
        let of = |target: &str| {
            scrape.sum("llm_prober_sweep_running", &[&format!("sweep=\"{target}\"")])
        };
        let here = of("t") + of("same");
        (most, both) = (most.max(here), both.max(here + of("elsewhere")));
        seconds(1).await;
    }
    assert_eq!((most, both), (1.0, 2.0));
    assert_eq!((running(&daemon), sum(&daemon, "sweep_runs_total", &[])), (0.0, 3.0));
}

#[tokio::test(start_paused = true)]
async fn no_sweep_costs_more_than_it_may() {
    let server = Server::new(two_slots());
    let capped = nightly(&[("max_output_tokens", "42"), ("concurrency", "[1, 2]")]);
    let daemon = start(&yaml("", &sweeps(&[capped])), &server);
    seconds(140).await;
    assert_eq!((running(&daemon), ended(&daemon, "tokens")), (0.0, 1.0));
    let spent = sum(&daemon, "sweep_probes_total", &[]) * TOKENS;
    assert!((42.0..42.0 + TOKENS).contains(&spent), "{spent}");
    assert_eq!(values(&daemon, "sweep_knee_users"), Vec::<f64>::new());

    let short = nightly(&[("max_duration", "3s")]);
    let daemon = start(&yaml("", &sweeps(&[short])), &server);
    seconds(122).await;
    assert_eq!((running(&daemon), ended(&daemon, "time")), (1.0, 0.0));
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    assert_eq!((running(&daemon), ended(&daemon, "time")), (0.0, 1.0));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_spends_of_the_target_s_budget_and_of_that_of_all() {
    // 240 tokens of sweep, and as many probes before it as there are in two minutes.
    let budgets = [
        (", budget: {output_tokens_per_day: 100}", ""),
        ("", "budget: {output_tokens_per_day: 100}\n"),
    ];
    for (own, all) in budgets {
        let server = Server::new(two_slots());
        let text = yaml(own, &(all.to_owned() + &sweeps(&[nightly(&[])]))).replace("2s,", "10s,");
        let daemon = start(&text, &server);
        seconds(160).await;
        assert_eq!(ended(&daemon, "budget"), 1.0, "{text}");
        let spent = server.requests() * TOKENS;
        assert!((100.0..100.0 + TOKENS).contains(&spent), "{spent}");
        assert!(sum(&daemon, "probes_skipped_total", &["reason=\"budget\""]) >= 1.0);
    }
}

/// In the midst of a sweep, too, what is written down is ahead of what is spent.
#[tokio::test(start_paused = true)]
async fn no_kill_makes_money_for_a_sweep() {
    // All of its tokens are spent within a second.
    let server = Server::new(SimulatorConfig { slots: 64, ..exact(4) });
    let folder = tempfile::tempdir().unwrap();
    let state = |n: u64| folder.path().join(format!("state-{n}"));
    let swept = nightly(&[("concurrency", "[16]"), ("max_output_tokens", "100")]);
    let text = yaml(", budget: {output_tokens_per_day: 150}", &sweeps(&[swept]));
    // Each goes on from what the one before had written, wherever that was; the instant comes again.
    for life in 0..4 {
        let keep = format!("change_detection: {{state_dir: {}}}\n", state(life).display());
        let killed = start(&(text.replace("2s,", "20s,") + &keep), &server);
        tokio::time::sleep(Duration::from_millis(121_000 + 700 * life)).await;
        // What is on disk now is all that the next one gets. Its own end comes too late.
        std::fs::create_dir(state(life + 1)).unwrap();
        for file in std::fs::read_dir(state(life)).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), state(life + 1).join(file.file_name())).unwrap();
            }
        }
        killed.drain().await;
        let spent = server.requests() * TOKENS;
        assert!(spent < 150.0 + TOKENS, "{life}: {spent}");
    }
    assert!(server.requests() * TOKENS > 40.0, "something is probed all the same");
}

#[tokio::test(start_paused = true)]
async fn what_was_found_outlives_the_program() {
    let server = Server::new(two_slots());
    let folder = tempfile::tempdir().unwrap();
    let keep = format!("change_detection: {{state_dir: '{}'}}\n", folder.path().display());
    let with = |keys: &[(&str, &str)]| yaml("", &sweeps(&[nightly(keys)])) + &keep;
    let first = start(&with(&[]), &server);
    seconds(180).await;
    first.drain().await;
    let found = |daemon: &Daemon| {
        ["sweep_knee_users", "sweep_last_run_timestamp_seconds"].map(|name| values(daemon, name))
    };
    let known = found(&first);
    assert_eq!(known[0], [2.0]);
    // At another time of day it is the same sweep.
    let second = start_at(
        BEFORE + 1_000,
        &with(&[("at", "'04:00'")]),
        Dialers::from([("t", server.dialer())]),
    );
    assert_eq!(found(&second), known);
    assert_eq!(ended(&second, "complete"), 0.0, "since the start");
    second.drain().await;
    // At other levels it is another one.
    let third = start(&with(&[("concurrency", "[1, 2, 9]")]), &server);
    assert_eq!(found(&third), [Vec::<f64>::new(), Vec::new()]);
    // The end of the program gives up what is under way, and remembers that.
    seconds(122).await;
    let asked = Instant::now();
    third.drain().await;
    assert!(asked.elapsed() <= Duration::from_secs(6));
    assert_eq!(ended(&third, "stopped"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_reload_stops_what_has_changed_and_nothing_else() {
    let (one, other) = (Server::new(two_slots()), Server::new(two_slots()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llm-prober.yml");
    let write = |keys: &[(&str, &str)], settings: &str| {
        let second = nightly(&[("name", "second"), ("target", "u")]);
        let text = yaml("", &sweeps(&[nightly(keys), second]))
            + &format!("- {{name: u, url: 'http://u.test/v1', model: m{settings}}}\n");
        std::fs::write(&file, text).unwrap();
    };
    write(&[], "");
    let (metrics, memory) = (Metrics::new(MetricsOptions::default()), Memory::default());
    let dial = dial(Dialers::from([("t", one.dialer()), ("u", other.dialer())]));
    let (config, source) = (Config::load(&file).unwrap(), Some(file.clone()));
    let daemon = Daemon::start_with(clock(BEFORE), memory, config, source, metrics, dial).unwrap();
    let of = |name: &str, sweep: &str| sum(&daemon, name, &[&format!("sweep=\"{sweep}\"")]);
    seconds(122).await;
    let of_sweeps = || ["nightly", "second"].map(|sweep| of("sweep_running", sweep));
    assert_eq!(of_sweeps(), [1.0, 1.0]);
    // The other target changes, and with it its sweep.
    write(&[], ", timeout: 30s");
    daemon.reload().await.unwrap();
    seconds(1).await;
    assert_eq!(of_sweeps(), [1.0, 0.0]);
    seconds(20).await;
    let complete = ["result=\"complete\"", "sweep=\"nightly\""];
    assert_eq!(sum(&daemon, "sweep_runs_total", &complete), 1.0, "it went on");
    assert_eq!(values(&daemon, "sweep_knee_users"), [2.0]);
    // At another time it goes on with its past; without its key it is gone.
    write(&[("at", "'03:05'")], ", timeout: 30s");
    daemon.reload().await.unwrap();
    assert_eq!(of("sweep_knee_users", "nightly"), 2.0);
    seconds(300).await;
    assert_eq!(sum(&daemon, "sweep_runs_total", &complete), 1.0, "of the new one");
    std::fs::write(&file, yaml("", "")).unwrap();
    daemon.reload().await.unwrap();
    assert_eq!(values(&daemon, "sweep_running"), Vec::<f64>::new());
}

#[tokio::test(start_paused = true)]
async fn pairs_of_which_a_side_is_swept_are_dropped() {
    let (one, other) = (Server::new(two_slots()), Server::new(exact(4)));
    let text = yaml("", &sweeps(&[nightly(&[])]))
        + "- {name: u, url: 'http://u.test/v1', model: m}\n\
           comparisons: [{name: c, baseline: u, candidate: t, interval: 1s}]\n";
    let dialers = Dialers::from([("t", one.dialer()), ("u", other.dialer())]);
    let daemon = start_at(BEFORE, &text, dialers);
    let dropped = || sum(&daemon, "comparison_rounds_dropped_total", &["reason=\"sweep\""]);
    let pairs = || sum(&daemon, "comparison_pairs_total", &[]);
    seconds(119).await;
    let before = (dropped(), pairs());
    assert!(before.0 == 0.0 && before.1 > 50.0, "{before:?}");
    seconds(5).await;
    assert_eq!(running(&daemon), 1.0);
    assert!(dropped() >= 1.0 && pairs() <= before.1 + 4.0, "{} {}", dropped(), pairs());
    over(&daemon).await;
    let after = (dropped(), pairs());
    seconds(60).await;
    assert!(dropped() <= after.0 + 2.0 && pairs() > after.1 + 30.0, "{} {}", dropped(), pairs());
}
