//! A real server as a child process: its address from its own log, killed on drop.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tokio::sync::oneshot;

use super::eventually::{PATIENCE, eventually};

const KEPT_LINES: usize = 50;

type Log = Arc<Mutex<VecDeque<String>>>;

/// A running server on loopback.
pub struct Process {
    child: Child,
    address: SocketAddr,
    log: Log,
    client: reqwest::Client,
}

impl Process {
    /// Starts a program that was told to listen on port 0 and logs its address to standard error
    /// in a line with "listening on".
    pub async fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("could not start {name}: {error}"));
        let log = Log::default();
        let (found, address) = oneshot::channel();
        if let Some(stderr) = child.stderr.take() {
            let log = Arc::clone(&log);
            std::thread::spawn(move || follow(BufReader::new(stderr), &log, found));
        }
        let address = tokio::time::timeout(PATIENCE, address).await;
        let Ok(Ok(address)) = address else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{name} did not say where it listens:\n{}", tail(&log));
        };
        Self { child, address, log, client: client() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Polls `path` until it answers with 200.
    pub async fn ready(&self, path: &str) {
        self.poll(path, || async {
            let response = self.client.get(self.url(path)).send().await.ok()?;
            response.status().is_success().then_some(())
        })
        .await;
    }

    /// The text of a GET.
    pub async fn text(&self, path: &str) -> String {
        let answer = async { self.client.get(self.url(path)).send().await?.text().await };
        self.unless(answer.await, path)
    }

    /// The JSON of a GET.
    pub async fn get(&self, path: &str) -> Value {
        self.json(self.client.get(self.url(path)), path).await
    }

    /// The JSON that answers a POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.json(self.client.post(self.url(path)).json(body), path).await
    }

    /// Asks again until there is an answer; fails with the end of the server's log.
    pub async fn poll<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
    ) -> T {
        eventually(what, async || ask().await.ok_or_else(|| tail(&self.log))).await
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        tail(&self.log)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn json(&self, request: reqwest::RequestBuilder, path: &str) -> Value {
        let answer = async { request.send().await?.json().await };
        self.unless(answer.await, path)
    }

    fn unless<T>(&self, answer: reqwest::Result<T>, path: &str) -> T {
        answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", tail(&self.log)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn client() -> reqwest::Client {
    // reqwest wants a provider even for plain HTTP; an error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
    client.unwrap_or_else(|error| panic!("could not build an HTTP client: {error}"))
}

/// Reads to the end, so that the server never blocks on a full pipe.
fn follow(lines: impl BufRead, log: &Log, found: oneshot::Sender<SocketAddr>) {
    let mut found = Some(found);
    for line in lines.lines().map_while(Result::ok) {
        if let Some(address) = address_in(&line)
            && let Some(found) = found.take()
        {
            let _ = found.send(address);
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == KEPT_LINES {
            log.pop_front();
        }
        log.push_back(line);
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("istening on")?;
    let digits = &rest[rest.find("127.0.0.1:")?..];
    let end = digits.find(|c: char| !c.is_ascii_digit() && !".:".contains(c));
    digits[..end.unwrap_or(digits.len())].parse().ok().filter(|a: &SocketAddr| a.port() != 0)
}

fn tail(log: &Log) -> String {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}
