//! How exactly this program measures on this machine: it asks a server of its own, over loopback,
//! which notes when it sends each token.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::Probing;
use crate::answer::failure::Failure;
use crate::config::{Config, ConfigError};
use crate::target::Target;
use crate::transport::{SetupError, Transport};
use crate::workload::Mix;

/// Tokens of one check, and the time between two of them: 0.4 s in all.
const TOKENS: usize = 200;
const GAP: Duration = Duration::from_millis(2);
/// As long is the request waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of a request.
const MOST_REQUEST: usize = 64 * 1024;

/// Of each token, how long after it was sent it is said to have come.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurementError {
    /// In ascending order; at least one.
    errors: Vec<Duration>,
}

/// Why there is no result.
#[derive(Debug, Error)]
pub enum SelfCheckError {
    /// The server could not serve.
    #[error("the server on loopback: {0}")]
    Server(#[from] io::Error),
    /// The target could not be made.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nor its transport.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The answer was no success.
    #[error("the answer on loopback: {}: {}", .0.reason, .0.detail)]
    Failed(Failure),
    /// Tokens were lost.
    #[error("expected {TOKENS} tokens on loopback, found {0}")]
    Tokens(usize),
    /// The task panicked.
    #[error("the server on loopback panicked")]
    Panicked,
}

impl MeasurementError {
    /// From the instants of both sides, in nanoseconds since the Unix epoch; `None` of none.
    pub(crate) fn between(sent: &[i64], seen: &[i64]) -> Option<Self> {
        let error = |(sent, seen): (&i64, &i64)| {
            // A stamp before the sending is the clocks' own grain.
            Duration::from_nanos(u64::try_from(seen - sent).unwrap_or(0))
        };
        let mut errors: Vec<_> = sent.iter().zip(seen).map(error).collect();
        errors.sort_unstable();
        (!errors.is_empty()).then_some(Self { errors })
    }

    /// The quantile `share`, 0 to 1, by nearest rank.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.errors.len() as f64).ceil() as usize;
        let at = rank.clamp(1, self.errors.len()) - 1;
        self.errors[at]
    }
}

/// Makes one check; `dial` is the way in which targets are reached.
///
/// # Errors
/// Why there is no result.
pub async fn check(
    dial: impl Fn(&Target) -> Result<Transport, SetupError>,
) -> Result<MeasurementError, SelfCheckError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let serving = tokio::task::spawn_blocking(move || serve(&listener));
    let target = json!({"name": "self-check", "url": url, "model": "none", "timeout": "20s"});
    let file = json!({"gpu": {"enabled": false}, "targets": [target]}).to_string();
    let config = Config::parse(&file, Path::new("self-check"), Path::new(""))?;
    let target = config.targets.first().map(Arc::clone);
    let (mut seen, mut outcome) = (Vec::new(), Ok(()));
    if let Some(target) = target
        && let Some(draw) = Mix::new(&target.workloads, 0).draw()
    {
        let transport = dial(&target)?;
        let probing = Probing::new(target, transport);
        let probe = probing.probe(draw, Duration::ZERO, CancellationToken::new()).await;
        let began = probe.recording.started_unix_nanos;
        let content = probe.outcome.measurement.content_at.iter();
        seen = content.map(|at| began.saturating_add(at.0)).collect();
        outcome = probe.outcome.result;
    }
    outcome.map_err(SelfCheckError::Failed)?;
    let sent = serving.await.map_err(|_| SelfCheckError::Panicked)??;
    if seen.len() != TOKENS {
        return Err(SelfCheckError::Tokens(seen.len()));
    }
    MeasurementError::between(&sent, &seen).ok_or(SelfCheckError::Tokens(0))
}

/// Answers one request, and says when each token was sent: nanoseconds since the Unix epoch, read
/// just before.
fn serve(listener: &TcpListener) -> io::Result<Vec<i64>> {
    let mut connection = accept(listener)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_nodelay(true)?;
    read_request(&mut connection)?;
    connection.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )?;
    let mut sent = Vec::with_capacity(TOKENS);
    for token in 0..TOKENS {
        std::thread::sleep(GAP);
        let event = json!({"choices": [{"index": 0, "delta": {"content": format!(" {token}")}}]});
        let bytes = chunk(&format!("data: {event}\n\n"));
        sent.push(unix_nanos());
        connection.write_all(&bytes)?;
    }
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    connection.write_all(&chunk(&format!("data: {end}\n\ndata: [DONE]\n\n")))?;
    connection.write_all(b"0\r\n\r\n")?;
    Ok(sent)
}

/// The first connection, if it comes in time.
fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    listener.set_nonblocking(true)?;
    for _ in 0..PATIENCE.as_millis() / GAP.as_millis() {
        match listener.accept() {
            Ok((connection, _)) => {
                connection.set_nonblocking(false)?;
                return Ok(connection);
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Err(_) => std::thread::sleep(GAP),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// Reads until the body has come, whose length the head says.
fn read_request(connection: &mut TcpStream) -> io::Result<()> {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    while request.len() < MOST_REQUEST {
        let n = connection.read(&mut piece)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let named = name.eq_ignore_ascii_case("content-length");
            named.then(|| value.trim().parse::<usize>().ok()).flatten()
        });
        if body.len() >= length.unwrap_or(0) {
            return Ok(());
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

fn unix_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::IoThreads;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_token_is_seen_after_it_was_sent() {
        let io = IoThreads::start(1).unwrap();
        let error = check(|target| Transport::network(target, &io)).await.unwrap();
        assert_eq!(error.errors.len(), TOKENS);
        let (median, largest) = (error.quantile(0.5), error.quantile(1.0));
        // No claim about this machine: but it is a time of this check, and not of its clocks.
        assert!(Duration::ZERO < largest && median <= largest, "{error:?}");
        assert!(largest < PATIENCE, "{largest:?}");
    }

    #[test]
    fn quantiles_by_nearest_rank() {
        let sent: Vec<i64> = (0..100).collect();
        let seen: Vec<i64> = (0..100).map(|i| i + 1 + i % 10).collect();
        let error = MeasurementError::between(&sent, &seen).unwrap();
        let at = |share| error.quantile(share).as_nanos();
        assert_eq!([at(0.0), at(0.5), at(0.99), at(1.0)], [1, 5, 10, 10]);
        assert_eq!(MeasurementError::between(&[], &[]), None);
        let early = MeasurementError::between(&[5], &[3]).unwrap();
        assert_eq!(early.quantile(0.5), Duration::ZERO);
    }
}
