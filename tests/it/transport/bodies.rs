//! How the bytes of a body map to reads.

use llm_prober::answer::recording::{Ending, Offset, Recording};

use crate::common::MS;
use crate::common::client::Client;
use crate::common::scripted::{
    CHUNKED, LAST_CHUNK, Step, always, answer, chunk, finish, pause, pipe, send, token, whole,
};
use crate::common::stream::{A, STOP, events};

async fn exchange(steps: Vec<Step>) -> (Client, Recording) {
    let steps: Vec<_> = std::iter::once(Step::Request).chain(steps).collect();
    let client = Client::pipe(pipe(always(steps)).0, "");
    let recording = client.exchange().await;
    (client, recording)
}

/// Read number and millisecond of each chunk.
fn arrivals(recording: &Recording) -> Vec<(u32, i64)> {
    recording.chunks.iter().map(|c| (c.arrival.read, c.arrival.task.0 / MS)).collect()
}

#[tokio::test(start_paused = true)]
async fn chunks_written_together_share_a_read() {
    let three = token("one") + &token("two") + &token("three");
    let steps = vec![send(CHUNKED), pause(10), send(three), pause(10), send(finish() + LAST_CHUNK)];
    let (client, recording) = exchange(steps).await;
    assert_eq!(arrivals(&recording), [(1, 10), (2, 20)]);
    let figures = client.outcome(&recording).measurement;
    assert_eq!((figures.content_at.len(), figures.coalesced), (3, 2));
    assert!(figures.gaps.is_empty(), "{:?}", figures.gaps);
}

#[tokio::test(start_paused = true)]
async fn chunks_written_apart_have_a_read_each() {
    let tokens = (0..50).flat_map(|_| [pause(10), send(token("x"))]);
    let steps = std::iter::once(send(CHUNKED)).chain(tokens).chain([
        pause(10),
        send(finish()),
        pause(1_000),
        send(LAST_CHUNK),
    ]);
    let (client, recording) = exchange(steps.collect()).await;
    let expect: Vec<_> = (1..=51).map(|i| (i, i64::from(i) * 10)).collect();
    assert_eq!(arrivals(&recording), expect);
    assert_eq!(recording.first_byte.map(|a| (a.read, a.task)), Some((0, Offset(0))));
    assert_eq!(recording.last_read.map(|a| a.task), Some(Offset(1_510 * MS)), "the body's end");
    let figures = client.outcome(&recording).measurement;
    assert_eq!((figures.content_at.len(), figures.coalesced), (50, 0));
}

/// An event is there when its last byte is.
#[tokio::test(start_paused = true)]
async fn an_event_in_two_reads_counts_from_the_second() {
    let one = token("one");
    let (begin, end) = one.split_at(25);
    let steps = vec![
        send(format!("{CHUNKED}{begin}")),
        pause(30),
        send(end),
        pause(10),
        send(finish() + LAST_CHUNK),
    ];
    let (client, recording) = exchange(steps).await;
    let figures = client.outcome(&recording).measurement;
    assert_eq!(figures.content_at, [Offset(30 * MS)]);
}

#[tokio::test(start_paused = true)]
async fn a_body_larger_than_a_buffer() {
    let text = "x".repeat(200_000);
    let body =
        chunk(&format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"));
    let (client, recording) =
        exchange(vec![send(CHUNKED), send(body + &finish() + LAST_CHUNK)]).await;
    assert_eq!(client.verdict(&recording), "success");
    let size: usize = recording.chunks.iter().map(|c| c.bytes.len()).sum();
    assert!(size > 200_000, "{size}");
}

#[tokio::test(start_paused = true)]
async fn interim_responses_come_before_the_answer() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let (client, recording) = exchange(vec![pause(10), send(interim), pause(10), answer()]).await;
    assert_eq!(client.verdict(&recording), "success");
    assert_eq!(recording.head.unwrap().status, 200);
    assert_eq!(recording.first_byte.unwrap().task, Offset(10 * MS));
}

#[tokio::test(start_paused = true)]
async fn trailers_end_a_body() {
    let trailers = format!("{CHUNKED}{}{}0\r\nx-checksum: 1\r\n\r\n", token("a"), finish());
    let (client, recording) = exchange(vec![send(trailers), Step::Hold]).await;
    assert_eq!(recording.ending, Ending::Complete);
    assert_eq!(client.verdict(&recording), "success");
}

#[tokio::test(start_paused = true)]
async fn a_body_may_end_with_its_connection() {
    let event =
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let (client, recording) = exchange(vec![send(format!("{head}{event}")), pause(10)]).await;
    assert_eq!(recording.ending, Ending::Complete);
    assert_eq!(recording.ended, Offset(10 * MS));
    assert_eq!(client.verdict(&recording), "success");
}

/// Old gateways fold long headers and put spaces before the colon.
#[tokio::test(start_paused = true)]
async fn headers_as_they_were_once_written() {
    let body = events(&[A, STOP]);
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nx-long: a\r\n b\r\nserver : old\r\ncontent-length: {length}");
    let (client, recording) = exchange(vec![send(format!("{head}\r\n\r\n{body}"))]).await;
    assert_eq!(client.verdict(&recording), "success", "{recording:?}");
}

#[tokio::test(start_paused = true)]
async fn status_and_headers_are_kept() {
    let (client, recording) = exchange(vec![whole("503 Busy", "text/plain", "later")]).await;
    let head = recording.head.as_ref().unwrap();
    assert_eq!((head.status, head.header("content-type")), (503, Some("text/plain")));
    assert_eq!(client.verdict(&recording), "http_status");
}
