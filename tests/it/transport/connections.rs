//! New and reused connections, and their phases.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use llm_prober::answer::recording::{ConnectionPhases, Recording};

use crate::common::client::Client;
use crate::common::scripted::{CHUNKED, Step, always, answer, pause, pipe, send, tcp, whole};

/// Nine requests, each answered.
fn patient() -> Vec<Step> {
    [Step::Request, answer()].into_iter().cycle().take(18).chain([Step::Hold]).collect()
}

fn check_new(recording: &Recording) {
    let c = recording.connection;
    assert!(!c.reused);
    let order = [c.resolved.unwrap(), c.connected.unwrap(), recording.send.unwrap()];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!((c.tls_done, c.certificate_expiry), (None, None), "plain HTTP");
}

#[tokio::test]
async fn a_connection_is_reused_and_then_has_no_phases() {
    let (address, seen) = tcp(always(patient())).await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    let first = client.exchange().await;
    check_new(&first);
    let figures = client.outcome(&first).measurement;
    assert!(figures.ttft_with_connect.unwrap() > figures.ttft.unwrap());
    for _ in 0..3 {
        let next = client.exchange().await;
        assert_eq!(client.verdict(&next), "success");
        let reused = ConnectionPhases { reused: true, ..ConnectionPhases::default() };
        assert_eq!(next.connection, reused);
        assert_eq!(client.outcome(&next).measurement.ttft_with_connect, None);
    }
    assert_eq!((seen.connections(), seen.requests().len()), (1, 4));
}

#[tokio::test]
async fn a_fresh_connection_for_each_probe_if_so_configured() {
    let (address, seen) = tcp(always(patient())).await;
    let client = Client::network(&format!("http://{address}/v1"), ", connection: fresh");
    for _ in 0..3 {
        check_new(&client.exchange().await);
    }
    assert_eq!(seen.connections(), 3);
}

/// Servers close idle connections; that is no failure of theirs.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    // Right after the answer, or at the next request, which is the race of both.
    let closing = [vec![Step::Request, answer()], vec![Step::Request, answer(), Step::Request]];
    for steps in closing {
        let (address, seen) = tcp(always(steps)).await;
        let client = Client::network(&format!("http://{address}/v1"), "");
        for connections in 1..=3 {
            let recording = client.exchange().await;
            assert_eq!(client.verdict(&recording), "success", "{recording:?}");
            check_new(&recording);
            assert_eq!(seen.connections(), connections);
        }
    }
}

/// Some servers say why they close an idle connection, although nobody asked.
#[tokio::test(start_paused = true)]
async fn a_parting_word_on_an_idle_connection_is_not_taken_for_an_answer() {
    let parting = whole("408 Request Timeout", "text/plain", "too slow");
    let (dialer, seen) = pipe(always([Step::Request, answer(), pause(1_000), parting]));
    let client = Client::pipe(dialer, "");
    for connections in 1..=2 {
        let recording = client.exchange().await;
        assert_eq!(client.verdict(&recording), "success", "{recording:?}");
        assert_eq!(seen.connections(), connections);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn a_request_is_repeated_once_and_only_if_nothing_was_answered() {
    let (address, seen) = tcp(Arc::new(|connection| match connection {
        0 => vec![Step::Request, answer(), Step::Request],
        _ => vec![Step::Request],
    }))
    .await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    assert_eq!(client.verdict(&client.exchange().await), "success");
    assert_eq!(client.verdict(&client.exchange().await), "truncated");
    assert_eq!((seen.connections(), seen.requests().len()), (2, 3));

    let begun = send("HTTP/1.1 200 OK\r\n");
    for begun in [begun, send(CHUNKED)] {
        let (address, seen) = tcp(always([Step::Request, answer(), Step::Request, begun])).await;
        let client = Client::network(&format!("http://{address}/v1"), "");
        assert_eq!(client.verdict(&client.exchange().await), "success");
        let recording = client.exchange().await;
        assert_eq!((client.verdict(&recording), recording.connection.reused), ("truncated", true));
        assert_eq!((seen.connections(), seen.requests().len()), (1, 2));
    }
}

/// A server that takes a request and dies over it has failed, however its connection came about.
#[tokio::test]
async fn a_request_that_was_lost_while_the_server_worked_is_not_repeated() {
    let steps = [Step::Request, answer(), Step::Request, pause(400)];
    let (address, seen) = tcp(always(steps)).await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    assert_eq!(client.verdict(&client.exchange().await), "success");
    let recording = client.exchange().await;
    assert_eq!((client.verdict(&recording), recording.connection.reused), ("truncated", true));
    assert_eq!((seen.connections(), seen.requests().len()), (1, 2));
}

/// A server that closes an idle connection may say so with a status, and a request crosses it.
#[tokio::test]
async fn a_parting_word_that_crosses_a_request_is_no_answer_to_it() {
    let close = |status: &str, rest: &str| {
        send(format!("HTTP/1.1 {status}\r\nconnection: close\r\n{rest}"))
    };
    let partings = [
        close("408 Request Time-out", "content-length: 12\r\n\r\n<h1>408</h1>"),
        close("400 Bad Request", "\r\n"),
        close("400 Bad Request", "content-length: 0\r\n\r\n"),
        send("HTTP/1.0 408 Request Time-out\r\n\r\n"),
    ];
    for parting in partings {
        let (address, seen) = tcp(always([Step::Request, answer(), Step::Request, parting])).await;
        let client = Client::network(&format!("http://{address}/v1"), "");
        for connections in 1..=3 {
            let recording = client.exchange().await;
            assert_eq!(client.verdict(&recording), "success", "{recording:?}");
            check_new(&recording);
            assert_eq!(seen.connections(), connections);
        }
    }
}

#[tokio::test]
async fn a_status_that_is_an_answer_is_not_asked_for_twice() {
    let close = |status: &str, body: &str| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
        send(format!("{head}\r\n\r\n{body}"))
    };
    let late = [pause(400), close("408 Request Time-out", "")];
    let answers = [
        late.to_vec(),
        vec![whole("408 Request Timeout", "text/plain", ""), Step::Hold], // and stays
        vec![close("400 Bad Request", "no such model")],
        vec![close("500 Internal Server Error", "")],
    ];
    for steps in answers {
        let steps = [vec![Step::Request, answer(), Step::Request], steps].concat();
        let (address, seen) = tcp(always(steps)).await;
        let client = Client::network(&format!("http://{address}/v1"), "");
        assert_eq!(client.verdict(&client.exchange().await), "success");
        let recording = client.exchange().await;
        assert_eq!(client.verdict(&recording), "http_status");
        assert!(recording.connection.reused);
        assert_eq!((seen.connections(), seen.requests().len()), (1, 2));
    }
    // On a connection of its own there is nothing that it could have crossed.
    let parting = close("408 Request Time-out", "");
    let (address, seen) = tcp(always([Step::Request, parting])).await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    assert_eq!(client.verdict(&client.exchange().await), "http_status");
    assert_eq!(seen.requests().len(), 1);
}

/// What follows an answer on the same connection belongs to no request.
#[tokio::test]
async fn garbage_behind_an_answer_ends_its_connection() {
    let Step::Send(mut bytes) = answer() else { unreachable!() };
    bytes.extend(b"XXXX");
    let (address, seen) = tcp(always([Step::Request, send(bytes), Step::Hold])).await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    for connections in 1..=3 {
        let recording = client.exchange().await;
        assert_eq!(client.verdict(&recording), "success", "{recording:?}");
        check_new(&recording);
        assert_eq!(seen.connections(), connections);
    }
}

/// Whoever did not read an answer to its end cannot ask again on the same connection.
#[tokio::test(start_paused = true)]
async fn a_connection_whose_tail_was_not_waited_for_is_not_kept() {
    let Step::Send(bytes) = answer() else { unreachable!() };
    let held = send(&bytes[..bytes.len() - 5]);
    let (dialer, seen) = pipe(always([Step::Request, held, Step::Hold]));
    let client = Client::pipe(dialer, "");
    for connections in 1..=2 {
        let recording = client.exchange().await;
        assert_eq!(client.verdict(&recording), "success", "{recording:?}");
        assert_eq!((recording.connection.reused, seen.connections()), (false, connections));
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_no_more_than_probes_may_be_under_way() {
    let slow = [Step::Request, pause(10), answer(), Step::Request, pause(10), answer(), Step::Hold];
    let (dialer, seen) = pipe(always(slow));
    let client = Client::pipe(dialer, ", max_in_flight: 2");
    let five = || join_all((0..5).map(|_| client.exchange()));
    assert!(five().await.iter().all(|r| client.verdict(r) == "success"));
    assert_eq!(seen.connections(), 5);
    let reused = five().await.iter().filter(|r| r.connection.reused).count();
    assert_eq!((reused, seen.connections()), (2, 8));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_not_trusted_for_ever() {
    let (dialer, seen) = pipe(always(patient()));
    let client = Client::pipe(dialer, "");
    for (idle, connections) in [(0, 1), (89, 1), (91, 2)] {
        tokio::time::sleep(Duration::from_secs(idle)).await;
        client.exchange().await;
        assert_eq!(seen.connections(), connections, "after {idle} s");
    }
}

/// A connection that the server wants closed, or whose answer was not read to the end, ends with
/// its exchange.
#[tokio::test(start_paused = true)]
async fn only_a_finished_connection_is_kept() {
    let body = "data: [DONE]\n\n";
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len());
    let asked = send(format!("{head}connection: close\r\n\r\n{body}"));
    let cut = send("HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\nx");
    let old = send(format!("{}\r\n{body}", head.replace("1.1", "1.0")));
    for steps in [
        vec![Step::Request, asked, Step::Hold],
        vec![Step::Request, old, Step::Hold],
        vec![Step::Request, cut, Step::Hold],
    ] {
        let (dialer, seen) = pipe(always(steps));
        let client = Client::pipe(dialer, "");
        for connections in 1..=2 {
            let recording = client.exchange().await;
            assert!(!recording.connection.reused);
            assert_eq!(seen.connections(), connections);
        }
    }
}
