//! The server's own metrics around probes: what they say, and that they disturb nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use llm_prober::probe::{Probe, Probing};
use llm_prober::server_metrics::{Problem, TtftPart};
use llm_prober::simulate::{Load, SimulatorConfig, Source};
use llm_prober::transport::{PipeDialer, Transport};
use llm_prober::workload::Mix;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::seconds;
use crate::common::exposition::Exposition;
use crate::common::log::Log;
use crate::common::paged::with_page;
use crate::common::scripted::{Script, Step, always, pause, send, whole};
use crate::common::simulated::{Dialers, Server, exact, start};
use crate::common::{config, target, verdict};

const MS: Duration = Duration::from_millis(1);

fn yaml(settings: &str) -> String {
    format!(
        "seed: 3\n\
         workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 4}}}}\n\
         defaults: {{interval: 1s, arrival: constant}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m, server_metrics: /metrics\
         {settings}}}]"
    )
}

fn probing(dialer: PipeDialer) -> Probing {
    let target = target(&yaml(""));
    let transport = Transport::pipe(&target, dialer);
    Probing::new(target, transport)
}

/// A probe, and how long it took in all.
async fn probe(probing: &Probing) -> (Probe, Duration) {
    let draw = Mix::new(&probing.target.workloads, 1).draw().unwrap();
    let began = Instant::now();
    let probe = probing.probe(draw, Duration::ZERO, CancellationToken::new()).await;
    assert_eq!(verdict(&probe.outcome), "success", "{:?}", probe.outcome.result);
    (probe, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_probe_alone_is_known_to_be_and_its_first_token_is_taken_apart() {
    let probing = probing(Server::new(exact(4)).dialer());
    for _ in 0..3 {
        let (probe, took) = probe(&probing).await;
        let view = &probe.server;
        let state = view.at_send.unwrap();
        assert_eq!((state.engine, state.in_flight()), ("vllm", Some(0.0)));
        assert_eq!(view.alone, Some(true));
        let parts = [
            (TtftPart::Queue, Duration::ZERO),
            (TtftPart::Prefill, 200 * MS),
            (TtftPart::Network, Duration::ZERO),
        ];
        assert_eq!(view.ttft_parts, parts);
        assert_eq!(took, 230 * MS, "looking takes no time here");
    }
}

#[tokio::test(start_paused = true)]
async fn two_at_a_time_are_not_alone_and_the_second_meets_the_first() {
    let server = Server::new(SimulatorConfig { slots: 1, ..exact(4) });
    let probing = Arc::new(probing(server.dialer()));
    let later = async {
        tokio::time::sleep(50 * MS).await;
        probe(&probing).await.0
    };
    let ((first, _), second) = tokio::join!(probe(&probing), later);
    let met =
        |probe: &Probe| probe.server.at_send.map(|s| (s.running.unwrap(), s.waiting.unwrap()));
    assert_eq!((met(&first), met(&second)), (Some((0.0, 0.0)), Some((1.0, 0.0))));
    assert_eq!(second.server.alone, Some(false));
    assert_ne!(first.server.alone, Some(true));
    // One request was added to the server's histograms around each of them: the other one's stages
    // must not be taken for its own.
    let parts = |queue: Duration| {
        vec![
            (TtftPart::Queue, queue),
            (TtftPart::Prefill, 200 * MS),
            (TtftPart::Network, Duration::ZERO),
        ]
    };
    assert_eq!(first.server.ttft_parts, parts(Duration::ZERO));
    // Two were added while the second was under way.
    assert_eq!(second.server.ttft_parts, []);
    assert_eq!(second.outcome.measurement.ttft, Some(380 * MS));
}

#[tokio::test(start_paused = true)]
async fn the_first_token_is_shown_by_the_load_it_met() {
    let source = Source::Users { count: 30, think_time: Duration::from_secs(5) };
    let load = Load { source, input_tokens: 50, output_tokens: 100, swing: None };
    let server = Server::new(SimulatorConfig { slots: 4, load: Some(load), ..exact(4) });
    let daemon = start(config(&yaml("")), Dialers::from([("t", server.dialer())]));
    seconds(600).await;
    daemon.drain().await;
    let seen = Exposition::of(&daemon.metrics);
    let of = |name: &str, labels: &[&str]| seen.sum(&format!("llm_prober_{name}"), labels);
    let probes = of("probes_total", &[]);
    assert!(probes > 500.0 && of("server_metrics_up", &[]) == 1.0, "{seen}");
    for figure in ["requests_waiting", "requests_running", "kv_cache_usage"] {
        let unit = if figure.starts_with("kv") { "_ratio" } else { "" };
        let count = of(&format!("server_{figure}_at_send{unit}_count"), &[]);
        assert_eq!(count, probes, "{figure}: {seen}");
    }
    assert_eq!(of("server_info", &["engine=\"vllm\""]), 1.0);
    let ttft = of("time_to_first_token_seconds_sum", &[]);
    let by = |label: &str| {
        let split = of(&format!("time_to_first_token_by_{label}_seconds_sum"), &[]);
        assert!((split - ttft).abs() < 1e-6 * ttft, "{label}: {split} against {ttft}");
    };
    by("waiting");
    by("in_flight");
    let mean = |class: &str| {
        let class = format!("waiting=\"{class}\"");
        let name = |end| format!("time_to_first_token_by_waiting_seconds_{end}");
        of(&name("sum"), &[&class]) / of(&name("count"), &[&class])
    };
    assert!(mean("4-15") > mean("1-3") && mean("16-63") > mean("4-15"), "{seen}");
}

/// Holds its answer back for ever.
fn hangs() -> Script {
    always([Step::Hold])
}

#[tokio::test(start_paused = true)]
async fn a_page_that_hangs_delays_one_probe_by_100_ms_and_no_other() {
    let log = Log::listen(Level::INFO);
    let probing = probing(with_page(Server::new(exact(4)).dialer(), hangs()));
    let (first, took) = probe(&probing).await;
    // The look goes on beside it, up to its own limit of 1 s.
    assert_eq!((took, first.recording.ended.seconds()), (1000 * MS, 0.23));
    assert_eq!(first.server.newest.unwrap().result, Err(Problem::Timeout));
    let (began, mut looking) = (Instant::now(), 0);
    for _ in 0..100 {
        let (probe, took) = probe(&probing).await;
        assert_eq!(probe.recording.ended.seconds(), 0.23);
        assert_eq!(probe.outcome.measurement.ttft, Some(200 * MS));
        assert!(probe.server.at_send.is_none() && probe.server.alone.is_none());
        // Now and then one looks again, without waiting for it before it is sent.
        assert!(took == 230 * MS || took == 1000 * MS, "{took:?}");
        looking += u32::from(took > 230 * MS);
    }
    let tries = began.elapsed().as_secs() / 10;
    assert!(u64::from(looking) <= tries && looking > 0, "{looking} in {:?}", began.elapsed());
    assert_eq!(log.count("WARN"), 1, "{}", log.text());
    assert!(log.text().contains("the page does not come in time"), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn a_slow_page_still_tells_its_gauges_but_not_the_load_at_send() {
    let page = whole("200 OK", "text/plain", "vllm:num_requests_waiting{model_name=\"m\"} 7\n");
    let script = always([pause(150), page]);
    let server = Server::new(exact(4));
    let dialers = Dialers::from([("t", with_page(server.dialer(), script))]);
    let daemon = start(config(&yaml("")), dialers);
    seconds(60).await;
    daemon.drain().await;
    let seen = Exposition::of(&daemon.metrics);
    let of = |name: &str| seen.sum(&format!("llm_prober_{name}"), &[]);
    assert_eq!((of("server_metrics_up"), of("server_requests_waiting")), (1.0, 7.0), "{seen}");
    assert_eq!(of("server_requests_waiting_at_send_count"), 0.0);
    assert!(of("probes_total") >= 59.0 && of("probes_skipped_total") == 0.0, "{seen}");
    let ttft = of("time_to_first_token_seconds_sum") / of("probes_total");
    assert!((ttft - 0.2).abs() < 1e-9, "{ttft}");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_quick_again_is_waited_for_again() {
    let answer = || whole("200 OK", "text/plain", "vllm:num_requests_waiting 7\n");
    let script: Script = Arc::new(move |n| if n == 0 { vec![Step::Hold] } else { vec![answer()] });
    let probing = probing(with_page(Server::new(exact(4)).dialer(), script));
    let mut at_send = Vec::new();
    for _ in 0..15 {
        at_send.push(probe(&probing).await.0.server.at_send.is_some());
        seconds(1).await;
    }
    let back = at_send.iter().position(|known| *known).unwrap();
    assert!((5..13).contains(&back) && at_send[back..].iter().all(|known| *known), "{at_send:?}");
}

fn version(n: usize) -> Vec<Step> {
    let known = "vllm:num_requests_running{model_name=\"m\"} 2\n\
                 vllm:num_requests_waiting{model_name=\"m\"} 1\n";
    let unknown = "vllm:requests{model_name=\"m\",state=\"running\"} 2\n";
    let page = if (20..60).contains(&n) { unknown } else { known };
    vec![whole("200 OK", "text/plain", page)]
}

#[tokio::test(start_paused = true)]
async fn an_unknown_version_is_absent_with_one_line_in_the_log() {
    let log = Log::listen(Level::INFO);
    let server = with_page(Server::new(exact(4)).dialer(), Arc::new(version));
    let daemon = start(config(&yaml("")), Dialers::from([("t", server)]));
    let up = || {
        let seen = Exposition::of(&daemon.metrics);
        let known = !seen.values("llm_prober_server_requests_running", &[]).is_empty();
        (seen.sum("llm_prober_server_metrics_up", &[]), known)
    };
    seconds(9).await;
    assert_eq!((up(), log.count("WARN")), ((1.0, true), 0), "{}", log.text());
    // Two looks a second while they succeed, one while they do not.
    seconds(20).await;
    assert_eq!((up(), log.count("WARN")), ((0.0, false), 1), "{}", log.text());
    assert_eq!(log.count("nothing on the page is known"), 1, "{}", log.text());
    seconds(60).await;
    assert_eq!((up(), log.count("WARN")), ((1.0, true), 1), "{}", log.text());
    assert_eq!(log.count("server metrics are back"), 1, "{}", log.text());
    assert_eq!(log.count("server metrics are read"), 1, "{}", log.text());
    assert_eq!(log.count("target=t"), 3, "{}", log.text());
    daemon.drain().await;
}

#[tokio::test(start_paused = true)]
async fn skipped_arrivals_do_not_look() {
    let looks = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&looks);
    let script: Script = Arc::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        vec![send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")]
    });
    let server = Server::new(SimulatorConfig { ttft: Duration::from_secs(30), ..exact(4) });
    let dialers = Dialers::from([("t", with_page(server.dialer(), script))]);
    let daemon = start(config(&yaml(", max_in_flight: 1")), dialers);
    seconds(300).await;
    daemon.drain().await;
    let seen = Exposition::of(&daemon.metrics);
    // The last one is given up at the end.
    let sent = ["probes_total", "probes_given_up_total"]
        .map(|name| seen.sum(&format!("llm_prober_{name}"), &[]))
        .iter()
        .sum::<f64>();
    assert!(sent > 5.0 && seen.sum("llm_prober_probes_skipped_total", &[]) > 200.0, "{seen}");
    // One before each; a page that is refused is not asked again after it.
    assert_eq!(f64::from(looks.load(Ordering::Relaxed)), sent);
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "hush-hush").unwrap();
    let log = Log::listen(Level::TRACE);
    let auth = format!(", auth: {{bearer_token_file: '{}'}}", file.display());
    let refuse = whole("401 Unauthorized", "text/plain", "Bearer hush-hush is wrong");
    for script in [always([refuse]), hangs(), always([send("hush-hush\r\n\r\n")])] {
        let server = with_page(Server::new(exact(4)).dialer(), script);
        let daemon = start(config(&yaml(&auth)), Dialers::from([("t", server)]));
        seconds(5).await;
        daemon.drain().await;
    }
    assert!(log.count("no server metrics") >= 3, "{}", log.text());
    assert!(!log.text().contains("hush-hush"), "{}", log.text());
}
