//! Gets a metrics page: over connections of its own, never those of the measured path.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use tokio::io::DuplexStream;
use tokio::sync::OnceCell;
use url::{Position, Url};

use super::body::{add, unpacked};
use super::problem::Problem;
use crate::dialect::KeyStyle;
use crate::request::{AGENT, authority, credentials};
use crate::target::{ServerMetrics, Target};
use crate::transport::{PipeDialer, host_and_port, tls};

/// From one place on the server to another, at most.
const MAX_REDIRECTS: usize = 3;
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1",
);

/// A problem, and what the log may say about it.
pub(super) type Failed = (Problem, String);

/// The way to one target's metrics page.
pub(super) struct Fetch {
    target: Arc<Target>,
    source: ServerMetrics,
    /// The server runs in this process.
    pipe: Option<PipeDialer>,
    /// Made at the first use, and kept with its idle connection.
    client: OnceCell<(reqwest::Client, Url)>,
}

impl Fetch {
    pub fn new(target: Arc<Target>, source: ServerMetrics, pipe: Option<PipeDialer>) -> Self {
        Self { target, source, pipe, client: OnceCell::new() }
    }

    /// The page's text.
    pub async fn get(&self) -> Result<String, Failed> {
        let headers = self.headers().map_err(|why| (Problem::Settings, why))?;
        let body = match &self.pipe {
            Some(dial) => over_pipe(dial(), &self.source.url, headers).await,
            None => self.over_network(headers).await,
        };
        body.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The page's own credentials; else the target's and its further headers, but only to the same
    /// scheme, host and port: nobody else is to see them.
    fn headers(&self) -> Result<HeaderMap, String> {
        let (target, source) = (&self.target, &self.source);
        let shared = source.url.origin() == target.url.origin();
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, ACCEPTED),
            // Packing would cost the server time right before a probe.
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
            (USER_AGENT, HeaderValue::from_static(AGENT)),
            (HOST, HeaderValue::try_from(authority(&source.url)).map_err(|e| e.to_string())?),
        ]);
        for (name, value) in target.headers.iter().filter(|_| shared) {
            let name: HeaderName = name.parse().map_err(|_| "not a header name".to_owned())?;
            headers.insert(name, value.parse().map_err(|_| "not a header value".to_owned())?);
        }
        let own = source.auth.as_ref().map(|auth| (auth, KeyStyle::Bearer));
        let targets = target.auth.as_ref().filter(|_| shared);
        if let Some((auth, style)) = own.or(targets.map(|auth| (auth, target.dialect.key()))) {
            let (name, value) = credentials(auth, style).map_err(|failure| failure.detail)?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    async fn over_network(&self, headers: HeaderMap) -> Result<Vec<u8>, Failed> {
        let client = self.client.get_or_try_init(|| async { self.client() }).await;
        let (client, url) = client.map_err(|why| (Problem::Settings, why))?;
        let sent = client.get(url.clone()).headers(headers).send().await;
        let mut response = sent.map_err(|e| unreachable(&e.without_url()))?;
        ok(response.status())?;
        let (headers, mut body) = (std::mem::take(response.headers_mut()), Vec::new());
        while let Some(bytes) = response.chunk().await.map_err(|e| unreachable(&e.without_url()))? {
            add(&mut body, &bytes)?;
        }
        unpacked(&headers, body)
    }

    /// A client that goes where probes go, and the page's URL for it: with the name that the
    /// certificate is for, which need not be the host's.
    fn client(&self) -> Result<(reqwest::Client, Url), String> {
        let mut url = self.source.url.clone();
        let tls = match url.scheme() {
            "https" => tls::client_config(&self.target.tls)?.as_ref().clone(),
            _ => tls::trusting_nobody()?,
        };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirects())
            .no_proxy(); // the measured path has none either
        let renamed = self.target.tls.server_name.as_ref();
        if let Some(name) = renamed.filter(|_| url.origin() == self.target.url.origin()) {
            let (host, _) = host_and_port(&url)?;
            if name.parse::<IpAddr>().is_ok() || url.set_host(Some(name)).is_err() {
                return Err("tls.server_name is an address, expected a name".to_owned());
            }
            builder = builder.dns_resolver(Arc::new(AlwaysTo(host)));
        }
        Ok((builder.build().map_err(|e| e.to_string())?, url))
    }
}

/// Resolves every name to the addresses of this host.
struct AlwaysTo(String);

impl Resolve for AlwaysTo {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

async fn over_pipe(pipe: DuplexStream, url: &Url, headers: HeaderMap) -> Result<Vec<u8>, Failed> {
    let mut request = Request::get(&url[Position::BeforePath..])
        .body(Empty::<Bytes>::new())
        .map_err(|e| (Problem::Settings, e.to_string()))?;
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
                add(&mut body, bytes)?;
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
    let refused = || (Problem::Status(status.as_u16()), String::new());
    if status == StatusCode::OK { Ok(()) } else { Err(refused()) }
}

/// On the same server only: nobody else is to see the credentials, or stands for this one.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let first = attempt.previous().first();
        let same = first.is_some_and(|first| first.origin() == attempt.url().origin());
        let few = attempt.previous().len() <= MAX_REDIRECTS;
        if same && few { attempt.follow() } else { attempt.stop() }
    })
}

/// The error with its causes; none of them holds a header.
fn unreachable(error: &(dyn std::error::Error + 'static)) -> Failed {
    let causes = std::iter::successors(Some(error), |e| e.source());
    let mut texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.dedup();
    (Problem::Unreachable, texts.join(": "))
}
