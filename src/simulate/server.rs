//! HTTP/1.1: connections, paths, and the way from a request to its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, SERVER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::complaint::Complaint;
use super::faults::Fault;
use super::generation::Generation;
use super::reply::{Body, Dropped, empty, instead_of_answer, json, refusal, throttled};
use super::request::Ask;
use super::simulator::{Shared, Simulator};
use super::speak::{SPEAKERS, Speaker};
use super::{answer, metrics_page, whole};

/// Largest request body.
const MAX_BODY: usize = 16 << 20;
/// How long a request body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause after a failed accept (out of file descriptors, say), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a full queue tells its clients to wait, in seconds.
const RETRY_AFTER_FULL: u64 = 1;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_NAME: &str = concat!("llm-prober-simulator/", env!("CARGO_PKG_VERSION"));

impl Simulator {
    /// Serves until `shutdown`, then lets open answers end within the configured `drain`.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        let mut connections = JoinSet::new();
        let most = usize::try_from(self.shared.config.max_connections).unwrap_or(usize::MAX);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                stream = accept(&listener), if connections.len() < most => {
                    connections.spawn(self.clone().connection(stream, stop.clone()));
                }
            }
        }
        drop(listener);
        stop.cancel();
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.shared.config.drain, drained).await.is_err() {
            warn!(open = connections.len(), "answers were cut off at the end of the drain");
            connections.shutdown().await;
        }
    }

    /// Serves one connection, over a socket or an in-memory pipe, until it is closed.
    pub async fn serve_connection<I>(&self, io: I)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.clone().connection(io, CancellationToken::new()).await;
    }

    async fn connection<I>(self, io: I, stop: CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request| handle(Arc::clone(&self.shared), request));
        let connection = hyper::server::conn::http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(TokioIo::new(io), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(%error, "connection ended");
        }
    }
}

/// The next connection, ready for small writes.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "TCP_NODELAY could not be set");
                }
                return stream;
            }
            Err(error) => {
                warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn handle(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let id = request.headers().get(&REQUEST_ID).cloned();
    let mut response = route(shared, request).await?;
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static(SERVER_NAME));
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    Ok(response)
}

async fn route(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    // Those with a mark of their own stand behind those that take whatever comes.
    let models = |s: &&&dyn Speaker| s.models_path() == path && s.asks_for_models(&head);
    let speakers: Vec<&'static dyn Speaker> = match head.method {
        Method::POST => SPEAKERS.iter().copied().filter(|s| s.takes(path)).collect(),
        Method::GET => {
            if let Some(speaker) = SPEAKERS.iter().rev().find(models) {
                return Ok(json(&speaker.models(&shared.config.model)));
            }
            match path {
                "/health" => return Ok(empty()),
                "/metrics" => return Ok(metrics_page::page(&shared)),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    let Some(first) = speakers.first().copied() else { return Ok(nothing_here(path)) };
    let body = match read(body).await {
        Ok(body) => body,
        Err(complaint) => return Ok(refusal(first, &complaint)),
    };
    let speaker = speakers.into_iter().find(|s| s.knows(&body)).unwrap_or(first);
    match speaker.read(&head, &body, &shared.config) {
        Ok(ask) => generate(shared, speaker, ask).await,
        Err(complaint) => Ok(refusal(speaker, &complaint)),
    }
}

async fn generate(
    shared: Arc<Shared>,
    speaker: &'static dyn Speaker,
    ask: Ask,
) -> Result<Response<Body>, Dropped> {
    let stream = ask.stream;
    let generation = Generation::new(&shared, speaker, ask, shared.next_request());
    if let Some(fault) = generation.ailments.ending {
        if fault == Fault::Refuse {
            return Err(Dropped);
        }
        if let Some(response) = instead_of_answer(speaker, fault) {
            return Ok(response);
        }
    }
    let Some(ticket) = shared.line.enter() else {
        return Ok(throttled(speaker, "the queue is full", RETRY_AFTER_FULL));
    };
    if stream {
        return Ok(answer::streamed(shared, generation, ticket));
    }
    Ok(whole::answered(&shared, generation, ticket).await)
}

async fn read(body: Incoming) -> Result<Bytes, Complaint> {
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect());
    match collected.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Complaint::of_status(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 16 MiB, the most that is read",
        )),
        Ok(Err(_)) => {
            Err(Complaint::bad_request("the body ended before it was complete".to_owned(), "body"))
        }
        Err(_) => Err(Complaint::of_status(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive within 60 s",
        )),
    }
}

/// What is asked for with which method.
fn paths() -> Vec<(&'static str, Method)> {
    let mut paths: Vec<_> = SPEAKERS.iter().map(|s| (s.path(), Method::POST)).collect();
    let own = ["/health", "/metrics"];
    for path in SPEAKERS.iter().map(|s| s.models_path()).chain(own) {
        if !paths.iter().any(|(known, _)| *known == path) {
            paths.push((path, Method::GET));
        }
    }
    paths
}

fn nothing_here(path: &str) -> Response<Body> {
    let paths = paths();
    let known = paths.iter().find(|(known, _)| *known == path);
    let complaint = if let Some((path, method)) = known {
        let message = format!("{path} answers {method} only");
        Complaint::of_status(StatusCode::METHOD_NOT_ALLOWED, &message)
    } else {
        let near = |(known, _): &&(&str, Method)| strsim::levenshtein(path, known);
        let near = paths.iter().min_by_key(near).map_or("", |(known, _)| *known);
        let message = format!("unknown path, did you mean {near}?");
        Complaint::of_status(StatusCode::NOT_FOUND, &message)
    };
    refusal(SPEAKERS[0], &complaint)
}
