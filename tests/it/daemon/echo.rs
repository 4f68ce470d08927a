//! A server that repeats what it was sent, secrets and prompts included, in every way an answer
//! or a failure can take. The first part of the path says which.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the validators of the test wait for; never in a request.
pub const EXPECTED: &str = "Zq7XExpected";

/// A running server and all that it was sent.
pub struct Echo {
    pub address: SocketAddr,
    seen: Arc<Mutex<String>>,
}

impl Echo {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<String>>::default();
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { address, seen }
    }

    pub fn has_seen(&self, text: &str) -> bool {
        self.seen.lock().unwrap().contains(text)
    }
}

/// One request, one answer, then the connection is closed.
async fn serve(mut stream: TcpStream, seen: Arc<Mutex<String>>) -> std::io::Result<()> {
    let Some(request) = read(&mut stream).await? else {
        return stream.write_all(b"HTTP/1.1 400 this is no TLS\r\n\r\n").await;
    };
    seen.lock().unwrap().push_str(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let mode = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    // Fit for a header, a JSON string and a page at the same time.
    let echo: String = request
        .chars()
        .map(|c| if " -_.:".contains(c) || c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let asks_models = path.ends_with("/models");
    let answer = if asks_models { models(mode, &echo) } else { reply(mode, &echo) };
    stream.write_all(answer.as_bytes()).await?;
    if ["silent", "slow"].contains(&mode) {
        // Until the client goes away.
        let _ = stream.read(&mut [0; 1]).await;
    }
    stream.shutdown().await
}

/// The whole request; `None` for a TLS handshake.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
        }
        if bytes[0] == 0x16 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |l| l.parse().unwrap()) {
            return Ok(Some(text.into_owned()));
        }
    }
}

fn http(status: &str, kind: &str, echo: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-echo: {echo}\r\nserver: {echo}\r\n\
         x-ratelimit-limit-requests: {echo}\r\nretry-after: {echo}\r\nset-cookie: {echo}\r\n\
         location: /{}\r\nconnection: close\r\n\r\n{body}",
        echo.replace(' ', "")
    )
}

fn sse(echo: &str, body: &str) -> String {
    http("200 OK", "text/event-stream", echo, body)
}

fn models(mode: &str, echo: &str) -> String {
    match mode {
        "models-status" => http("500 Sorry", "text/plain", echo, echo),
        "models-html" => http("200 OK", "text/html", echo, echo),
        _ => http(
            "200 OK",
            "application/json",
            echo,
            r#"{"object":"list","data":[{"id":"listed"}]}"#,
        ),
    }
}

fn content(echo: &str) -> String {
    format!(
        "data: {{\"id\":\"{echo}\",\"model\":\"{echo}\",\"choices\":[{{\"delta\":{{\"content\":\"{echo}\"}}}}]}}\n\n"
    )
}

fn finish(echo: &str, reason: &str) -> String {
    format!(
        "data: {{\"model\":\"{echo}\",\"choices\":[{{\"delta\":{{\"content\":\"{EXPECTED}\"}},\"finish_reason\":\"{reason}\"}}],\
         \"usage\":{{\"prompt_tokens\":\"{echo}\"}}}}\n\ndata: [DONE]\n\n"
    )
}

fn reply(mode: &str, echo: &str) -> String {
    let said = content(echo);
    match mode {
        "whole" => {
            let message = format!("{{\"content\":\"{echo} {EXPECTED}\"}}");
            let body = format!(
                "{{\"choices\":[{{\"message\":{message},\"finish_reason\":\"{echo}\"}}],\"model\":\"{echo}\"}}"
            );
            http("200 OK", "application/json", echo, &body)
        }
        "rejected" => sse(echo, &format!("{said}data: [DONE]\n\n")),
        "status" => http("500 Sorry", "application/json", echo, echo),
        "throttled" => http("429 Sorry", "application/json", echo, echo),
        "moved" => http("302 Elsewhere", "text/html", echo, echo),
        "error-event" => {
            let error =
                format!("{{\"message\":\"{echo}\",\"type\":\"{echo}\",\"code\":\"{echo}\"}}");
            sse(echo, &format!("{said}data: {{\"error\":{error}}}\n\ndata: [DONE]\n\n"))
        }
        "error-line" => sse(echo, &format!("{said}event: error\ndata: {echo}\n\n")),
        "aborted" => sse(echo, &format!("{said}{}", finish(echo, "abort"))),
        "html" => http("200 OK", "text/html", echo, &format!("<html><p>{echo}</p></html>")),
        "not-json" => sse(echo, &format!("data: {{{echo}}}\n\ndata: [DONE]\n\n")),
        "wrong-type" => sse(echo, &format!("data: {{\"choices\":\"{echo}\"}}\n\n")),
        "empty" => sse(echo, &format!(": {echo}\n\ndata: [DONE]\n\n")),
        "no-finish" | "silent" => sse(echo, &said),
        "cut" => sse(echo, &said).replace("connection: close", "content-length: 1000000"),
        "mid-json" => {
            sse(echo, &format!("{said}data: {{\"choices\":[{{\"delta\":{{\"content\":\"{echo}"))
        }
        "slow" => String::new(),
        "large" => sse(echo, &said.repeat(20)),
        "large-head" => http("200 OK", "text/plain", &echo.repeat(200), echo),
        "garbage" => format!("{echo}\r\n\r\n"),
        _ => sse(echo, &format!("{said}{}", finish(echo, "stop"))),
    }
}
