//! Gets a metrics page: over connections of its own, never those of the measured path.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::OnceCell;
use url::{Position, Url};

use super::body::unpacked;
use super::problem::{Failed, Problem};
use crate::dialect::KeyStyle;
use crate::target::{ServerMetrics, Target};
use crate::transport::PipeDialer;
use crate::transport::control::{self, Control, ControlError, Redirects, all_causes};

const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1",
);

/// The way to one target's metrics page.
pub(super) struct Fetch {
    target: Arc<Target>,
    source: ServerMetrics,
    /// The server runs in this process.
    pipe: Option<PipeDialer>,
    /// Made at the first use, and kept with its idle connection.
    control: OnceCell<Control>,
}

impl Fetch {
    pub fn new(target: Arc<Target>, source: ServerMetrics, pipe: Option<PipeDialer>) -> Self {
        Self { target, source, pipe, control: OnceCell::new() }
    }

    /// The page's text.
    pub async fn get(&self) -> Result<String, Failed> {
        let headers = self.headers()?;
        let body = match &self.pipe {
            Some(dial) => over_pipe(dial(), &self.source.url, headers).await,
            None => self.over_network(headers).await,
        };
        body.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The page's own credentials; else the target's and its further headers, but only to the same
    /// scheme, host and port: nobody else is to see them.
    fn headers(&self) -> Result<HeaderMap, ControlError> {
        let (target, source, shared) = (&self.target, &self.source, self.is_the_targets());
        let further = target.headers.iter().filter(|_| shared);
        let further = further.map(|(name, value)| (name.as_str(), value.as_str()));
        let own = source.auth.as_ref().map(|auth| (auth, KeyStyle::Bearer));
        let targets = target.auth.as_ref().filter(|_| shared);
        let auth = own.or(targets.map(|auth| (auth, target.dialect.key())));
        let mut headers = control::headers(&source.url, further, auth)?;
        headers.insert(ACCEPT, ACCEPTED);
        // Packing would cost the server time right before a probe.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(headers)
    }

    /// Whether the page is on the very server that is probed.
    fn is_the_targets(&self) -> bool {
        self.source.url.origin() == self.target.url.origin()
    }

    async fn over_network(&self, headers: HeaderMap) -> Result<Vec<u8>, Failed> {
        let control = self.control.get_or_try_init(|| async {
            let tls = &self.target.tls;
            let verified = tls.server_name.as_deref().filter(|_| self.is_the_targets());
            Control::new(&self.source.url, tls, verified, Redirects::OnTheSameServer)
        });
        let mut response = control.await?.get(headers).await?;
        ok(response.status())?;
        let headers = std::mem::take(response.headers_mut());
        unpacked(&headers, control::body(response).await?)
    }
}

async fn over_pipe(pipe: DuplexStream, url: &Url, headers: HeaderMap) -> Result<Vec<u8>, Failed> {
    let mut request = Request::get(&url[Position::BeforePath..])
        .body(Empty::<Bytes>::new())
        .map_err(|e| Failed::new(Problem::Settings, e.to_string()))?;
    *request.headers_mut() = headers;
    let connected = hyper::client::conn::http1::handshake(TokioIo::new(pipe)).await;
    let (mut sender, connection) = connected.map_err(|e| unreachable(&e))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|e| unreachable(&e))?;
        ok(response.status())?;
        let (head, mut frames) = response.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = frames.frame().await {
            if let Some(bytes) = frame.map_err(|e| unreachable(&e))?.data_ref() {
                control::add(&mut body, bytes)?;
            }
        }
        unpacked(&head.headers, body)
    };
    tokio::pin!(answer);
    tokio::select! {
        biased;
        body = &mut answer => body,
        // What it read before it ended is still to be taken.
        _ = connection => answer.await,
    }
}

fn ok(status: StatusCode) -> Result<(), Failed> {
    if status == StatusCode::OK { Ok(()) } else { Err(Problem::Status(status.as_u16()).into()) }
}

/// The error with its causes; none of them holds a header.
fn unreachable(error: &(dyn std::error::Error + 'static)) -> Failed {
    Failed::new(Problem::Unreachable, all_causes(error))
}
