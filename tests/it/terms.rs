//! What a server refuses although it could answer is found out once, and not asked again.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use common::log::Log;
use common::scripted::{
    CHUNKED, LAST_CHUNK, Seen, Step, answer, finish, pause, pipe, send, token, whole,
};
use common::{target, verdict};
use llm_prober::probe::{Probe, Probing};
use llm_prober::transport::Transport;
use llm_prober::workload::Mix;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::Level;

/// A target in front of a server that does these things with its requests, one after another.
struct Rig {
    probing: Probing,
    seen: Seen,
}

impl Rig {
    fn new(settings: &str, workload: &str, answers: Vec<Step>) -> Self {
        let target = target(&format!(
            "workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 9{workload}}}}}\n\
             targets: [{{name: t, model: m, url: 'http://llm.test/v1'{settings}}}]"
        ));
        let steps: Vec<Step> = answers.into_iter().flat_map(|step| [Step::Request, step]).collect();
        let (dialer, seen) = pipe(Arc::new(move |_| steps.clone()));
        let transport = Transport::pipe(&target, dialer);
        Self { probing: Probing::new(target, transport), seen }
    }

    async fn probe(&self) -> Probe {
        let draw = Mix::new(&self.probing.target.workloads, 1).draw().unwrap();
        self.probing.probe(draw, Duration::from_millis(3), CancellationToken::new()).await
    }

    /// Of each request so far: what its limit is called, and the stream options.
    fn asked(&self) -> Vec<(String, Value)> {
        let terms = |request: String| {
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            let body: Value = serde_json::from_str(body).unwrap();
            let keys = ["max_tokens", "max_completion_tokens"];
            let limits: Vec<_> = keys.into_iter().filter(|key| body[key] == 9).collect();
            (limits.join(" "), body["stream_options"].clone())
        };
        self.seen.requests().into_iter().map(terms).collect()
    }
}

fn refusal(error: &Value) -> Step {
    whole("400 Bad Request", "application/json", &json!({"error": error}).to_string())
}

fn wants_other_key() -> Step {
    refusal(&json!({
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                    'max_completion_tokens' instead.",
        "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter",
    }))
}

const OLD: &str = "max_tokens";
const NEW: &str = "max_completion_tokens";

fn at_the_end(key: &str) -> (String, Value) {
    (key.to_owned(), json!({"include_usage": true}))
}

fn continuously(key: &str) -> (String, Value) {
    (key.to_owned(), json!({"include_usage": true, "continuous_usage_stats": true}))
}

fn no_counts(key: &str) -> (String, Value) {
    (key.to_owned(), Value::Null)
}

#[track_caller]
fn check(probe: &Probe, expect: &str) {
    assert_eq!(verdict(&probe.outcome), expect, "{:?}", probe.outcome.result);
}

#[tokio::test(start_paused = true)]
async fn the_other_limit_key_is_learnt_from_the_refusal() {
    let log = Log::listen(Level::INFO);
    let rig = Rig::new("", "", vec![wants_other_key(), answer(), answer()]);
    for _ in 0..2 {
        check(&rig.probe().await, "success");
    }
    assert_eq!(rig.asked(), [at_the_end(OLD), at_the_end(NEW), at_the_end(NEW)]);
    assert_eq!(log.count("the server refuses max_tokens, so max_completion_tokens is sent"), 1);
    assert_eq!(log.text().lines().count(), 1, "no failure: {}", log.text());
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_last_request_is_delay_and_no_latency() {
    let slow = [Step::Request, pause(500), wants_other_key(), Step::Request, pause(20), answer()];
    let (dialer, seen) = pipe(Arc::new(move |_| slow.to_vec()));
    let rig = Rig::new("", "", vec![]);
    let transport = Transport::pipe(&rig.probing.target, dialer);
    let rig = Rig { probing: Probing::new(Arc::clone(&rig.probing.target), transport), seen };
    let probe = rig.probe().await;
    check(&probe, "success");
    let delay = probe.recording.schedule_delay;
    assert!((503..510).contains(&delay.as_millis()), "{delay:?}");
    let ttft = probe.outcome.measurement.ttft.unwrap();
    assert!((20..30).contains(&ttft.as_millis()), "{ttft:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_its_parameter_is_enough() {
    let named = refusal(&json!({"message": "not supported", "param": "max_tokens"}));
    let rig = Rig::new("", "", vec![named, answer()]);
    check(&rig.probe().await, "success");
    assert_eq!(rig.asked(), [at_the_end(OLD), at_the_end(NEW)]);
}

#[tokio::test(start_paused = true)]
async fn other_refusals_are_failures_and_are_not_repeated() {
    for error in [
        json!({"message": "unknown field"}),
        json!({"message": "too long", "param": "messages"}),
        json!("max_tokens is too large"),
    ] {
        let rig = Rig::new("", "", vec![refusal(&error)]);
        check(&rig.probe().await, "http_status");
        assert_eq!(rig.asked(), [at_the_end(OLD)], "{error}");
    }
}

/// One that names both keys but is about neither: found out once, and told in its first words.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_both_keys_is_no_reason_to_ask_twice_for_ever() {
    let about = |words: &str| {
        refusal(&json!({"message": format!("max_tokens or max_completion_tokens {words}")}))
    };
    let answers = vec![
        about("first"),
        about("second"),
        about("third"),
        answer(),
        wants_other_key(),
        answer(),
    ];
    let rig = Rig::new("", "", answers);
    let first = rig.probe().await;
    check(&first, "http_status");
    assert!(first.outcome.result.unwrap_err().detail.contains("first"));
    check(&rig.probe().await, "http_status");
    assert_eq!(rig.asked(), [at_the_end(OLD), at_the_end(NEW), at_the_end(OLD)]);
    // Once it has answered, a refusal is worth a second look again.
    check(&rig.probe().await, "success");
    check(&rig.probe().await, "success");
    assert_eq!(rig.asked().len(), 6);
    assert_eq!(rig.asked()[5], at_the_end(NEW));
}

#[tokio::test(start_paused = true)]
async fn a_limit_key_that_is_written_stays() {
    for (word, key) in [("max_tokens", OLD), ("max_completion_tokens", NEW)] {
        let rig = Rig::new("", &format!(", limit_key: {word}"), vec![wants_other_key()]);
        check(&rig.probe().await, "http_status");
        assert_eq!(rig.asked(), [at_the_end(key)]);
    }
}

#[tokio::test(start_paused = true)]
async fn continuous_counts_are_dropped_after_one_refusal() {
    let log = Log::listen(Level::INFO);
    let unknown = refusal(&json!({"message": "Unrecognized request argument"}));
    let rig = Rig::new(", usage: continuous", "", vec![unknown.clone(), answer(), answer()]);
    for _ in 0..2 {
        check(&rig.probe().await, "success");
    }
    assert_eq!(rig.asked(), [continuously(OLD), at_the_end(OLD), at_the_end(OLD)]);
    assert_eq!(log.count("tokens are counted at the end only"), 1);
    // Not where they were taken before: then the refusal is about something else.
    let rig = Rig::new(", usage: continuous", "", vec![answer(), unknown]);
    check(&rig.probe().await, "success");
    check(&rig.probe().await, "http_status");
    assert_eq!(rig.asked(), [continuously(OLD), continuously(OLD)]);
}

#[tokio::test(start_paused = true)]
async fn counts_are_not_asked_for_where_the_question_is_refused_by_name() {
    let named = refusal(&json!({"message": "stream_options: Extra inputs are not permitted"}));
    let rig = Rig::new("", "", vec![named.clone(), answer()]);
    check(&rig.probe().await, "success");
    assert_eq!(rig.asked(), [at_the_end(OLD), no_counts(OLD)]);
    let rig = Rig::new(", usage: final", "", vec![named]);
    check(&rig.probe().await, "http_status");
    let rig = Rig::new(", usage: none", "", vec![answer()]);
    check(&rig.probe().await, "success");
    assert_eq!(rig.asked(), [no_counts(OLD)]);
}

#[tokio::test(start_paused = true)]
async fn several_terms_in_one_probe() {
    let counts = refusal(&json!({"message": "unknown: stream_options.continuous_usage_stats"}));
    let options = refusal(&json!({"message": "unknown: stream_options"}));
    let rig = Rig::new(
        ", usage: continuous",
        "",
        vec![wants_other_key(), counts, options, answer(), answer()],
    );
    check(&rig.probe().await, "success");
    let expect = [continuously(OLD), continuously(NEW), at_the_end(NEW), no_counts(NEW)];
    assert_eq!(rig.asked(), expect);
    check(&rig.probe().await, "success");
    assert_eq!(rig.asked()[4], no_counts(NEW));
}

#[tokio::test(start_paused = true)]
async fn a_workloads_own_keys_come_after_the_targets() {
    let rig = Rig::new(
        ", extra_body: {temperature: 0, seed: 1, max_tokens: null}",
        ", extra_body: {reasoning_effort: low, seed: 2, temperature: null}",
        vec![answer()],
    );
    check(&rig.probe().await, "success");
    let requests = rig.seen.requests();
    let body: Value = serde_json::from_str(requests[0].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&body["reasoning_effort"], &body["seed"]), (&json!("low"), &json!(2)));
    assert_eq!((body.get("temperature"), body.get("max_tokens")), (None, None));
}

/// Some servers take the new key and do not keep it: then the answer would never end.
#[tokio::test(start_paused = true)]
async fn an_answer_far_beyond_the_limit_is_given_up() {
    let endless = || {
        let mut steps = vec![Step::Request, send(CHUNKED)];
        steps.extend((0..400).flat_map(|_| [send(token("on and on")), pause(20)]));
        steps.extend([send(finish()), send(LAST_CHUNK)]);
        steps
    };
    let probe = async |workload: &str| {
        let rig = Rig::new("", workload, vec![]);
        let (dialer, seen) = pipe(Arc::new(move |_| endless()));
        let transport = Transport::pipe(&rig.probing.target, dialer);
        let rig = Rig { probing: Probing::new(Arc::clone(&rig.probing.target), transport), seen };
        rig.probe().await
    };
    let given_up = probe(", limit_key: max_completion_tokens").await;
    check(&given_up, "too_large");
    let detail = given_up.outcome.result.unwrap_err().detail;
    assert!(detail.starts_with("the answer has more than 18 tokens, twice the limit"), "{detail}");
    let events = given_up.outcome.measurement.content_at.len();
    assert!((19..60).contains(&events), "{events}");
    // The old key is known everywhere.
    check(&probe(", limit_key: max_tokens").await, "success");
}
