//! What follows a finished answer: read for as long as it is of use, and no failure.

use llm_prober::answer::recording::{Ending, Offset};

use crate::common::MS;
use crate::common::client::Client;
use crate::common::scripted::{
    CHUNKED, LAST_CHUNK, Step, always, chunk, done, pause, pipe, send, stop, token, usage,
};

const LIMITS: &str = ", timeout: 60s, stall_timeout: 20s";

/// What comes of an answer of these steps, after one second: ending and its millisecond, verdict,
/// output tokens as the server counts them.
async fn check(settings: &str, steps: Vec<Step>, expect: (Ending, i64, &str, Option<u64>)) {
    let begun = [Step::Request, send(CHUNKED), pause(1_000)];
    let steps: Vec<_> = begun.into_iter().chain(steps).collect();
    let client = Client::pipe(pipe(always(steps)).0, &format!("{LIMITS}{settings}"));
    let recording = client.exchange().await;
    let outcome = client.outcome(&recording);
    let counted = outcome.measurement.input_tokens.and(outcome.measurement.output_tokens);
    let ended = recording.ended.0 / MS;
    assert_eq!(recording.ended, Offset(ended * MS), "a whole millisecond");
    let tokens = counted.map(|count| count.tokens);
    let verdict = client.verdict(&recording);
    assert_eq!((recording.ending, ended, verdict, tokens), expect);
}

fn two() -> String {
    token("one") + &token(" two")
}

fn heartbeats() -> impl Iterator<Item = Step> {
    (0..100).flat_map(|_| [pause(300), send(chunk(": hb\n\n"))])
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_finished_is_not_waited_for_in_vain() {
    let cut = |tokens| (Ending::TailTimedOut, 3_000, "success", tokens);
    for end in [stop(), stop() + &done()] {
        let silence = vec![send(two() + &end), Step::Hold];
        check("", silence, cut(None)).await;
        let noise = std::iter::once(send(two() + &end)).chain(heartbeats()).collect();
        check("", noise, cut(None)).await;
    }
    // The usage that came before the silence counts.
    let late = vec![send(two() + &stop()), pause(1_500), send(usage(9)), Step::Hold];
    check("", late, cut(Some(9))).await;
    let late = vec![send(two() + &stop()), pause(2_500), send(usage(9)), Step::Hold];
    check("", late, cut(None)).await;
    let short = vec![send(two() + &stop()), Step::Hold];
    check(", tail_timeout: 100ms", short, (Ending::TailTimedOut, 1_100, "success", None)).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_in_time_is_complete() {
    let steps = vec![
        send(two() + &stop()),
        pause(1_500),
        send(usage(9)),
        pause(400),
        send(done() + LAST_CHUNK),
        Step::Hold,
    ];
    check("", steps, (Ending::Complete, 2_900, "success", Some(9))).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_after_the_finish_is_no_failure() {
    for (end, verdict) in [(stop(), "success"), (done(), "success"), (String::new(), "truncated")] {
        let steps = vec![send(two() + &end), pause(500)];
        let cut = "error reading a body from connection: unexpected EOF during chunk size line";
        check("", steps, (Ending::CutOff(cut.to_owned()), 1_500, verdict, None)).await;
        // In the middle of the next event, too.
        let half = chunk("data: {\"choices\":[],\"us");
        let steps = vec![send(two() + &end), send(half), pause(500)];
        check("", steps, (Ending::CutOff(cut.to_owned()), 1_500, verdict, None)).await;
    }
}

fn finish_of(choice: u32) -> String {
    let choice = format!("{{\"index\":{choice},\"delta\":{{}},\"finish_reason\":\"stop\"}}");
    chunk(&format!("data: {{\"choices\":[{choice}]}}\n\n"))
}

fn token_of(choice: u32) -> String {
    let choice = format!("{{\"index\":{choice},\"delta\":{{\"content\":\"x\"}}}}");
    chunk(&format!("data: {{\"choices\":[{choice}]}}\n\n"))
}

/// The finish of one choice is not that of the others.
#[tokio::test(start_paused = true)]
async fn several_choices_have_finished_when_each_has() {
    let both = || send(token_of(0) + &token_of(1));
    let steps = vec![both(), send(finish_of(0)), pause(5_000), send(finish_of(1)), Step::Hold];
    check("", steps, (Ending::TailTimedOut, 8_000, "success", None)).await;
    let steps = vec![both(), pause(1_000), send(finish_of(0)), Step::Hold];
    check("", steps, (Ending::Stalled, 22_000, "stalled", None)).await;
    let steps = vec![both(), send(finish_of(0) + LAST_CHUNK), Step::Hold];
    check("", steps, (Ending::Complete, 1_000, "truncated", None)).await;
}

/// Some gateways put a finish reason on every chunk.
#[tokio::test(start_paused = true)]
async fn content_after_a_finish_reason_takes_it_back() {
    let stopped = || {
        let choice = "{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}";
        send(chunk(&format!("data: {{\"choices\":[{choice}]}}\n\n")))
    };
    // Once it is known that it means nothing, its tokens may come as late as any.
    let steps = vec![stopped(), pause(1_000), stopped(), pause(5_000), stopped(), Step::Hold];
    check("", steps, (Ending::TailTimedOut, 27_000, "success", None)).await;
    let steps = vec![stopped(), pause(1_000), stopped(), pause(5_000), send(done()), Step::Hold];
    check("", steps, (Ending::TailTimedOut, 9_000, "success", None)).await;
    let steps = vec![stopped(), pause(1_000), send(token("y")), Step::Hold];
    check("", steps, (Ending::Stalled, 22_000, "stalled", None)).await;
    let steps = vec![stopped(), pause(1_000), send(token("y") + LAST_CHUNK), Step::Hold];
    check("", steps, (Ending::Complete, 2_000, "truncated", None)).await;
}

#[tokio::test(start_paused = true)]
async fn an_error_counts_until_the_end_marker() {
    let error = || chunk("data: {\"error\":{\"message\":\"engine died\"}}\n\n");
    let steps = vec![send(two() + &stop() + &error()), Step::Hold];
    check("", steps, (Ending::TailTimedOut, 3_000, "error_event", None)).await;
    let steps = vec![send(two() + &error()), Step::Hold];
    check("", steps, (Ending::TailTimedOut, 3_000, "error_event", None)).await;
    let steps = vec![send(two() + &stop() + &done() + &error()), Step::Hold];
    check("", steps, (Ending::TailTimedOut, 3_000, "success", None)).await;
}
