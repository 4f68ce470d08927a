//! Users who stop reading, and users who ask again.

use std::time::Duration;

use serde_json::Value;

use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::scripted::{CHUNKED, Step, always, answer, pause, pipe, send, token};
use crate::common::simulated::{Dialers, Server, exact, start};
use crate::seconds;

fn yaml(workload: &str) -> String {
    format!(
        "seed: 3\n\
         workloads: {{w: {{prompts: {{inline: [one, two]}}, max_output_tokens: 400, {workload}}}}}\n\
         slos: {{s: {{objective: 0.99, ttft: 1s}}}}\n\
         defaults: {{interval: 20s, arrival: constant, connection: reuse}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m}}]"
    )
}

/// Ten minutes of such users, and the server they had.
async fn ten_minutes(workload: &str, tokens: u32) -> (Exposition, Server) {
    let server = Server::new(exact(tokens));
    let dialers = Dialers::from([("t", server.dialer())]);
    let daemon = start(config(&yaml(workload)), dialers);
    seconds(599).await;
    daemon.drain().await;
    seconds(1).await; // the server sees the last one go
    (Exposition::of(&daemon.metrics), server)
}

fn sum(scrape: &Exposition, name: &str) -> f64 {
    scrape.sum(&format!("llm_prober_{name}"), &[])
}

#[tokio::test(start_paused = true)]
async fn readers_who_stop_are_counted_apart_and_the_server_sees_them_go() {
    let (scrape, server) = ten_minutes("cancel: {after_output_tokens: 16}", 400).await;
    let cancelled = sum(&scrape, "probes_cancelled_total");
    assert!(cancelled >= 30.0, "{cancelled}");
    for nothing in ["probes_total", "probe_failures_total", "slo_probes_total"] {
        assert_eq!(sum(&scrape, nothing), 0.0, "{nothing}");
    }
    assert_eq!(scrape.values("llm_prober_probes_given_up_total", &[]), Vec::<f64>::new());
    // What they had seen counts: the first token, and little more than 16 tokens.
    assert_eq!(sum(&scrape, "time_to_first_token_seconds_count"), cancelled);
    assert!((sum(&scrape, "time_to_first_token_seconds_sum") / cancelled - 0.2).abs() < 1e-9);
    let read = sum(&scrape, "output_tokens_total") / cancelled;
    assert!((16.0..=20.0).contains(&read), "{read}");
    // Nobody reads on: each reader is gone with its connection.
    let dials = f64::from(u32::try_from(server.dials()).unwrap());
    assert_eq!((server.requests(), dials), (cancelled, cancelled));
    assert_eq!(server.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_may_stop_before_the_first_token_or_come_to_the_end() {
    let (scrape, server) = ten_minutes("cancel: {after: 100ms}", 400).await;
    let cancelled = sum(&scrape, "probes_cancelled_total");
    assert_eq!(cancelled, server.requests());
    assert_eq!(sum(&scrape, "time_to_first_token_seconds_count"), 0.0);
    for cancel in ["cancel: {after_output_tokens: 16}", "cancel: {after: 1s}"] {
        let (scrape, server) = ten_minutes(cancel, 8).await;
        assert_eq!(sum(&scrape, "probes_cancelled_total"), 0.0, "{cancel}");
        assert_eq!(sum(&scrape, "probes_total"), server.requests());
        assert_eq!(sum(&scrape, "slo_good_probes_total"), server.requests());
    }
}

/// Their times are their own doing, whether the answer ends before the time-out or not.
#[tokio::test(start_paused = true)]
async fn readers_who_are_slower_than_the_server_have_no_latency() {
    for (bytes_per_second, least) in [(20_000, 30.0), (200, 20.0)] {
        let slowly = format!("cancel: {{bytes_per_second: {bytes_per_second}}}");
        let (scrape, server) = ten_minutes(&slowly, 400).await;
        let cancelled = sum(&scrape, "probes_cancelled_total");
        let given_up = sum(&scrape, "probes_given_up_total");
        assert!(cancelled >= least && given_up < 5.0, "{slowly}: {cancelled}, {given_up}");
        assert_eq!(cancelled + given_up, server.requests(), "{slowly}");
        for nothing in ["probes_total", "probe_failures_total", "slo_probes_total"] {
            assert_eq!(sum(&scrape, nothing), 0.0, "{slowly}: {nothing}");
        }
        let times = ["time_to_first_token", "inter_token_latency", "request_latency"];
        for time in times.map(|name| format!("{name}_seconds_count")) {
            assert_eq!(sum(&scrape, &time), 0.0, "{slowly}: {time}");
        }
        assert!(sum(&scrape, "output_tokens_total") >= 20.0 * cancelled, "{slowly}");
        // It answers.
        assert_eq!(sum(&scrape, "failures_in_a_row"), 0.0, "{slowly}");
        assert!(sum(&scrape, "unanswered_since_timestamp_seconds") > 0.0, "{slowly}");
        // Each on a connection of its own.
        let dials = f64::from(u32::try_from(server.dials()).unwrap());
        assert_eq!((server.requests(), server.open()), (dials, 0), "{slowly}");
    }
}

/// Who has not begun to read has waited for the server.
#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_before_its_answer_fails_for_slow_readers_too() {
    let (dialer, _) = pipe(always([Step::Request, send(CHUNKED), Step::Hold]));
    let slowly = yaml("cancel: {bytes_per_second: 1000}");
    let daemon = start(config(&slowly), Dialers::from([("t", dialer)]));
    seconds(300).await;
    daemon.drain().await;
    let scrape = Exposition::of(&daemon.metrics);
    let timed_out = scrape.sum("llm_prober_probe_failures_total", &["reason=\"timeout\""]);
    assert!(timed_out >= 3.0, "{scrape}");
    assert_eq!(sum(&scrape, "probes_cancelled_total"), 0.0);
}

/// What the server does wrong is no reader's doing.
#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_fails_however_slowly_it_is_read() {
    let broken = [Step::Request, send(CHUNKED), send(token("one")), pause(1)];
    let (dialer, _) = pipe(always(broken));
    let daemon =
        start(config(&yaml("cancel: {bytes_per_second: 1000}")), Dialers::from([("t", dialer)]));
    seconds(300).await;
    daemon.drain().await;
    let scrape = Exposition::of(&daemon.metrics);
    let truncated = scrape.sum("llm_prober_probe_failures_total", &["reason=\"truncated\""]);
    assert!(truncated >= 15.0 && truncated >= sum(&scrape, "probes_total"), "{scrape}");
    assert_eq!(sum(&scrape, "probes_cancelled_total"), 0.0);
}

/// The messages of a request: who says what.
fn messages(request: &str) -> Vec<(String, String)> {
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let text = |message: &Value, key: &str| message[key].as_str().unwrap().to_owned();
    let all = body["messages"].as_array().unwrap().iter();
    all.map(|message| (text(message, "role"), text(message, "content"))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_conversation_grows_by_the_real_answers() {
    let (dialer, seen) = pipe(always([Step::Request, answer()]));
    let workload = yaml("conversation: {turns: 3, think_time: 2s}").replace("20s", "60s");
    let daemon = start(config(&workload), Dialers::from([("t", dialer)]));
    seconds(600).await;
    let scrape = Exposition::of(&daemon.metrics);
    daemon.drain().await;
    let requests: Vec<_> = seen.requests().iter().map(|request| messages(request)).collect();
    let turns = |n: usize| requests.iter().filter(|messages| messages.len() == n).count();
    // One at the start and one in each minute, with three turns each; the last may be cut short.
    assert_eq!((turns(1), turns(7)), (11, 0));
    assert!(turns(3) >= 10 && turns(5) >= 10 && turns(1) + turns(3) + turns(5) == requests.len());
    let made = f64::from(u32::try_from(requests.len()).unwrap());
    assert!(made - sum(&scrape, "probes_total") <= 1.0, "each turn is a probe");
    for longer in requests.iter().filter(|messages| messages.len() > 1) {
        let earlier = &longer[..longer.len() - 2];
        assert!(requests.iter().any(|messages| messages == earlier), "{longer:?}");
        let [.., (who, said), (next, asked)] = &longer[..] else { panic!("{longer:?}") };
        assert_eq!((who.as_str(), said.as_str()), ("assistant", "one two"));
        assert_eq!(next, "user");
        assert!(["one", "two"].contains(&asked.as_str()), "{asked}");
        assert!(longer[0].1.starts_with('['), "unlike any other: {}", longer[0].1);
    }
}

/// What a data set holds is what its user says, as long as there is something.
#[tokio::test(start_paused = true)]
async fn a_conversation_of_a_data_set_says_what_its_user_said() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let said = |text: &str| format!("{{\"from\": \"human\", \"value\": \"{text}\"}}");
    let row = [said("first"), said("second")].join(", ");
    std::fs::write(file.path(), format!("[{{\"conversations\": [{row}]}}]")).unwrap();
    let yaml = format!(
        "seed: 3\n\
         workloads: {{w: {{prompts: {{sharegpt: '{}'}}, conversation: {{turns: 9}}}}}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m, interval: 1h, arrival: constant}}]",
        file.path().display()
    );
    let (dialer, seen) = pipe(always([Step::Request, answer()]));
    let daemon = start(config(&yaml), Dialers::from([("t", dialer)]));
    tokio::time::sleep(Duration::from_secs(60)).await;
    daemon.drain().await;
    let requests: Vec<_> = seen.requests().iter().map(|request| messages(request)).collect();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[0][0].1.ends_with("] first"), "{requests:?}");
    assert_eq!(requests[1][2], ("user".to_owned(), "second".to_owned()));
}
