//! What servers may send, and what it must amount to: framing, outcomes, figures.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{MS, chat_target, completions_target, essence, outcome, recording, target, verdict};
use llm_prober::measure::{Phase, TokenSource};
use llm_prober::outcome::Outcome;
use llm_prober::recording::{Ending, Offset};
use llm_prober::target::Target;

const SSE: &str = "text/event-stream";

/// Interprets a body that arrived whole, byte by byte, and split at every point: the outcome is
/// always the same, and `expect` is its verdict.
fn check_on(target: &Target, content_type: &str, body: &[u8], expect: &str) -> Outcome {
    let whole = outcome(target, &recording(content_type, &[(10, body)]));
    assert_eq!(verdict(&whole), expect, "{:?}: {:?}", whole.result, String::from_utf8_lossy(body));
    let bytewise: Vec<_> = body.chunks(1).map(|b| (10, b)).collect();
    let cut = outcome(target, &recording(content_type, &bytewise));
    assert_eq!(essence(&cut), essence(&whole), "byte by byte");
    for at in 1..body.len() {
        let portions = [(10, &body[..at]), (20, &body[at..])];
        let cut = outcome(target, &recording(content_type, &portions));
        assert_eq!(essence(&cut), essence(&whole), "split at {at}");
    }
    whole
}

fn check(body: &str, expect: &str) -> Outcome {
    check_on(&chat_target(), SSE, body.as_bytes(), expect)
}

/// SSE events, one per payload.
fn events(payloads: &[&str]) -> String {
    payloads.iter().fold(String::new(), |body, p| body + &format!("data: {p}\n\n"))
}

const ROLE: &str = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
const A: &str = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
const B: &str = r#"{"choices":[{"index":0,"delta":{"content":" b"}}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str =
    r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;
const DONE: &str = "[DONE]";

fn content_events(outcome: &Outcome) -> usize {
    outcome.measurement.content_at.len()
}

#[test]
fn a_plain_stream() {
    let o = check(&events(&[ROLE, A, B, STOP, USAGE, DONE]), "success");
    assert_eq!(content_events(&o), 2);
    assert_eq!(o.measurement.output_tokens.unwrap().tokens, 2);
    assert_eq!(o.measurement.input_tokens.unwrap().tokens, 7);
}

#[test]
fn line_ends_marks_and_comments_change_nothing() {
    let plain = events(&[ROLE, A, B, STOP, USAGE, DONE]);
    let expect = essence(&check(&plain, "success"));
    let variants = [
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.replacen('\n', "\r\n", 3),
        format!("\u{feff}{plain}"),
        plain.replace("data: ", "data:"),
        plain.replace("data: ", ": comment\nevent: message\nid: 1\nretry: 3\nfoo: bar\ndata: "),
        plain.replace("data: ", ": OPENROUTER PROCESSING\n\ndata: "),
        plain.replace("\"index\":0,", "\"index\":0,\ndata: "), // several data lines
        plain.replace("[DONE]", " [DONE] "),
        plain.replace("data: [DONE]\n\n", "data: [DONE]"), // no blank line at the end
        format!("{plain}{}", events(&[A, "{\"error\":\"late\"}", "nonsense"])), // more after [DONE]
    ];
    for variant in variants {
        assert_eq!(essence(&check(&variant, "success")), expect, "{variant:?}");
    }
}

#[test]
fn unicode_inside() {
    let text = "{\"choices\":[{\"delta\":{\"content\":\"\u{2028}é\u{85}\u{1F600}\"}}]}";
    assert_eq!(content_events(&check(&events(&[text, STOP]), "success")), 1);
}

#[test]
fn the_end_marker_may_be_missing() {
    check(&events(&[A, B, STOP]), "success");
    check(&events(&[A, B, DONE]), "success");
    check(events(&[A, B, STOP]).trim_end(), "success");
}

#[test]
fn an_end_that_is_none() {
    check(&events(&[ROLE, A, B]), "truncated");
    check(&events(&[A, "{\"choices\":[{\"delta\":{\"content\":\"half"]), "truncated");
    check(events(&[A, STOP, "{\"choices\":[],\"usa"]).trim_end(), "truncated");
    check("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DO", "truncated");
}

#[test]
fn nothing_generated() {
    check("", "empty");
    check(": ping\n\n: ping\n\n", "empty");
    check(&events(&[ROLE, STOP, USAGE, DONE]), "empty");
    check(&events(&[ROLE]), "empty");
    check(&events(&[DONE]), "empty");
}

#[test]
fn errors_in_the_stream() {
    let error = r#"{"error":{"message":"boom","code":500}}"#;
    check(&events(&[A, B, error]), "error_event");
    check(&events(&[A, B, error, DONE]), "error_event");
    check(&events(&[error]), "error_event");
    check(&events(&[A, r#"{"error":"as text"}"#, DONE]), "error_event");
    check(&events(&[A, r#"{"object":"error","message":"m","code":400}"#, DONE]), "error_event");
    check(&format!("{}event: error\ndata: {{\"message\":\"x\"}}\n\n", events(&[A])), "error_event");
    check(&format!("{}event: error\ndata: overloaded\n\n", events(&[A])), "error_event");
    // Older llama.cpp builds send a field of that name.
    check(&format!("{}error: {{\"code\":500,\"message\":\"x\"}}\n\n", events(&[A])), "error_event");
    check(&events(&[A, r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#]), "error_event");
    check(&events(&[A, r#"{"choices":[{"delta":{},"finish_reason":"abort"}]}"#]), "error_event");
    check(&events(&[r#"{"error":null,"choices":[{"delta":{"content":"a"}}]}"#, STOP]), "success");
}

#[test]
fn not_the_protocol() {
    check(&events(&[A, "{nonsense}", STOP, DONE]), "malformed");
    check(&events(&[A, "42", STOP, DONE]), "malformed");
    check(&events(&[A, "{\"choices\":[{\"delta\":{\"content\":\"half", B, STOP]), "malformed");
    check(&events(&[r#"{"choices":"none"}"#, STOP]), "malformed");
    check(&events(&[r#"{"choices":[1]}"#, STOP]), "malformed");
    check(&events(&[r#"{"choices":[{"delta":"text"}]}"#, STOP]), "malformed");
    check(&events(&[r#"{"choices":[{"delta":{"content":7}}]}"#, STOP]), "malformed");
    let html = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>";
    for content_type in [SSE, "text/html", "application/json"] {
        check_on(&chat_target(), content_type, html, "malformed");
    }
    check_on(&chat_target(), "text/plain", b"upstream connect error", "malformed");
}

#[test]
fn shapes_of_choices_and_deltas() {
    let more = [
        r#"{"id":"x"}"#,
        r#"{"choices":null}"#,
        r#"{"choices":[],"prompt_filter_results":[]}"#,
        r#"{"choices":[{"index":0,"delta":null}]}"#,
        r#"{"choices":[{"index":0}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":null}}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{"content":[]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""}}],"obfuscation":"xyz"}"#,
        "",
    ];
    for payload in more {
        let o = check(&events(&[payload, A, payload, B, STOP, payload, DONE]), "success");
        assert_eq!(content_events(&o), 2, "{payload}");
    }
    let parts = r#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"}]}}]}"#;
    assert_eq!(content_events(&check(&events(&[parts, STOP]), "success")), 1);
    let two = r#"{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#;
    assert_eq!(content_events(&check(&events(&[two, STOP]), "success")), 2);
}

#[test]
fn reasoning_and_tool_calls_are_content() {
    let reasoning = |key: &str| format!(r#"{{"choices":[{{"delta":{{"{key}":"hm"}}}}]}}"#);
    for key in ["reasoning", "reasoning_content"] {
        let thought = reasoning(key);
        let o = outcome(
            &chat_target(),
            &recording(
                SSE,
                &[
                    (10, events(&[ROLE, &thought]).as_bytes()),
                    (30, events(&[A]).as_bytes()),
                    (40, events(&[STOP, DONE]).as_bytes()),
                ],
            ),
        );
        assert_eq!(verdict(&o), "success");
        assert_eq!(o.measurement.ttft, Some(Duration::from_millis(10)));
        assert_eq!(o.measurement.ttfo, Some(Duration::from_millis(30)));
    }
    let both = r#"{"choices":[{"delta":{"reasoning":"x","reasoning_content":"x"}}]}"#;
    assert_eq!(content_events(&check(&events(&[both, STOP]), "success")), 1);
    let call = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}}]}"#;
    let end = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#;
    assert_eq!(content_events(&check(&events(&[ROLE, call, end, DONE]), "success")), 1);
}

#[test]
fn completions_speak_of_text() {
    let t = completions_target();
    let text = r#"{"choices":[{"text":"a","finish_reason":null}]}"#;
    let end =
        r#"{"choices":[{"text":"","finish_reason":"length"}],"usage":{"completion_tokens":1}}"#;
    let o = check_on(&t, SSE, events(&[text, end, DONE]).as_bytes(), "success");
    assert_eq!(content_events(&o), 1);
    check_on(&t, SSE, events(&[end, DONE]).as_bytes(), "empty");
    check_on(&t, SSE, events(&[text]).as_bytes(), "truncated");
}

#[test]
fn a_whole_body_has_latency_but_no_first_token() {
    let body = br#"{"choices":[{"message":{"content":"a b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let o = check_on(&chat_target(), "application/json", body, "success");
    let m = &o.measurement;
    assert_eq!((m.ttft, m.itl, m.longest_gap), (None, None, None));
    assert_eq!(m.request_latency, Some(Duration::from_millis(10)));
    assert_eq!(m.output_tokens.unwrap().tokens, 2);
    // Whatever the header says.
    check_on(&chat_target(), SSE, body, "success");
    check_on(&chat_target(), "application/json", &body[..body.len() - 2], "truncated");
    check_on(&chat_target(), "application/json", br#"{"error":{"message":"no"}}"#, "error_event");
    check_on(&chat_target(), "application/json", br#"{"choices":[]}"#, "empty");
    check_on(&chat_target(), "application/json", b"[]", "malformed");
}

#[test]
fn compressed_bodies_are_refused() {
    let mut r = recording(SSE, &[(10, events(&[A, STOP, DONE]).as_bytes())]);
    r.head.as_mut().unwrap().headers.push(("content-encoding".into(), "gzip".into()));
    assert_eq!(verdict(&outcome(&chat_target(), &r)), "malformed");
    r.head.as_mut().unwrap().headers.last_mut().unwrap().1 = "identity".into();
    assert_eq!(verdict(&outcome(&chat_target(), &r)), "success");
}

#[test]
fn the_ending_decides_unless_the_end_marker_was_seen() {
    let endings = [
        (Ending::CutOff("reset".into()), "truncated"),
        (Ending::Stalled, "stalled"),
        (Ending::TimedOut, "timeout"),
        (Ending::TooLarge("x".into()), "too_large"),
        (Ending::Cancelled, "cancelled"),
    ];
    for (ending, expect) in endings {
        for payloads in [&[A][..], &[A, STOP]] {
            let mut r = recording(SSE, &[(10, events(payloads).as_bytes())]);
            r.ending = ending.clone();
            assert_eq!(verdict(&outcome(&chat_target(), &r)), expect);
        }
        let mut r = recording(SSE, &[(10, events(&[A, STOP, DONE]).as_bytes())]);
        r.ending = ending;
        assert_eq!(verdict(&outcome(&chat_target(), &r)), "success");
    }
    let unanswered = [
        (Ending::ResolveFailed("x".into()), "resolve"),
        (Ending::ConnectFailed("x".into()), "connect"),
        (Ending::TlsFailed("x".into()), "tls"),
        (Ending::NotHttp("x".into()), "malformed"),
        (Ending::Internal("x".into()), "internal"),
    ];
    for (ending, expect) in unanswered {
        let mut r = recording(SSE, &[]);
        (r.head, r.first_byte, r.ending) = (None, None, ending);
        assert_eq!(verdict(&outcome(&chat_target(), &r)), expect);
    }
}

#[test]
fn statuses() {
    let check = |status, expect| {
        let mut r = recording("application/json", &[(10, b"{\"error\":{\"message\":\"m\"}}")]);
        r.head.as_mut().unwrap().status = status;
        let o = outcome(&chat_target(), &r);
        assert_eq!((verdict(&o), o.http_status), (expect, Some(status)));
    };
    check(200, "error_event");
    check(201, "error_event");
    check(301, "http_status");
    check(404, "http_status");
    check(429, "throttled");
    check(503, "http_status");
}

/// Ten tokens: the first after 100 ms, then one per 20 ms, each read alone; usage says twenty.
fn timed(prefix: &str, pause_before_done: i64) -> Outcome {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":20}}"#;
    let first = format!("{prefix}{}", events(&[ROLE, A]));
    let token = events(&[B]);
    let end = events(&[STOP, usage]);
    let done = events(&[DONE]);
    let mut portions = vec![(100, first.as_bytes())];
    portions.extend((1..10).map(|i| (100 + 20 * i, token.as_bytes())));
    portions.push((281, end.as_bytes()));
    portions.push((281 + pause_before_done, done.as_bytes()));
    outcome(&chat_target(), &recording(SSE, &portions))
}

#[test]
fn figures_of_a_timed_stream() {
    let m = timed("", 0).measurement;
    let ms = |n| Some(Duration::from_millis(n));
    assert_eq!((m.ttfb, m.ttft, m.ttfo, m.ttst), (ms(100), ms(100), ms(100), ms(20)));
    assert_eq!((m.longest_gap, m.request_latency), (ms(20), ms(280)));
    assert_eq!(m.gaps, vec![Duration::from_millis(20); 9]);
    assert_eq!(m.itl, Some(Duration::from_nanos(180_000_000 / 19)));
    assert_eq!((m.coalesced, m.ttft_with_connect), (0, None));
    assert_eq!(m.output_tokens.unwrap().source, TokenSource::Usage);
    assert_eq!(m.content_at.first(), Some(&Offset(100 * MS)));
}

#[test]
fn a_pause_before_the_end_marker_is_only_the_tail() {
    let (quick, mut slow) = (timed("", 0), timed("", 1000));
    let tail = |o: &Outcome| {
        let tail = o.measurement.phases.iter().find(|p| p.phase == Phase::Tail);
        tail.unwrap().duration.as_millis()
    };
    assert_eq!((tail(&quick), tail(&slow)), (1, 1001));
    slow.measurement.phases.clone_from(&quick.measurement.phases);
    assert_eq!(slow, quick);
    assert_eq!(timed("\u{feff}: comment\r\n\r\n", 0), quick);
}

#[test]
fn cumulative_usage_tells_the_first_events_tokens() {
    let with = |n: u64, text: &str| {
        format!(
            r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}],"usage":{{"prompt_tokens":5,"completion_tokens":{n}}}}}"#
        )
    };
    let (first, last) = (events(&[&with(4, "abcd")]), events(&[&with(12, "rest"), STOP]));
    let r = recording(SSE, &[(100, first.as_bytes()), (180, last.as_bytes())]);
    assert_eq!(outcome(&chat_target(), &r).measurement.itl, Some(Duration::from_millis(10)));
}

#[test]
fn one_token_has_no_inter_token_latency() {
    let one = r#"{"choices":[],"usage":{"completion_tokens":1}}"#;
    let o = check(&events(&[A, STOP, one, DONE]), "success");
    assert_eq!((o.measurement.itl, o.measurement.ttst), (None, None));
    // Many tokens in one event: nothing was seen between them.
    let many = r#"{"choices":[],"usage":{"completion_tokens":9}}"#;
    let o = check(&events(&[A, STOP, many, DONE]), "success");
    assert_eq!((o.measurement.itl, o.measurement.longest_gap), (None, None));
}

#[test]
fn events_of_one_read_are_coalesced() {
    let (a, ab, b) = (events(&[A]), events(&[A, B]), events(&[B]));
    let end = events(&[STOP, DONE]);
    let r = recording(
        SSE,
        &[
            (100, a.as_bytes()),
            (120, ab.as_bytes()),
            (130, b.as_bytes()),
            (140, b.as_bytes()),
            (150, end.as_bytes()),
        ],
    );
    let m = outcome(&chat_target(), &r).measurement;
    assert_eq!(m.coalesced, 1);
    // The gaps on both sides of the coalesced event leave no sample.
    assert_eq!(m.gaps, [Duration::from_millis(10), Duration::from_millis(10)]);
    assert_eq!(m.longest_gap, Some(Duration::from_millis(20)));
    // Role, finish and usage in the same read are no content.
    let m = timed("", 0).measurement;
    assert_eq!(m.coalesced, 0);
}

#[test]
fn without_usage_the_tokenizer_or_the_events_count() {
    let o = check(&events(&[A, B, STOP, DONE]), "success");
    let counted = o.measurement.output_tokens.unwrap();
    assert_eq!((counted.tokens, counted.source), (2, TokenSource::Events));
    let t = target(
        "tokenizers: {words: {file: tests/fixtures/words.tokenizer.json}}\n\
         targets: [{name: t, url: 'http://localhost/v1', model: m, tokenizer: words}]",
    );
    let text = r#"{"choices":[{"delta":{"content":"one two three"}}]}"#;
    let o = check_on(&t, SSE, events(&[text, STOP]).as_bytes(), "success");
    let counted = o.measurement.output_tokens.unwrap();
    assert_eq!((counted.tokens, counted.source), (3, TokenSource::Tokenizer));
    assert_eq!(o.measurement.input_tokens.unwrap().source, TokenSource::Tokenizer);
    let o = check_on(&t, SSE, events(&[text, STOP, USAGE]).as_bytes(), "success");
    assert_eq!(o.measurement.output_tokens.unwrap().source, TokenSource::Usage);
    assert_eq!(o.measurement.token_disagreement, Some((2, 3)));
}

#[test]
fn validators_look_at_the_answer() {
    let with = |expect: &str| {
        target(&format!(
            "workloads: {{w: {{weight: 1, prompts: {{inline: [hi]}}, expect: {expect}}}}}\n\
             targets: [{{name: t, url: 'http://localhost/v1', model: m}}]"
        ))
    };
    let body = events(&[A, B, STOP, DONE]);
    check_on(&with("{contains: 'a b'}"), SSE, body.as_bytes(), "success");
    check_on(&with("{regex: '^a b$'}"), SSE, body.as_bytes(), "success");
    check_on(&with("{min_output_tokens: 2}"), SSE, body.as_bytes(), "success");
    let o = check_on(&with("{contains: city, regex: '^b'}"), SSE, body.as_bytes(), "validation");
    assert_eq!(o.rejected_by, ["contains", "regex"]);
    assert_eq!(o.measurement.request_latency, None);
    assert!(o.measurement.ttft.is_some());
    check_on(&with("{min_output_tokens: 3}"), SSE, body.as_bytes(), "validation");
}

#[test]
fn clock_steps_fall_back_to_the_task_clock() {
    let body = events(&[A, STOP, DONE]);
    let mut r = recording(SSE, &[(10, body.as_bytes())]);
    let kernel = |r: &mut llm_prober::recording::Recording, unix: i64| {
        for arrival in [r.first_byte.as_mut(), r.last_read.as_mut(), Some(&mut r.chunks[0].arrival)]
        {
            arrival.unwrap().kernel = Some(unix);
        }
    };
    kernel(&mut r, 1_000_000_000 * MS + 9 * MS);
    (r.clock.unix_at_start, r.clock.unix_at_end) = (1_000_000_000 * MS, 1_000_000_000 * MS);
    let o = outcome(&chat_target(), &r);
    assert_eq!(o.timestamp_source.unwrap().as_str(), "kernel");
    assert_eq!(o.measurement.ttft, Some(Duration::from_millis(9)));
    r.clock.unix_at_end += 50 * MS;
    let o = outcome(&chat_target(), &r);
    assert_eq!(o.timestamp_source.unwrap().as_str(), "task");
    assert_eq!(o.measurement.ttft, Some(Duration::from_millis(10)));
}
