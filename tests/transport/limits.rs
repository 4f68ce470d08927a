//! Time-outs, silence and cancellation, to the exact virtual instant.

use std::time::Duration;

use llm_prober::recording::{Ending, Offset, Recording};
use tokio_util::sync::CancellationToken;

use crate::common::MS;
use crate::common::client::Client;
use crate::common::scripted::{CHUNKED, Step, always, finish, pause, pipe, send, token};

const LIMITS: &str = ", timeout: 60s, stall_timeout: 20s";

async fn exchange(steps: Vec<Step>) -> (Recording, &'static str) {
    let steps: Vec<_> = std::iter::once(Step::Request).chain(steps).chain([Step::Hold]).collect();
    let client = Client::pipe(pipe(always(steps)).0, LIMITS);
    let recording = client.exchange().await;
    let verdict = client.verdict(&recording);
    (recording, verdict)
}

/// Which ending at which millisecond.
async fn check(steps: Vec<Step>, expect: (Ending, i64, &str)) {
    let (recording, verdict) = exchange(steps).await;
    let ended = recording.ended.0 / MS;
    assert_eq!(recording.ended, Offset(ended * MS), "a whole millisecond");
    assert_eq!((recording.ending, ended, verdict), expect);
}

#[tokio::test(start_paused = true)]
async fn silence_before_the_head() {
    check(vec![], (Ending::TimedOut, 60_000, "timeout")).await;
    check(vec![send("HTTP/1.1 200 OK\r\n")], (Ending::TimedOut, 60_000, "timeout")).await;
}

/// Engines send the head at once and then queue: that wait is not a stall.
#[tokio::test(start_paused = true)]
async fn silence_between_head_and_body() {
    let late = vec![send(CHUNKED), pause(30_000), send(token("one") + &finish() + "0\r\n\r\n")];
    check(late, (Ending::Complete, 30_000, "success")).await;
    check(vec![send(CHUNKED)], (Ending::TimedOut, 60_000, "timeout")).await;
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_body() {
    let begun = || vec![send(CHUNKED), pause(50), send(token("one"))];
    check(begun(), (Ending::Stalled, 20_050, "stalled")).await;
    // Counted from the latest bytes, not from the first.
    let mut steps = begun();
    steps.extend([pause(19_999), send(token("two")), pause(1), send(token("three"))]);
    check(steps, (Ending::Stalled, 40_050, "stalled")).await;
    // In the middle of an HTTP chunk, too.
    let half = &token("one")[..20];
    check(vec![send(CHUNKED), send(half)], (Ending::Stalled, 20_000, "stalled")).await;
}

#[tokio::test(start_paused = true)]
async fn a_trickle_is_not_silence() {
    let mut steps = vec![send(CHUNKED)];
    for byte in token("one").bytes() {
        steps.extend([send([byte]), pause(19_000)]);
    }
    check(steps, (Ending::TimedOut, 60_000, "timeout")).await;
    let tokens = (0..100).flat_map(|_| [send(token("x")), pause(19_000)]);
    let steps = std::iter::once(send(CHUNKED)).chain(tokens).collect();
    check(steps, (Ending::TimedOut, 60_000, "timeout")).await;
}

/// What arrived before the end is there to be measured.
#[tokio::test(start_paused = true)]
async fn a_failed_exchange_keeps_what_it_saw() {
    let steps = vec![pause(100), send(CHUNKED), pause(50), send(token("one"))];
    let (recording, _) = exchange(steps).await;
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
