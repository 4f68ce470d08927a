//! What servers may send, and what it must amount to: framing and outcomes.
#![allow(clippy::unwrap_used)]

use crate::common;

use std::time::Duration;

use common::stream::{A, B, DONE, ROLE, SSE, STOP, USAGE, check, check_on, content_events, events};
use common::{chat_target, completions_target, essence, outcome, recording, verdict};
use llm_prober::answer::recording::Ending;

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
        plain.replace("[DONE]", "\"[DONE]\""), // written as JSON
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
    // Behind the finish reason nothing of the answer is missing.
    check(events(&[A, STOP, "{\"choices\":[],\"usa"]).trim_end(), "success");
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
    check(&events(&[A, r#"{"type":"error","message":"overloaded"}"#, DONE]), "error_event");
    let of_choice = r#"{"choices":[{"delta":{"content":""},"error":{"code":502,"message":"x"}}]}"#;
    check(&events(&[A, of_choice, DONE]), "error_event");
    check(&format!("{}event: error\ndata:\n\n{}", events(&[A]), events(&[STOP])), "error_event");
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
    check(&events(&[r#"{"choices":[{"delta":{"content":{"a":7}}}]}"#, STOP]), "malformed");
    // What users' own clients stumble over is not mended.
    check(&events(&["{\"choices\":[{\"delta\":{\"content\":\"a\tb\"}}]}", STOP]), "malformed");
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
    for parts in [parts, &parts.replace(r#""a""#, r#"{"value":"a"}"#)] {
        assert_eq!(content_events(&check(&events(&[parts, STOP]), "success")), 1, "{parts}");
    }
    let two = r#"{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#;
    // Each choice finishes by itself.
    check(&events(&[two, STOP]), "truncated");
    let other = STOP.replace("\"index\":0", "\"index\":1");
    assert_eq!(content_events(&check(&events(&[two, STOP, &other]), "success")), 2);
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
    let custom = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"type":"custom","custom":{"name":"f","input":""}}]}}]}"#;
    let old = r#"{"choices":[{"delta":{"function_call":{"name":"f","arguments":""}}}]}"#;
    let end = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#;
    let parsed =
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":{"a":1}}}]}}]}"#;
    for call in [call, custom, old, parsed] {
        assert_eq!(content_events(&check(&events(&[ROLE, call, end, DONE]), "success")), 1);
    }
}

/// Gateways keep a connection alive with events of their own.
#[test]
fn events_of_another_name_are_no_part_of_the_answer() {
    let aside = "event: ping\ndata: 1\n\nevent: keepalive\ndata: still here\n\n";
    let body = format!("{aside}{}{aside}{}", events(&[A]), events(&[B, STOP, DONE]));
    assert_eq!(content_events(&check(&body, "success")), 2);
    check(&format!("event: chunk\ndata: {{nonsense}}\n\n{}", events(&[A, STOP])), "malformed");
}

/// Servers that count in UTF-16 may cut a character in two.
#[test]
fn half_a_character_is_content() {
    let half = |half: &str| format!(r#"{{"choices":[{{"delta":{{"content":"{half}"}}}}]}}"#);
    let body = events(&[&half("\\ud83d"), &half("\\ude00"), STOP, DONE]);
    assert_eq!(content_events(&check(&body, "success")), 2);
}

#[test]
fn the_content_type_is_no_matter_of_case() {
    let body = format!("foo: bar\n\n{}", events(&[A, STOP]));
    check_on(&chat_target(), "Text/Event-Stream; charset=UTF-8", body.as_bytes(), "success");
}

#[test]
fn counts_under_other_names() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"prompt_cache_hit_tokens":4,"reasoning_tokens":1}}"#;
    let m = check(&events(&[A, B, STOP, usage, DONE]), "success").measurement;
    assert_eq!((m.cached_input_tokens, m.reasoning_tokens), (Some(4), Some(1)));
    // Languages with one kind of number write it as they like.
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":7.0,"completion_tokens":9.0}}"#;
    let m = check(&events(&[A, B, STOP, usage, DONE]), "success").measurement;
    assert_eq!((m.input_tokens.unwrap().tokens, m.output_tokens.unwrap().tokens), (7, 9));
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
fn a_body_that_is_not_packed_as_it_says_is_refused() {
    let mut r = recording(SSE, &[(10, events(&[A, STOP, DONE]).as_bytes())]);
    r.head.as_mut().unwrap().headers.push(("content-encoding".into(), "gzip".into()));
    assert_eq!(verdict(&outcome(&chat_target(), &r)), "malformed");
    r.head.as_mut().unwrap().headers.last_mut().unwrap().1 = "identity".into();
    assert_eq!(verdict(&outcome(&chat_target(), &r)), "success");
}

#[test]
fn the_ending_decides_unless_the_answer_had_finished() {
    let endings = [
        (Ending::CutOff("reset".into()), "truncated"),
        (Ending::Stalled, "stalled"),
        (Ending::TimedOut, "timeout"),
        (Ending::TooLarge("x".into()), "too_large"),
        (Ending::Cancelled, "cancelled"),
    ];
    for (ending, expect) in endings {
        let finished = [&[A, STOP][..], &[A, DONE], &[A, STOP, DONE]].map(|p| (p, "success"));
        for (payloads, expect) in finished.into_iter().chain([(&[A][..], expect)]) {
            let mut r = recording(SSE, &[(10, events(payloads).as_bytes())]);
            r.ending = ending.clone();
            assert_eq!(verdict(&outcome(&chat_target(), &r)), expect);
        }
    }
    // When what came had come is not known, whatever it was.
    for (status, payloads) in [(200, &[A, STOP, DONE][..]), (200, &[A]), (503, &[])] {
        let mut r = recording(SSE, &[(10, events(payloads).as_bytes())]);
        r.head.as_mut().unwrap().status = status;
        r.ending = Ending::StoodStill(Duration::from_secs(3));
        let outcome = outcome(&chat_target(), &r);
        assert_eq!((verdict(&outcome), outcome.given_up()), ("cancelled", true));
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
