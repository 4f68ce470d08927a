//! A server that does what it is told, byte by byte: over TCP, TLS or an in-memory pipe.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_prober::transport::PipeDialer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// One thing the server does on a connection. After the last one it closes the connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads a whole request.
    Request,
    /// Writes and flushes.
    Send(Vec<u8>),
    /// Does nothing for this long.
    Pause(Duration),
    /// Does nothing until the client closes.
    Hold,
}

/// Writes `text`.
pub fn send(text: impl Into<Vec<u8>>) -> Step {
    Step::Send(text.into())
}

/// Does nothing for so many milliseconds.
pub fn pause(ms: u64) -> Step {
    Step::Pause(Duration::from_millis(ms))
}

/// A response with a content length.
pub fn whole(status: &str, content_type: &str, body: &str) -> Step {
    let length = body.len();
    send(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
}

/// The head of a response whose body comes in HTTP chunks.
pub const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// The end of a body in HTTP chunks.
pub const LAST_CHUNK: &str = "0\r\n\r\n";

/// One HTTP chunk.
pub fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

/// One stream event with a token, as an HTTP chunk.
pub fn token(text: &str) -> String {
    chunk(&format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"))
}

/// A chunk that only says who speaks, as an HTTP chunk.
pub fn role() -> String {
    chunk("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n")
}

/// How many tokens were generated so far, as an HTTP chunk.
pub fn usage(output: u32) -> String {
    let usage = format!("{{\"prompt_tokens\":7,\"completion_tokens\":{output}}}");
    chunk(&format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n"))
}

/// The finish reason alone, as an HTTP chunk.
pub fn stop() -> String {
    chunk("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
}

/// The end marker, as an HTTP chunk.
pub fn done() -> String {
    chunk("data: [DONE]\n\n")
}

/// The events after the last token, as one HTTP chunk.
pub fn finish() -> String {
    chunk("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}

/// A short answer that is a success, sent at once.
pub fn answer() -> Step {
    send(format!("{CHUNKED}{}{}{}{LAST_CHUNK}", token("one"), token(" two"), finish()))
}

/// What the server saw.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    connections: usize,
    requests: Vec<String>,
}

impl Seen {
    /// Connections made so far.
    pub fn connections(&self) -> usize {
        self.0.lock().unwrap().connections
    }

    /// Whole requests that arrived so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }

    /// Counts a connection; returns its number, from 0.
    fn connected(&self) -> usize {
        let mut log = self.0.lock().unwrap();
        log.connections += 1;
        log.connections - 1
    }
}

/// What to do on the nth connection, from 0.
pub type Script = Arc<dyn Fn(usize) -> Vec<Step> + Send + Sync>;

/// The same on every connection.
pub fn always(steps: impl Into<Vec<Step>>) -> Script {
    let steps = steps.into();
    Arc::new(move |_| steps.clone())
}

/// Serves on a free port of loopback for as long as the test's runtime lives.
pub async fn tcp(script: Script) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let steps = script(log.connected());
            tokio::spawn(play(stream, steps, log.clone()));
        }
    });
    (address, seen)
}

/// Serves in-memory connections in the caller's runtime.
pub fn pipe(script: Script) -> (PipeDialer, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let dialer: PipeDialer = Arc::new(move || {
        let (client, server) = tokio::io::duplex(1 << 20);
        let steps = script(log.connected());
        tokio::spawn(play(server, steps, log.clone()));
        client
    });
    (dialer, seen)
}

/// Does the steps on one connection. A client that goes away ends it early.
pub async fn play<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, steps: Vec<Step>, seen: Seen) {
    for step in steps {
        let going = match step {
            Step::Request => match request(&mut stream).await {
                Some(request) => {
                    seen.0.lock().unwrap().requests.push(request);
                    true
                }
                None => false,
            },
            Step::Send(bytes) => {
                stream.write_all(&bytes).await.is_ok() && stream.flush().await.is_ok()
            }
            Step::Pause(duration) => {
                tokio::time::sleep(duration).await;
                true
            }
            Step::Hold => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                false
            }
        };
        if !going {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

/// Head and body of the next request; `None` when the connection ends before it is complete.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(request) = complete(&bytes) {
            return Some(request);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn complete(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |l| l.parse().unwrap());
    (body.len() >= length).then(|| text.into_owned())
}
