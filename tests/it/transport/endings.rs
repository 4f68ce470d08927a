//! Every way in which an exchange goes wrong: the ending, and the reason it becomes.

use llm_prober::answer::recording::{Ending, Recording};

use crate::common::client::Client;
use crate::common::scripted::{
    CHUNKED, LAST_CHUNK, Step, always, answer, pipe, send, tcp, token, whole,
};

/// One exchange with a server that reads the request and does `steps`, over TCP and over a pipe.
async fn check(steps: impl IntoIterator<Item = Step>, settings: &str, expect: &str) -> Recording {
    let steps: Vec<_> = std::iter::once(Step::Request).chain(steps).collect();
    let (address, seen) = tcp(always(steps.clone())).await;
    let network = Client::network(&format!("http://{address}/v1"), settings);
    let (dialer, _) = pipe(always(steps.clone()));
    let pipe = Client::pipe(dialer, settings);
    let recording = network.exchange().await;
    assert_eq!(network.verdict(&recording), expect, "{:?}", recording.ending);
    assert_eq!(seen.connections(), 1, "a new connection is not tried twice");
    let in_memory = pipe.exchange().await;
    assert_eq!(pipe.verdict(&in_memory), expect, "{:?}", in_memory.ending);
    assert!(recording.send.is_some() && recording.send <= recording.sent);
    recording
}

#[tokio::test]
async fn nobody_listens() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::network(&format!("http://{address}/v1"), "");
    let recording = client.exchange().await;
    assert_eq!(client.verdict(&recording), "connect");
    let Ending::ConnectFailed(detail) = &recording.ending else { panic!("{recording:?}") };
    assert!(detail.starts_with(&format!("{address}: ")), "{detail}");
    let c = recording.connection;
    assert!(c.resolved.is_some() && c.connected.is_none() && recording.send.is_none());
    assert_eq!((recording.first_byte, recording.last_read), (None, None));
}

#[tokio::test]
async fn a_name_that_cannot_exist() {
    // A label of more than 63 characters is refused by the resolver itself.
    let host = format!("{}.test", "a".repeat(64));
    let client = Client::network(&format!("http://{host}/v1"), "");
    let recording = client.exchange().await;
    assert_eq!(client.verdict(&recording), "resolve");
    let Ending::ResolveFailed(detail) = &recording.ending else { panic!("{recording:?}") };
    assert!(detail.starts_with(&host), "{detail}");
    assert_eq!((recording.connection.resolved, recording.send), (None, None));
}

#[tokio::test]
async fn no_answer() {
    let recording = check([], "", "truncated").await;
    assert!(matches!(recording.ending, Ending::CutOff(_)), "{recording:?}");
    assert_eq!((recording.first_byte, recording.last_read, recording.head), (None, None, None));
    let recording = check([send("HTTP/1.1 200 OK\r\ncontent-")], "", "truncated").await;
    assert!(recording.first_byte.is_some() && recording.head.is_none(), "{recording:?}");
}

#[tokio::test]
async fn something_else_than_http() {
    for garbage in
        ["SSH-2.0-OpenSSH_9.6\r\n", "\u{0}\u{1}\u{2}\u{3}\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n"]
    {
        let recording = check([send(garbage), Step::Hold], "", "malformed").await;
        assert!(matches!(recording.ending, Ending::NotHttp(_)), "{recording:?}");
    }
    let bad_chunk = send(format!("{CHUNKED}{}xyz\r\n", token("one")));
    let recording = check([bad_chunk, Step::Hold], "", "malformed").await;
    assert_eq!(recording.head.map(|h| h.status), Some(200));
}

#[tokio::test]
async fn a_huge_head() {
    let long = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n", "x".repeat(200 << 10));
    let many = format!("HTTP/1.1 200 OK\r\n{}", "x-many: x\r\n".repeat(129));
    for head in [long, many] {
        let recording = check([send(head + "\r\n"), Step::Hold], "", "too_large").await;
        assert!(matches!(recording.ending, Ending::TooLarge(_)), "{recording:?}");
    }
}

#[tokio::test]
async fn a_huge_body() {
    let body = format!("data: {}\n\n", "x".repeat(1016));
    assert_eq!(body.len(), 1024);
    let limit = ", max_body_size: 1KiB";
    // Exactly the limit is read to its end, and is then judged by what it holds.
    check([whole("200 OK", "text/event-stream", &body)], limit, "malformed").await;
    let body = body + "\n";
    let recording = check([whole("200 OK", "text/event-stream", &body)], limit, "too_large").await;
    let kept: usize = recording.chunks.iter().map(|c| c.bytes.len()).sum();
    assert!(kept <= 1024, "{kept}");
    let endless = vec![send(CHUNKED), send(token("x").repeat(100)), Step::Hold];
    check(endless, limit, "too_large").await;
}

#[tokio::test]
async fn a_body_cut_short() {
    let short =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n";
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let one = token("one");
    for cut in [
        format!("{short}{event}"),
        short.to_owned(),
        CHUNKED.to_owned(),
        format!("{CHUNKED}{one}"),
        format!("{CHUNKED}{}", &one[..one.len() - 1]),
        format!("{CHUNKED}{one}0\r\n"),
    ] {
        let recording = check([send(cut)], "", "truncated").await;
        assert!(matches!(recording.ending, Ending::CutOff(_)), "{recording:?}");
        assert_eq!(recording.head.map(|h| h.status), Some(200));
    }
    // The chunks end as they should, but the answer in them does not.
    let recording = check([send(format!("{CHUNKED}{one}{LAST_CHUNK}"))], "", "truncated").await;
    assert_eq!(recording.ending, Ending::Complete);
}

/// The answer itself was complete, so what happens to the connection afterwards is no failure.
#[tokio::test]
async fn a_cut_behind_the_end_marker() {
    let Step::Send(bytes) = answer() else { unreachable!() };
    let recording = check([send(&bytes[..bytes.len() - 5])], "", "success").await;
    assert!(matches!(recording.ending, Ending::CutOff(_)), "{recording:?}");
}
