//! The figures of answers, from streams with known times.
#![allow(clippy::unwrap_used)]

use crate::common;

use std::time::Duration;

use common::stream::{A, B, DONE, ROLE, SSE, STOP, USAGE, check, check_on, events};
use common::{MS, chat_target, outcome, recording, target};
use llm_prober::answer::measure::{Phase, TokenSource};
use llm_prober::answer::outcome::Outcome;
use llm_prober::answer::recording::Offset;

/// Ten tokens: the first after 100 ms, then one per 20 ms, each read alone; usage says twenty.
fn timed(prefix: &str, pause_before_done: i64) -> Outcome {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":20}}"#;
    let token = |letter: char| events(&[&A.replace("\"a\"", &format!("\"{letter}\""))]);
    let first = format!("{prefix}{}{}", events(&[ROLE]), token('0'));
    let tokens: Vec<String> = ('1'..='9').map(token).collect();
    let end = events(&[STOP, usage]);
    let done = events(&[DONE]);
    let mut portions = vec![(100, first.as_bytes())];
    portions.extend((1..10).zip(&tokens).map(|(i, token)| (100 + 20 * i, token.as_bytes())));
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
    // Two tokens per event: 18 came after the first read.
    assert_eq!(m.itl, Some(Duration::from_millis(10)));
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
    // Two tokens in one read: nothing was seen between them.
    let o = outcome(&chat_target(), &recording(SSE, &[(10, events(&[A, B, STOP]).as_bytes())]));
    assert_eq!((o.measurement.itl, o.measurement.longest_gap), (None, None));
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
fn what_one_event_holds_came_as_one_piece() {
    let turn = r#"{"choices":[{"delta":{"reasoning":"so","content":"a"}}]}"#;
    let two = r#"{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#;
    for pieces in [turn, two] {
        let (a, both, b) = (events(&[A]), events(&[pieces]), events(&[B, STOP]));
        let portions = [(100, a.as_bytes()), (120, both.as_bytes()), (150, b.as_bytes())];
        let m = outcome(&chat_target(), &recording(SSE, &portions)).measurement;
        assert_eq!(m.coalesced, 0);
        assert_eq!(m.gaps, [Duration::from_millis(20), Duration::from_millis(30)]);
        assert_eq!(m.output_tokens.unwrap().tokens, 4);
    }
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
    let kernel = |r: &mut llm_prober::answer::recording::Recording, unix: i64| {
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
