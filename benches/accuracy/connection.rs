//! One connection of the reference server: requests in, with the kernel's stamp; tokens out.

use std::{
    fmt::Write as _,
    io,
    io::{IoSliceMut, Write},
    net::TcpStream,
    os::fd::AsRawFd,
    time::{SystemTime, UNIX_EPOCH},
};

use nix::sys::{
    socket::{ControlMessageOwned, MsgFlags, recvmsg},
    time::{TimeSpec, TimeValLike},
};

const MAX_REQUEST: usize = 1 << 20;

/// The role comes at once, before the first token, as some servers do: it is not a token.
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    transfer-encoding: chunked\r\n\r\n";
const ROLE: &str =
    r#"[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#;
const TOKEN: &str = r#"[{"index":0,"delta":{"content":" token"},"finish_reason":null}]"#;
const FINISH: &str = r#"[{"index":0,"delta":{},"finish_reason":"length"}]"#;

/// What a read came to.
pub enum Progress {
    /// More is to come.
    Incomplete,
    /// A whole request is there.
    Request,
    /// The client closed the connection.
    Closed,
}

/// A client's connection and the request that it is being answered.
pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    received: Option<i64>,
    sent: Vec<i64>,
    token: Vec<u8>,
}

impl Connection {
    /// An accepted, non-blocking socket with `SO_TIMESTAMPNS`.
    pub fn new(stream: TcpStream) -> Self {
        let token = chunk(&event(TOKEN)).into_bytes();
        Self { stream, request: Vec::new(), received: None, sent: Vec::new(), token }
    }

    /// Reads once; the first read of a request gives it its stamp.
    pub fn read(&mut self) -> io::Result<Progress> {
        let mut buffer = [0; 16 << 10];
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let fd = self.stream.as_raw_fd();
        let message = match recvmsg::<()>(fd, &mut parts, Some(&mut control), MsgFlags::empty()) {
            Ok(message) => message,
            Err(nix::errno::Errno::EAGAIN) => return Ok(Progress::Incomplete),
            Err(error) => return Err(error.into()),
        };
        let stamp = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(time) => Some(time.num_nanoseconds()),
            _ => None,
        });
        let length = message.bytes;
        if length == 0 {
            return Ok(Progress::Closed);
        }
        if self.received.is_none() {
            self.received = stamp.filter(|&nanos| nanos != 0);
        }
        self.request.extend_from_slice(&buffer[..length]);
        if self.request.len() > MAX_REQUEST {
            return Err(io::Error::other("expected a request of at most 1 MiB"));
        }
        Ok(if is_complete(&self.request) { Progress::Request } else { Progress::Incomplete })
    }

    /// Sends the response's head.
    pub fn begin(&mut self) -> io::Result<()> {
        self.sent.clear();
        self.stream.write_all(format!("{HEAD}{}", chunk(&event(ROLE))).as_bytes())
    }

    /// Logs the time, sends one token, and says how many have been sent.
    pub fn send_token(&mut self) -> io::Result<usize> {
        self.sent.push(unix_nanos());
        self.stream.write_all(&self.token)?;
        Ok(self.sent.len())
    }

    /// Ends the answer and returns its line of the log.
    pub fn end(&mut self) -> io::Result<Option<String>> {
        let usage = format!(
            r#"[],"usage":{{"prompt_tokens":1,"completion_tokens":{0},"total_tokens":{0}}}"#,
            self.sent.len()
        );
        let tail = [event(FINISH), event(&usage), "data: [DONE]\n\n".to_owned()].concat();
        self.stream.write_all(format!("{}0\r\n\r\n", chunk(&tail)).as_bytes())?;
        let request = std::mem::take(&mut self.request);
        let received = self.received.take().ok_or_else(|| {
            io::Error::other("expected a kernel receive stamp on every request's first bytes")
        })?;
        let Some(id) = header(&request, "x-request-id") else { return Ok(None) };
        let mut line = format!("{id} {received}");
        for sent in &self.sent {
            let _ = write!(line, " {sent}"); // a String takes everything
        }
        Ok(Some(line))
    }
}

fn unix_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn event(choices: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\
         \"model\":\"reference\",\"choices\":{choices}}}\n\n"
    )
}

fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

fn head_of(request: &[u8]) -> Option<&str> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n")?;
    std::str::from_utf8(&request[..end]).ok()
}

fn header<'a>(request: &'a [u8], name: &str) -> Option<&'a str> {
    let fields = head_of(request)?.lines().filter_map(|line| line.split_once(':'));
    fields
        .map(|(n, value)| (n, value.trim()))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|f| f.1)
}

fn is_complete(request: &[u8]) -> bool {
    let Some(head) = head_of(request) else { return false };
    let body: usize = header(request, "content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    request.len() >= head.len() + 4 + body
}
