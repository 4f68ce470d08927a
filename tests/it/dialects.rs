//! What servers of one protocol say in many ways: counts, reasoning, errors, finishes.
#![allow(clippy::unwrap_used)]
// Literals are handed over as they are, and figures are compared as the options that they are.
#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)]

use crate::common;

use std::time::Duration;

use common::stream::{A, B, DONE, ROLE, SSE, STOP, check, check_on, events};
use common::{chat_target, outcome, recording, target, verdict};
use llm_prober::answer::failure::FailureReason;
use llm_prober::answer::measure::{ItlSource, TokenSource};
use llm_prober::answer::outcome::Outcome;
use llm_prober::target::Target;
use serde_json::{Value, json};

/// A chunk with this delta.
fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn word(text: &str) -> Value {
    delta(json!({"content": text}))
}

const WORDS: [&str; 5] = [" one", " two", " three", " four", " five"];

fn words() -> Vec<Value> {
    WORDS.map(word).to_vec()
}

fn with_usage(mut chunk: Value, usage: Value) -> Value {
    chunk["usage"] = usage;
    chunk
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn usage(usage: Value) -> Value {
    json!({"choices": [], "usage": usage})
}

fn body(chunks: &[Value]) -> String {
    let payloads: Vec<String> = chunks.iter().map(Value::to_string).collect();
    events(&payloads.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The first chunk after 50 ms, then one every 20 ms, each read alone; the tail at once.
fn timed_on(target: &Target, chunks: &[Value], tail: &str) -> Outcome {
    let bodies: Vec<String> = chunks.iter().map(|c| body(std::slice::from_ref(c))).collect();
    let at = |i: usize| 50 + 20 * i64::try_from(i).unwrap();
    let mut portions: Vec<(i64, &[u8])> =
        bodies.iter().enumerate().map(|(i, b)| (at(i), b.as_bytes())).collect();
    portions.push((at(chunks.len()) - 20, tail.as_bytes()));
    outcome(target, &recording(SSE, &portions))
}

fn timed(chunks: &[Value], tail: &[Value]) -> Outcome {
    timed_on(&chat_target(), chunks, &(body(tail) + &events(&[DONE])))
}

fn ms(n: u64) -> Option<Duration> {
    Some(Duration::from_millis(n))
}

fn tokens(outcome: &Outcome) -> (u64, TokenSource) {
    let counted = outcome.measurement.output_tokens.unwrap();
    (counted.tokens, counted.source)
}

#[track_caller]
fn near(outcome: &Outcome, millis: f64) {
    let itl = outcome.measurement.itl.unwrap().as_secs_f64() * 1e3;
    assert!((itl - millis).abs() < millis * 0.02, "ITL {itl} ms, expected {millis}");
}

#[test]
fn usage_is_found_wherever_it_is() {
    let found = |chunk: Value| {
        let o = timed(&words(), &[finish("stop"), chunk.clone()]);
        assert_eq!(verdict(&o), "success", "{chunk}");
        assert_eq!(tokens(&o), (10, TokenSource::Usage), "{chunk}");
        assert_eq!(o.measurement.input_tokens.unwrap().tokens, 7, "{chunk}");
    };
    let counts = json!({"prompt_tokens": 7, "completion_tokens": 10, "total_tokens": 17});
    found(usage(counts.clone()));
    found(json!({"usage": counts}));
    found(json!({"choices": [{"delta": {}, "finish_reason": "stop", "usage": counts}]}));
    found(json!({"choices": [{"delta": {"usage": counts}, "finish_reason": "stop"}]}));
    found(json!({"choices": [], "x_groq": {"id": "r", "usage": counts}}));
    found(usage(json!({"input_tokens": 7, "output_tokens": 10})));
    found(usage(json!({"promptTokens": 7, "completionTokens": 10, "totalTokens": 17})));
    found(usage(json!({"inputTokens": 7, "outputTokens": 10})));
    found(usage(json!({"prompt_tokens": "7", "completion_tokens": "10"})));
    found(json!({"choices": [], "usageMetadata": {
        "promptTokenCount": 7, "candidatesTokenCount": 10, "totalTokenCount": 17}}));
    // In parts, and under both families at once.
    let o = timed(
        &words(),
        &[usage(json!({"prompt_tokens": 7})), usage(json!({"completion_tokens": 10}))],
    );
    assert_eq!((tokens(&o).0, o.measurement.input_tokens.unwrap().tokens), (10, 7));
}

#[test]
fn counts_beyond_belief_are_none() {
    for beyond in [json!(u64::MAX), json!("18446744073709551615"), json!(1_u64 << 53)] {
        let report = json!({"prompt_tokens": beyond, "completion_tokens": beyond,
            "total_tokens": beyond, "completion_tokens_details": {"reasoning_tokens": beyond},
            "prompt_tokens_details": {"cached_tokens": beyond}});
        let m = timed(&words(), &[finish("stop"), usage(report)]).measurement;
        assert_eq!(m.output_tokens.unwrap().source, TokenSource::Events, "{beyond}");
        let others = (m.input_tokens, m.reasoning_tokens, m.cached_input_tokens);
        assert_eq!(others, (None, None, None), "{beyond}");
    }
}

#[test]
fn zeros_never_replace_a_count() {
    let real = json!({"prompt_tokens": 7, "completion_tokens": 10, "total_tokens": 17,
        "completion_tokens_details": {"reasoning_tokens": 4}});
    let zero = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0,
        "completion_tokens_details": {"reasoning_tokens": 0}});
    for reports in [[&real, &zero], [&zero, &real]] {
        let tail = reports.map(|report| usage(report.clone()));
        let m = timed(&words(), &tail).measurement;
        assert_eq!(m.output_tokens.unwrap().tokens, 10);
        assert_eq!((m.input_tokens.unwrap().tokens, m.reasoning_tokens), (7, Some(4)));
    }
    // Nothing but zeros is no report, and no count of zero.
    let m = timed(&words(), &[finish("stop"), usage(zero)]).measurement;
    assert_eq!(m.output_tokens.unwrap().source, TokenSource::Events);
    assert_eq!(m.input_tokens, None);
}

#[test]
fn usage_behind_the_end_marker_counts_and_nothing_else_does() {
    let late = json!({"choices": [{"delta": {"content": "late"}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 10}, "error": {"message": "late"}});
    let tail = [finish("stop")];
    let behind = format!("{}{}{}data: {{nonsense\n\n", body(&tail), events(&[DONE]), body(&[late]));
    let o = timed_on(&chat_target(), &words(), &behind);
    assert_eq!((verdict(&o), tokens(&o)), ("success", (10, TokenSource::Usage)));
    assert_eq!(o.measurement.content_at.len(), 5);
}

#[test]
fn reasoning_on_top_of_the_output_is_added() {
    let thought = |text: &str| delta(json!({"reasoning_content": text}));
    let chunks: Vec<_> =
        [" hm", " so"].map(thought).into_iter().chain(words().drain(..3)).collect();
    let counted = |output: u64, total: u64| {
        let counts = json!({"prompt_tokens": 5, "completion_tokens": output,
            "total_tokens": total, "completion_tokens_details": {"reasoning_tokens": 2}});
        timed(&chunks, &[finish("stop"), usage(counts)])
    };
    for (output, total) in [(3, 10), (5, 10)] {
        let o = counted(output, total);
        assert_eq!(tokens(&o).0, 5, "{output}");
        assert_eq!((o.measurement.itl, o.measurement.reasoning_tokens), (ms(20), Some(2)));
    }
    // Without a total nobody says that it is on top.
    let o = timed(
        &chunks,
        &[usage(json!({"prompt_tokens": 5, "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": 2}}))],
    );
    assert_eq!(tokens(&o).0, 5);
    // Gemini counts its thoughts in the total alone.
    let counts = json!({"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 74});
    let mut last = usage(counts);
    last["model"] = json!("models/gemini-2.5-flash");
    let o = timed(&words(), &[finish("stop"), last.clone()]);
    assert_eq!((tokens(&o).0, o.measurement.reasoning_tokens), (69, Some(64)));
    assert_eq!(o.measurement.itl, ms(20));
    last["model"] = json!("llama");
    assert_eq!(tokens(&timed(&words(), &[last])).0, 5);
}

#[test]
fn hidden_reasoning_is_counted_but_has_no_time_of_its_own() {
    let counts = json!({"prompt_tokens": 5, "completion_tokens": 69, "total_tokens": 74,
        "completion_tokens_details": {"reasoning_tokens": 64}});
    let o = timed(&words(), &[finish("stop"), usage(counts.clone())]);
    assert_eq!((tokens(&o).0, o.measurement.itl), (69, ms(20)));
    // A summary of it is shown: the time is the answer's.
    let summary = |text: &str| {
        delta(json!({"reasoning_details": [{"type": "reasoning.summary", "summary": text}]}))
    };
    let mut chunks = vec![summary("Thought"), summary(" it over")];
    chunks.extend(words());
    let o = timed(&chunks, &[finish("stop"), usage(counts)]);
    assert_eq!(
        (o.measurement.itl, o.measurement.ttft, o.measurement.ttfo),
        (ms(20), ms(50), ms(90))
    );
    // Where nobody says how much of it was reasoning, only a tokenizer can tell.
    let unsplit = usage(json!({"prompt_tokens": 5, "completion_tokens": 69}));
    let o = timed(&chunks, &[finish("stop"), unsplit.clone()]);
    assert_eq!((tokens(&o).0, o.measurement.itl), (69, None));
    let t = target(TOKENIZER);
    let tail = body(&[finish("stop"), unsplit.clone()]) + &events(&[DONE]);
    let o = timed_on(&t, &chunks, &tail);
    assert_eq!((o.measurement.itl, o.measurement.itl_source), (ms(20), Some(ItlSource::Tokenizer)));
    // The same where reasoning is only sealed.
    let sealed =
        delta(json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}));
    chunks.splice(..2, [sealed]);
    assert_eq!(timed(&chunks, &[finish("stop"), unsplit]).measurement.itl, None);
}

const TOKENIZER: &str = "tokenizers: {words: {file: tests/fixtures/words.tokenizer.json}}\n\
    targets: [{name: t, url: 'http://localhost/v1', model: m, tokenizer: words}]";

#[test]
fn billed_and_shown_reasoning_that_differ_leave_the_answer_alone() {
    let thought = delta(json!({"reasoning": "A short note."}));
    let mut chunks = vec![thought];
    chunks.extend(words());
    let counts = json!({"prompt_tokens": 5, "completion_tokens": 505,
        "completion_tokens_details": {"reasoning_tokens": 500}});
    let o = timed(&chunks, &[finish("length"), usage(counts)]);
    assert_eq!((tokens(&o).0, o.measurement.itl), (505, ms(20)));
    let agreeing = json!({"prompt_tokens": 5, "completion_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 4}});
    // 13 characters are four tokens: all five gaps count, of 9 tokens' 5 later ones.
    let o = timed(&chunks, &[finish("length"), usage(agreeing)]);
    assert_eq!(o.measurement.itl_source, Some(ItlSource::Characters));
    near(&o, 100.0 / (9.0 * 24.0 / 37.0));
}

#[test]
fn tokens_of_the_first_read() {
    // One event, one token: also where the end of the text is a token that nobody sees.
    for (count, reason) in [(5, "length"), (6, "stop")] {
        let counts = json!({"prompt_tokens": 5, "completion_tokens": count});
        let m = timed(&words(), &[finish(reason), usage(counts)]).measurement;
        assert_eq!((m.itl, m.itl_source), (ms(20), Some(ItlSource::Events)));
    }
    // Several tokens per event: in proportion to the characters.
    let mut fat = vec![word(" a")];
    fat.extend(std::iter::repeat_n(word(" b c d"), 4));
    let o = timed(&fat, &[finish("stop"), usage(json!({"completion_tokens": 13}))]);
    assert_eq!(o.measurement.itl_source, Some(ItlSource::Characters));
    near(&o, 80.0 / 12.0);
    // The tokenizer knows better.
    let t = target(TOKENIZER);
    let chunks = [word("a bb ccc"), word(" d e"), word(" f")];
    let tail = body(&[finish("length"), usage(json!({"completion_tokens": 6}))]);
    let m = timed_on(&t, &chunks, &tail).measurement;
    let expect = Duration::from_nanos(40_000_000 / 3);
    assert_eq!(m.itl_source, Some(ItlSource::Tokenizer));
    assert!(m.itl.unwrap().abs_diff(expect) < Duration::from_micros(1), "{:?}", m.itl);
    // The server's own counts so far know best; the unseen end is in none of them.
    let so_far = [3, 5, 6].map(|n| json!({"prompt_tokens": 5, "completion_tokens": n}));
    let chunks: Vec<_> = chunks.into_iter().zip(so_far).map(|(c, u)| with_usage(c, u)).collect();
    let tail = body(&[finish("stop"), usage(json!({"completion_tokens": 7}))]);
    let m = timed_on(&t, &chunks, &tail).measurement;
    assert_eq!(m.itl_source, Some(ItlSource::Usage));
    assert!(m.itl.unwrap().abs_diff(expect) < Duration::from_micros(1), "{:?}", m.itl);
}

#[test]
fn several_events_in_one_read() {
    let three = |k: usize| body(&[0, 1, 2].map(|i| word(&format!(" w{}", 3 * k + i))));
    let blocks = [three(0), three(1), three(2)];
    let tail = body(&[finish("stop"), usage(json!({"completion_tokens": 9}))]);
    let portions: Vec<(i64, &[u8])> = [60, 120, 180]
        .into_iter()
        .zip(blocks.iter().map(String::as_bytes))
        .chain([(180, tail.as_bytes())])
        .collect();
    let m = outcome(&chat_target(), &recording(SSE, &portions)).measurement;
    assert_eq!((m.itl, m.longest_gap), (ms(20), ms(60)));
}

#[test]
fn counts_of_single_events_are_not_taken_for_counts_so_far() {
    let one = |w: &str| with_usage(word(w), json!({"prompt_tokens": 0, "completion_tokens": 1}));
    // Whether the sum comes in the end or not.
    for tail in [vec![], vec![usage(json!({"prompt_tokens": 5, "completion_tokens": 5}))]] {
        let o = timed(&WORDS.map(one), &[vec![finish("stop")], tail].concat());
        assert_eq!((tokens(&o), o.measurement.itl), ((5, TokenSource::Usage), ms(20)));
    }
    // A gateway that has the whole answer repeats its total.
    let all = |w: &str| with_usage(word(w), json!({"prompt_tokens": 5, "completion_tokens": 10}));
    assert_eq!(tokens(&timed(&WORDS.map(all), &[finish("stop")])).0, 10);
}

#[test]
fn choices_have_their_own_rhythm() {
    let of = |k: usize| json!({"choices": [{"index": k % 2, "delta": {"content": WORDS[k / 2]}}]});
    let chunks: Vec<Value> = (0..10).map(of).collect();
    let end = |i: u32| json!({"choices": [{"index": i, "delta": {}, "finish_reason": "stop"}]});
    for tail in
        [vec![end(0), end(1)], vec![end(0), end(1), usage(json!({"completion_tokens": 10}))]]
    {
        let o = timed(&chunks, &tail);
        assert_eq!((tokens(&o).0, o.measurement.itl), (10, ms(40)));
    }
}

#[test]
fn reasoning_has_many_names_and_shapes() {
    let shapes = |text: &str| {
        [
            json!({"reasoning_content": text}),
            json!({"reasoning": text}),
            json!({"reasoning_text": text}),
            json!({"thinking": text}),
            json!({"content": null, "reasoning": {"content": text}}),
            json!({"content": "", "reasoning": [{"type": "text", "text": text}]}),
            json!({"reasoning_details": [{"type": "reasoning.text", "text": text}]}),
            json!({"reasoning_details": {"type": "reasoning.text", "text": text}}),
            json!({"reasoning_details": [{"type": "reasoning.summary", "summary": text}]}),
            json!({"reasoning": text, "reasoning_details": [{"type": "reasoning.text", "text": text}]}),
            json!({"reasoning": text, "reasoning_content": text, "reasoning_text": text}),
            json!({"thinking_blocks": [{"type": "thinking", "thinking": text}]}),
            json!({"content": [{"type": "thinking", "thinking": text}]}),
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}),
            json!({"content": [{"type": "reasoning", "text": text}]}),
            json!({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}]}),
            json!({"content": text, "extra_content": {"google": {"thought": true}}}),
        ]
    };
    for (first, second) in shapes("Okay").into_iter().zip(shapes(" so")) {
        let mut chunks = vec![delta(first.clone()), delta(second)];
        chunks.extend(words().drain(..3));
        let m = timed(&chunks, &[finish("stop")]).measurement;
        assert_eq!((m.ttft, m.ttfo, m.content_at.len()), (ms(50), ms(90), 5), "{first}");
        // An answer that was all reasoning is no empty one.
        let o = timed(&chunks[..2], &[finish("length")]);
        assert_eq!((verdict(&o), o.measurement.ttfo), ("success", None), "{first}");
    }
}

#[test]
fn what_is_sealed_is_no_content() {
    for sealed in [
        json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAAA"}]}),
        json!({"content": [{"type": "redacted_thinking", "data": "gAAAA"}]}),
        json!({"thinking_blocks": [{"type": "redacted_thinking", "data": "gAAAA"}]}),
        json!({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "Ev"}]}),
        json!({"reasoning_content": "", "encrypted_content": "gAAAA"}),
        json!({"extra_content": {"google": {"thought_signature": "Ev"}}}),
    ] {
        let mut chunks = vec![delta(sealed.clone())];
        chunks.extend(words());
        let m = timed(&chunks, &[finish("stop")]).measurement;
        assert_eq!((m.ttft, m.content_at.len()), (ms(70), 5), "{sealed}");
        assert_eq!(verdict(&timed(&chunks[..1], &[finish("stop")])), "empty", "{sealed}");
    }
}

#[test]
fn tokens_without_quotes_are_text() {
    for unquoted in [json!(6), json!(0.005), json!(true), json!(false), json!([1])] {
        let mut chunks = words();
        chunks[0] = delta(json!({"content": unquoted}));
        chunks[1] = delta(json!({"reasoning_content": 4}));
        let o = timed(&chunks, &[finish("stop")]);
        assert_eq!((o.measurement.ttft, o.measurement.content_at.len()), (ms(50), 5), "{unquoted}");
    }
}

#[test]
fn side_keys_of_other_types_are_ignored() {
    for side in [
        json!({"refusal": false, "reasoning": {}, "tool_calls": ""}),
        json!({"refusal": 0, "reasoning": false, "tool_calls": {}, "function_call": ""}),
        json!({"reasoning_details": "", "thinking_blocks": {}, "thinking": false}),
        json!({"role": 1, "annotations": "x", "audio": []}),
    ] {
        let mut chunks = vec![delta(side.clone())];
        chunks.extend(words());
        for chunk in &mut chunks {
            let own = chunk["choices"][0]["delta"].as_object_mut().unwrap();
            own.extend(side.as_object().unwrap().clone());
        }
        let o = timed(&chunks, &[finish("stop")]);
        assert_eq!((verdict(&o), o.measurement.content_at.len()), ("success", 5), "{side}");
    }
    let empty = [
        json!({"choices": [{"delta": []}], "usage": ""}),
        json!({"choices": [{"delta": "",
        "finish_reason": false, "index": "0"}], "usage": []}),
    ];
    let o = timed(&[empty.to_vec(), words()].concat(), &[finish("stop")]);
    assert_eq!((verdict(&o), o.measurement.content_at.len()), ("success", 5));
    // Python's logarithm of nothing.
    let infinite = A.replace("\"delta\"", "\"logprobs\":{\"top\":[-Infinity,NaN]},\"delta\"");
    check(&events(&[&infinite, B, STOP, DONE]), "success");
}

#[test]
fn errors_in_other_shapes() {
    let errors = [
        json!({"error": {"message": "boom", "code": 500}}),
        json!({"error": "boom"}),
        json!({"error": true}),
        json!({"error": {"message": "", "code": 500}}),
        json!({"error": ["boom"]}),
        json!({"id": "x", "choices": null, "base_resp": {"status_code": 1008, "status_msg": "no"}}),
        json!({"choices": [], "usage": {"total_tokens": 0}, "base_resp": {"status_code": "1008"}}),
        json!({"code": 429, "message": "exhausted", "details": "RESOURCE_EXHAUSTED"}),
        json!({"code": "InvalidParameter", "message": "no", "request_id": "r"}),
        json!({"code": 10007, "msg": "no"}),
        json!({"statusCode": 500, "message": "Internal server error"}),
        json!({"error_code": 336_501, "error_msg": "no"}),
        json!({"detail": "Internal Server Error"}),
        json!({"detail": [{"loc": ["body"], "msg": "no"}]}),
        json!({"title": "Unavailable", "status": 503, "detail": "no"}),
        json!({"success": false, "errors": [{"code": 7009, "message": "no"}], "result": null}),
        json!({"fault": {"faultstring": "no"}}),
        json!({"type": "error", "error": "boom"}),
        json!({"object": "error", "message": "boom"}),
        json!({"x_groq": {"id": "r", "error": "over capacity"}, "choices": [{"delta": {}}]}),
        json!([{"error": {"code": 429, "message": "quota"}}]),
    ];
    for error in &errors {
        let o = timed(&words()[..2], &[error.clone(), finish("stop")]);
        assert_eq!(verdict(&o), "error_event", "in the stream: {error}");
        // Twice: as the body of a stream and as any body.
        for content_type in [SSE, "application/json"] {
            check_on(&chat_target(), content_type, error.to_string().as_bytes(), "error_event");
        }
        // As a bare line.
        let bare = format!("{}{error}\n{}", body(&words()[..2]), events(&[STOP, DONE]));
        let o = outcome(&chat_target(), &recording(SSE, &[(10, bare.as_bytes())]));
        assert_eq!(verdict(&o), "error_event", "as a bare line: {error}");
    }
    let words_of = |error: &Value| match timed(&[], std::slice::from_ref(error)).result {
        Err(failure) => failure.detail,
        Ok(()) => panic!("{error}"),
    };
    assert_eq!(words_of(&errors[0]), "boom");
    assert_eq!(words_of(&errors[5]), "no");
    assert_eq!(words_of(&errors[7]), "exhausted");
    assert_eq!(words_of(&errors[15]), "no");
}

#[test]
fn what_only_looks_like_an_error() {
    for fine in [
        json!({"error": null, "error_code": 0, "code": 0, "message": "ok"}),
        json!({"error": ""}),
        json!({"error": {}}),
        json!({"error": {"message": "", "type": null, "code": 0}}),
        json!({"error": {"message": "success", "code": 200}}),
        json!({"code": 0, "msg": "ok", "base_resp": {"status_code": 0, "status_msg": ""}}),
        json!({"code": "ok", "message": "fine", "detail": "beside an answer"}),
    ] {
        let beside = |mut chunk: Value| {
            chunk.as_object_mut().unwrap().extend(fine.as_object().unwrap().clone());
            chunk
        };
        let chunks: Vec<Value> = words().into_iter().map(beside).collect();
        let o = timed(&chunks, &[finish("stop")]);
        assert_eq!((verdict(&o), o.measurement.content_at.len()), ("success", 5), "{fine}");
    }
    // Signs of life without an answer.
    for fine in [
        json!({"code": 0, "message": "ok"}),
        json!({"code": 200, "msg": "processing"}),
        json!({"type": "ping"}),
        json!({"id": "", "object": "", "choices": [], "prompt_filter_results": [{"detail": "x"}]}),
        json!({"object": "chat.completion.chunk", "choices": [], "detail": "x"}),
        Value::Null,
    ] {
        let o = timed(&[vec![fine.clone()], words()].concat(), &[finish("stop")]);
        assert_eq!(verdict(&o), "success", "{fine}");
    }
    let named = "event: progress\ndata: {\"status\":503,\"message\":\"waiting\"}\n\n";
    check(&format!("{named}{}", events(&[A, STOP, DONE])), "success");
}

#[test]
fn lines_that_belong_to_no_event() {
    let ended = events(&[STOP, DONE]);
    for (line, expect) in [
        ("upstream error: read reset by peer\n", "error_event"),
        ("upstream connect error or disconnect/reset before headers\n\n", "error_event"),
        ("still working: 50 %\n", "success"),
        ("{\"id\":1}\n", "success"),
        (": an error in a comment\n", "success"),
    ] {
        let o = check(&format!("{}{line}{ended}", events(&[ROLE, A, B])), expect);
        let detail = o.result.err().map(|failure| failure.detail);
        assert_eq!(detail.is_some_and(|d| line.trim() == d), expect == "error_event", "{line}");
    }
    // A proxy's page under the stream's name is no empty answer.
    check("no healthy upstream", "malformed");
    check("upstream connect error or disconnect/reset before headers", "error_event");
}

#[test]
fn finishes_in_other_words() {
    let check = |reason: Value, expect: &str, finish: Option<&str>| {
        let end = json!({"choices": [{"delta": {}, "finish_reason": reason}]});
        let body = body(&words()[..2]) + &body(&[end]);
        let o = outcome(&chat_target(), &recording(SSE, &[(10, body.as_bytes())]));
        let found = o.measurement.finish.map(llm_prober::answer::timeline::Finish::as_str);
        assert_eq!((verdict(&o), found), (expect, finish), "{reason}");
    };
    for failing in [
        "error",
        "abort",
        "aborted",
        "timeout",
        "cancelled",
        "network_error",
        "upstream_error",
        "insufficient_system_resource",
        "server_error",
        "ERROR",
    ] {
        check(json!(failing), "error_event", None);
    }
    for none in [json!(null), json!("null"), json!(""), json!("None"), json!(false), json!({})] {
        check(none, "truncated", None);
    }
    check(json!("STOP"), "success", Some("stop"));
    check(json!("eos_token"), "success", Some("stop"));
    check(json!({"type": "length", "length": 5}), "success", Some("length"));
    check(json!("MAX_TOKENS"), "success", Some("length"));
    check(json!("something new"), "success", Some("other"));
    check(json!("repetition"), "validation", Some("repetition"));
}

#[test]
fn a_repeating_answer_is_rejected_as_such() {
    let o = timed(&words(), &[finish("repetition")]);
    assert_eq!(o.rejected_by, ["repetition"]);
    assert_eq!(o.reason(), Some(FailureReason::Validation));
    assert_eq!(o.measurement.request_latency, None);
}

#[test]
fn a_limit_spent_on_reasoning_is_said() {
    let counts = json!({"prompt_tokens": 5, "completion_tokens": 64,
        "completion_tokens_details": {"reasoning_tokens": 64}});
    let o = timed(&[delta(json!({"content": ""}))], &[finish("length"), usage(counts)]);
    let failure = o.result.clone().unwrap_err();
    assert_eq!(failure.reason, FailureReason::Empty);
    assert_eq!(
        failure.detail,
        "all 64 tokens that were generated are reasoning, which is not shown; \
         a larger max_output_tokens leaves room for the answer"
    );
    // They were billed all the same.
    assert_eq!(tokens(&o), (64, TokenSource::Usage));
}

fn expecting(expect: &str) -> std::sync::Arc<Target> {
    target(&format!(
        "workloads: {{w: {{prompts: {{inline: [hi]}}, expect: {expect}}}}}\n\
         targets: [{{name: t, url: 'http://localhost/v1', model: m}}]"
    ))
}

#[test]
fn checks_look_where_they_are_told_to() {
    let chunks = [
        delta(json!({"reasoning": "because of this"})),
        word("so be it"),
        delta(
            json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "go", "arguments": "{\"city\""}}]}),
        ),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": ": \"Oslo\"}"}}]})),
    ];
    let tail = body(&[finish("tool_calls")]) + &events(&[DONE]);
    let check = |expect: &str, rejected_by: &[&str]| {
        let o = timed_on(&expecting(expect), &chunks, &tail);
        assert_eq!(o.rejected_by, rejected_by, "{expect}");
        let expected = if rejected_by.is_empty() { "success" } else { "validation" };
        assert_eq!(verdict(&o), expected, "{expect}");
    };
    check("{contains: so be}", &[]);
    check("{contains: because}", &["contains"]);
    check("{contains: because, in: answer}", &["contains"]);
    check("{contains: because, in: reasoning}", &[]);
    check("{regex: '^because of this$', in: reasoning}", &[]);
    check("{contains: so be, in: reasoning}", &["contains"]);
    check("{regex: '^go ', contains: Oslo, in: tool_calls}", &[]);
    check("{contains: so be, in: tool_calls}", &["contains"]);
    check("{tool_call: {name: go}, finish: [tool_calls]}", &[]);
    check("{tool_call: {name: stay}, finish: [stop]}", &["tool_call", "finish"]);
    let schema = "tests/config/files/city.schema.json";
    check(&format!("{{tool_call: {{name: go, arguments_schema: {schema}}}}}"), &[]);
    check(&format!("{{json_schema: {schema}}}"), &["json_schema"]);
}

#[test]
fn an_answer_that_is_none_fails_without_being_asked_for() {
    let bangs: Vec<Value> = (0..20).map(|_| word("!")).collect();
    let o = timed(&bangs, &[finish("length")]);
    assert_eq!((verdict(&o), o.rejected_by.as_slice()), ("validation", &["degenerate"][..]));
    // What may have been asked for is only counted.
    let again: Vec<Value> = (0..20).map(|_| word("so it goes, ")).collect();
    let o = timed(&again, &[finish("length")]);
    assert_eq!(verdict(&o), "success");
    assert_eq!(o.measurement.degenerate, llm_prober::answer::degenerate::Degenerate::Perhaps);
}
