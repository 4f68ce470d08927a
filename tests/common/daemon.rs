//! The program itself as a child process: everything it says is kept, it is killed on drop.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use bytes::Bytes;
use reqwest::{Method, StatusCode, header::HeaderMap};
use tempfile::NamedTempFile;

use super::eventually::eventually;
use super::exposition::Exposition;

/// Of a log, when a test fails.
const SHOWN_LINES: usize = 20;
pub const BINARY: &str = env!("CARGO_BIN_EXE_llm-prober");

/// A running command of the program.
pub struct Program {
    child: Child,
    stdout: Kept,
    stderr: Kept,
    client: reqwest::Client,
}

/// An answer of its HTTP side.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body, which must be text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Runs a command to its end.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    Command::new(BINARY).args(arguments).stdin(Stdio::null()).output().unwrap()
}

impl Program {
    /// Starts a command.
    pub fn start<A: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
    ) -> Self {
        Self::spawn(Command::new(BINARY).args(arguments).envs(environment.iter().copied()))
    }

    /// Starts a command with so many descriptors at most.
    pub fn with_descriptors(most: usize, arguments: &[&str]) -> Self {
        Self::behind(&format!("ulimit -n {most}"), arguments)
    }

    /// Starts a command where these words of a shell have done their work.
    pub fn behind<A: AsRef<OsStr>>(words: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let script = format!("{words} && exec \"$0\" \"$@\"");
        Self::spawn(Command::new("sh").args(["-c", &script, BINARY]).args(arguments))
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn spawn(command: &mut Command) -> Self {
        let (stdout, stderr) = (Kept::new(), Kept::new());
        command.stdin(Stdio::null()).stdout(stdout.stream()).stderr(stderr.stream());
        let child = command.spawn().unwrap();
        Self { child, stdout, stderr, client: super::process::client() }
    }

    /// Starts the daemon on a free port with further arguments.
    pub async fn daemon<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let listen = OsStr::new("--web.listen-address=127.0.0.1:0").to_owned();
        let arguments = arguments.into_iter().map(|a| a.as_ref().to_owned());
        let daemon = Self::start(arguments.chain([listen]), &[]);
        daemon.address().await;
        daemon
    }

    /// Starts a simulator with further arguments; where it listens is in its log.
    pub async fn simulator(listen: &str, arguments: &[&str]) -> (Self, SocketAddr) {
        let simulate = ["simulate", "--web.listen-address", listen];
        let simulator = Self::start(simulate.iter().chain(arguments), &[]);
        let found = simulator.find(|program| address(&program.stderr(), "url=")).await;
        (simulator, found)
    }

    /// Where the daemon serves its pages, from the line that it prints.
    pub async fn address(&self) -> SocketAddr {
        self.find(|program| address(&program.stdout(), "metrics: ")).await
    }

    /// Everything on standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Everything on standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// A GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }

    /// A request with headers.
    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("http://{}{path}", self.address().await);
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap() }
    }

    /// What `/metrics` says now, in classic text.
    pub async fn metrics(&self) -> Exposition {
        Exposition::parse(self.get("/metrics").await.text())
    }

    /// Scrapes until `seen` says yes; fails with all that was said.
    pub async fn until(&self, what: &str, seen: impl Fn(&Exposition) -> bool) -> Exposition {
        let look = async || {
            let metrics = self.metrics().await;
            if seen(&metrics) { Ok(metrics) } else { Err(format!("{metrics}\n{}", self.said())) }
        };
        eventually(what, look).await
    }

    /// Sends a signal, by the shell's own `kill`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// The names of its threads.
    pub fn threads(&self) -> Vec<String> {
        let folder = format!("/proc/{}/task", self.child.id());
        let threads = std::fs::read_dir(folder).into_iter().flatten().map_while(Result::ok);
        let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm"));
        threads.filter_map(|thread| Some(name(thread).ok()?.trim().to_owned())).collect()
    }

    /// Waits for the program's own end.
    pub async fn ended(&mut self) -> ExitStatus {
        eventually("its end", async || self.child.try_wait().unwrap().ok_or_else(|| self.said()))
            .await
    }

    /// Looks until there is something to find.
    pub async fn find<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
        eventually("something to find", async || look(self).ok_or_else(|| self.said())).await
    }

    fn said(&self) -> String {
        let end = |text: String| {
            let lines: Vec<_> = text.lines().collect();
            lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
        };
        format!("stdout:\n{}\nstderr:\n{}", end(self.stdout()), end(self.stderr()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that was written to a stream of the program. In a file, not a pipe: what the program wrote
/// before it did something is there as soon as that is seen.
struct Kept(NamedTempFile);

impl Kept {
    fn new() -> Self {
        Self(NamedTempFile::new().unwrap())
    }

    /// Where the program writes, at a position of its own.
    fn stream(&self) -> Stdio {
        self.0.reopen().unwrap().into()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.0.path()).unwrap()).into_owned()
    }
}

/// The address in `<label>http://<address>/…`, once the whole of it is there.
fn address(text: &str, label: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once(label)?;
    let (address, _) = rest.trim_start().strip_prefix("http://")?.split_once('/')?;
    Some(address.parse().unwrap())
}
