//! Instants of an exchange over TCP: causes come before effects, by both clocks.

use llm_prober::answer::recording::{Offset, Recording, TimestampSource};

use crate::common::client::Client;
use crate::common::scripted::{
    CHUNKED, LAST_CHUNK, Step, always, answer, finish, pause, send, tcp, token,
};

/// By how much the two clocks of a recording may disagree before its stamps are not used.
const CLOCK_STEP: i64 = 500_000;

/// Nothing is received before it was sent, and no stamp lies after the task had the bytes.
fn check_order(recording: &Recording) {
    let (begun, sent) = (recording.send.unwrap(), recording.sent.unwrap());
    let first = recording.first_byte.unwrap();
    let last = recording.last_read.unwrap();
    assert!(Offset(0) <= begun && begun <= sent, "{recording:?}");
    assert!(sent <= first.task && last.task <= recording.ended, "{recording:?}");
    let arrivals = || std::iter::once(first).chain(recording.chunks.iter().map(|c| c.arrival));
    assert!(arrivals().is_sorted_by_key(|a| (a.read, a.task, a.kernel)), "{recording:?}");
    for arrival in arrivals().chain([last]) {
        let kernel = recording.at(&arrival, TimestampSource::Kernel);
        let possible = begun.0 - CLOCK_STEP..=arrival.task.0 + CLOCK_STEP;
        assert!(possible.contains(&kernel.0), "{arrival:?} of {recording:?}");
    }
}

#[tokio::test]
async fn causes_come_before_effects() {
    let (address, _) = tcp(always([
        Step::Request,
        send(CHUNKED),
        pause(2),
        send(token("one")),
        pause(2),
        send(token("two")),
        pause(2),
        send(finish() + LAST_CHUNK),
    ]))
    .await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    for _ in 0..3 {
        let recording = client.exchange().await;
        assert_eq!(client.verdict(&recording), "success");
        check_order(&recording);
        let reads: Vec<_> = recording.chunks.iter().map(|c| c.arrival.read).collect();
        assert_eq!(reads.last().copied(), recording.last_read.map(|a| a.read));
        let content = client.outcome(&recording).measurement.content_at;
        assert!(content.len() == 2 && content.is_sorted(), "{content:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn linux_stamps_every_read() {
    let (address, _) = tcp(always([Step::Request, answer(), Step::Request, answer()])).await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    for reused in [false, true] {
        let recording = client.exchange().await;
        assert_eq!(recording.connection.reused, reused);
        assert_eq!(recording.timestamp_source(), TimestampSource::Kernel, "{recording:?}");
        check_order(&recording);
    }
}
