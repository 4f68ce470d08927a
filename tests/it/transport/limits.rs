//! Time-outs, silence and cancellation, to the exact virtual instant.

use std::time::Duration;

use llm_prober::answer::recording::{Ending, Offset, Recording};
use tokio_util::sync::CancellationToken;

use crate::common::MS;
use crate::common::client::Client;
use crate::common::scripted::{
    CHUNKED, LAST_CHUNK, Step, always, chunk, finish, pause, pipe, role, send, token, usage, whole,
};

const LIMITS: &str = ", timeout: 60s, stall_timeout: 20s";

/// Closes the connection rather than hold it.
fn close() -> Step {
    pause(0)
}

async fn exchange(limits: &str, steps: Vec<Step>) -> (Recording, &'static str) {
    let closes = steps.last().is_some_and(|last| matches!(last, Step::Pause(p) if p.is_zero()));
    let hold = (!closes).then_some(Step::Hold);
    let steps: Vec<_> = std::iter::once(Step::Request).chain(steps).chain(hold).collect();
    let client = Client::pipe(pipe(always(steps)).0, &format!("{LIMITS}{limits}"));
    let recording = client.exchange().await;
    let verdict = client.verdict(&recording);
    (recording, verdict)
}

/// Which ending at which millisecond.
async fn check(steps: Vec<Step>, expect: (Ending, i64, &str)) {
    check_with("", steps, expect).await;
}

/// The same with further settings of the target.
async fn check_with(limits: &str, steps: Vec<Step>, expect: (Ending, i64, &str)) {
    let (recording, verdict) = exchange(limits, steps).await;
    let ended = recording.ended.0 / MS;
    assert_eq!(recording.ended, Offset(ended * MS), "a whole millisecond");
    assert_eq!((recording.ending, ended, verdict), expect);
}

#[tokio::test(start_paused = true)]
async fn silence_before_the_head() {
    check(vec![], (Ending::TimedOut, 60_000, "timeout")).await;
    check(vec![send("HTTP/1.1 200 OK\r\n")], (Ending::TimedOut, 60_000, "timeout")).await;
}

/// Engines send the head at once and then queue: that wait is not a stall, whatever keeps the
/// connection open meanwhile.
#[tokio::test(start_paused = true)]
async fn silence_between_head_and_body() {
    let late = vec![send(CHUNKED), pause(30_000), send(token("one") + &finish() + LAST_CHUNK)];
    check(late, (Ending::Complete, 30_000, "success")).await;
    check(vec![send(CHUNKED)], (Ending::TimedOut, 60_000, "timeout")).await;
    let half = &token("one")[..20];
    for early in [&chunk(": prefill\n\n"), &role(), &usage(0), half] {
        let begun = || vec![send(CHUNKED), send(early)];
        check(begun(), (Ending::TimedOut, 60_000, "timeout")).await;
    }
    for early in [chunk(": prefill\n\n"), role()] {
        let mut late = vec![send(CHUNKED), send(early), pause(30_000)];
        late.push(send(token("one") + &finish() + LAST_CHUNK));
        check(late, (Ending::Complete, 30_000, "success")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_token_has_a_limit_of_its_own() {
    let limits = ", first_token_timeout: 10s";
    let none = (Ending::FirstTokenTimedOut, 10_000, "timeout");
    let begun = [vec![], vec![send(CHUNKED)], vec![send(CHUNKED), pause(9_000), send(role())]];
    for steps in begun {
        check_with(limits, steps, none.clone()).await;
    }
    // However much comes that is none.
    let flood = || (0..200).flat_map(|_| [send(chunk(": ping\n\n")), pause(70)]);
    let steps = std::iter::once(send(CHUNKED)).chain(flood()).collect();
    check_with(limits, steps, none.clone()).await;
    let in_time = [send(CHUNKED), pause(9_999), send(token("one")), pause(15_000)];
    let steps = in_time.into_iter().chain([send(finish() + LAST_CHUNK)]).collect();
    check_with(limits, steps, (Ending::Complete, 24_999, "success")).await;
    // A refusal is none, however slow.
    let refused = vec![send("HTTP/1.1 503 Busy\r\n\r\n"), pause(11_000)];
    let (recording, verdict) = exchange(limits, [refused, vec![close()]].concat()).await;
    assert_eq!((recording.ending, verdict), (Ending::Complete, "http_status"));
    // Nor has an answer in one piece a first token.
    let body = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;
    let whole = vec![pause(11_000), whole("200 OK", "application/json", body)];
    let limits = &format!("{limits}, stream: false");
    check_with(limits, whole, (Ending::Complete, 11_000, "success")).await;
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_body() {
    let begun = || vec![send(CHUNKED), pause(50), send(token("one"))];
    check(begun(), (Ending::Stalled, 20_050, "stalled")).await;
    // Counted from the latest bytes, not from the first.
    let mut steps = begun();
    steps.extend([pause(19_999), send(token("two")), pause(1), send(token("three"))]);
    check(steps, (Ending::Stalled, 40_050, "stalled")).await;
    // In the middle of an event, too.
    let half = &token("one")[..20];
    let steps = vec![send(CHUNKED), send(token("one")), pause(1_000), send(half)];
    check(steps, (Ending::Stalled, 20_000, "stalled")).await;
}

/// A gateway keeps the connection to a hung engine alive with all sorts of things.
#[tokio::test(start_paused = true)]
async fn what_is_no_progress_does_not_break_the_silence() {
    let nothing = chunk("data: {\"choices\":[]}\n\n");
    let empty = token("");
    for idle in [chunk(": ping\n\n"), nothing, empty, role(), usage(1), chunk("\n")] {
        let keeping = (0..100).flat_map(|_| [send(idle.clone()), pause(700)]);
        let begun = [send(CHUNKED), pause(50), send(token("one") + &usage(1))];
        let steps = begun.into_iter().chain(keeping).collect();
        check(steps, (Ending::Stalled, 20_050, "stalled")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_progress_breaks_the_silence() {
    let delta = |delta: &str| chunk(&format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n"));
    let tool = r#"{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}"#;
    let other = "data: {\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    for more in [delta(r#"{"reasoning_content":"hm"}"#), delta(tool), usage(2), chunk(other)] {
        let steps = vec![send(CHUNKED), send(token("one") + &usage(1)), pause(15_000), send(more)];
        check(steps, (Ending::Stalled, 35_000, "stalled")).await;
    }
}

/// The longest gap is known to be at least the silence that was given up.
#[tokio::test(start_paused = true)]
async fn a_silence_that_was_given_up_is_the_longest_gap() {
    let begun = || vec![send(CHUNKED), send(token("one")), pause(5_000), send(token("two"))];
    let gap = async |limits: &str, steps: Vec<Step>| {
        let steps: Vec<_> = std::iter::once(Step::Request).chain(steps).collect();
        let client = Client::pipe(pipe(always(steps)).0, limits);
        let recording = client.exchange().await;
        let m = client.outcome(&recording).measurement;
        (recording.ending, m.longest_gap, m.gaps)
    };
    let (five, of) = (Duration::from_secs(5), Duration::from_secs);
    let held = || [begun(), vec![Step::Hold]].concat();
    let stalled = gap(LIMITS, held()).await;
    assert_eq!(stalled, (Ending::Stalled, Some(of(20)), vec![five]));
    let timed_out = gap(", timeout: 12s", held()).await;
    assert_eq!(timed_out, (Ending::TimedOut, Some(of(7)), vec![five]));
    let one = vec![send(CHUNKED), send(token("one")), Step::Hold];
    assert_eq!(gap(LIMITS, one).await, (Ending::Stalled, Some(of(20)), vec![]));
    // Not what follows an answer.
    let finished = [begun(), vec![send(finish()), Step::Hold]].concat();
    assert_eq!(gap(LIMITS, finished).await, (Ending::TailTimedOut, Some(five), vec![five]));
}

#[tokio::test(start_paused = true)]
async fn a_trickle_of_tokens_is_not_silence() {
    let tokens = (0..100).flat_map(|_| [send(token("x")), pause(19_000)]);
    let steps = std::iter::once(send(CHUNKED)).chain(tokens).collect();
    check(steps, (Ending::TimedOut, 60_000, "timeout")).await;
}

/// What arrived before the end is there to be measured.
#[tokio::test(start_paused = true)]
async fn a_failed_exchange_keeps_what_it_saw() {
    let steps = vec![pause(100), send(CHUNKED), pause(50), send(token("one"))];
    let (recording, _) = exchange("", steps).await;
    assert_eq!(recording.first_byte.map(|a| a.task), Some(Offset(100 * MS)));
    assert_eq!(recording.last_read.map(|a| a.task), Some(Offset(150 * MS)));
    assert_eq!(recording.chunks.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancelled() {
    let stages =
        [vec![Step::Hold], vec![Step::Request, send(CHUNKED), send(token("one")), Step::Hold]];
    for steps in stages {
        let client = Client::pipe(pipe(always(steps)).0, LIMITS);
        let cancel = CancellationToken::new();
        let (recording, ()) = tokio::join!(client.exchange_until(cancel.clone()), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            cancel.cancel();
        });
        assert_eq!(recording.ending, Ending::Cancelled);
        assert_eq!(recording.ended, Offset(5_000 * MS));
        assert_eq!(client.verdict(&recording), "cancelled");
    }
}
