//! Questions beside the measured path: lists of models, and servers' own metrics pages.
//!
//! One place for how such a question goes out: over connections of its own, by the target's TLS
//! settings, without a proxy, with a limit on what is read, and so that nobody but the server that
//! was meant sees the credentials.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use url::Url;

use super::authority::host_and_port;
use super::client_certificate::CurrentCertificate;
use super::resolver::{LookupError, Resolver};
use super::tls;
use crate::dialect::KeyStyle;
use crate::target::request::{AGENT, authority, credentials};
use crate::target::{Auth, Tls};

/// The most that is read of an answer. A list of models is small, and of the metrics pages vLLM's has
/// about 60 KiB per engine.
pub const MAX_ANSWER_BYTES: usize = 4 << 20;
/// From one place on the server to another, at most.
const MAX_REDIRECTS: usize = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// `tls.server_name` is an address: the client would connect to it instead of verifying it.
    #[error("tls.server_name is an address, expected a name")]
    AddressAsName,
    /// A secret, a certificate or a header that cannot be used.
    #[error("{0}")]
    Settings(String),
    /// No connection, or it broke; [`causes`] says more. The URL is not in it.
    #[error("{}", all_causes(.0))]
    Broken(#[source] reqwest::Error),
    /// More than [`MAX_ANSWER_BYTES`].
    #[error("the answer is too large")]
    TooLarge,
}

/// The server's name has no address.
#[derive(Debug, thiserror::Error)]
#[error("{host}: {error}")]
pub struct Unresolved {
    host: String,
    error: LookupError,
}

/// Whether an answer may send on to another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Nowhere.
    Refused,
    /// To the same scheme, host and port.
    OnTheSameServer,
}

/// A client for one URL, which keeps its idle connection.
pub struct Control {
    client: Client,
    /// With the name that the certificate is for, which need not be the host's.
    url: Url,
    /// What is shown to a server that asks for one.
    certificate: Option<Arc<CurrentCertificate>>,
}

impl Control {
    /// For what is at `url`. `verified` is the name that its certificate is for, if not the host's.
    ///
    /// # Errors
    /// When the TLS settings are of no use.
    pub fn new(
        url: &Url,
        tls: &Tls,
        verified: Option<&str>,
        redirects: Redirects,
    ) -> Result<Self, ControlError> {
        let mut url = url.clone();
        let (host, _) = host_and_port(&url).map_err(|e| ControlError::Settings(e.to_string()))?;
        let encrypted = url.scheme() == "https";
        if let Some(name) = verified.filter(|_| encrypted) {
            let is_address = name.parse::<IpAddr>().is_ok();
            if is_address || url.set_host(Some(name)).is_err() {
                return Err(ControlError::AddressAsName);
            }
        }
        let tls = if encrypted {
            tls::with_certificate(tls).map(|(shared, shown)| (shared.as_ref().clone(), shown))
        } else {
            tls::trusting_nobody().map(|config| (config, None))
        };
        let (tls, certificate) = tls.map_err(|e| ControlError::Settings(e.to_string()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(AlwaysTo(host)))
            .redirect(redirects.policy())
            .no_proxy() // the measured path has none either
            .build();
        let client = client.map_err(|e| ControlError::Settings(e.to_string()))?;
        Ok(Self { client, url, certificate })
    }

    /// Asks. Any status is an answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, headers: HeaderMap) -> Result<Response, ControlError> {
        if let Some(certificate) = &self.certificate {
            certificate.refresh();
        }
        let sent = self.client.get(self.url.clone()).headers(headers).send().await;
        sent.map_err(broken)
    }
}

/// What is sent with a question to the server at `url`: these headers (of two with one name the last),
/// credentials, a bare key in this style, and who asks.
///
/// # Errors
/// When a secret cannot be read, or a header cannot be sent.
pub fn headers<'a>(
    url: &Url,
    further: impl IntoIterator<Item = (&'a str, &'a str)>,
    auth: Option<(&Auth, KeyStyle)>,
) -> Result<HeaderMap, ControlError> {
    let wrong = |what: &str| ControlError::Settings(format!("not a header {what}"));
    let host = HeaderValue::try_from(authority(url)).map_err(|_| wrong("value"))?;
    let agent = HeaderValue::from_static(AGENT);
    let mut headers = HeaderMap::from_iter([(USER_AGENT, agent), (HOST, host)]);
    for (name, value) in further {
        let name: HeaderName = name.parse().map_err(|_| wrong("name"))?;
        headers.insert(name, value.parse().map_err(|_| wrong("value"))?);
    }
    if let Some((auth, style)) = auth {
        let credentials = credentials(auth, style);
        let (name, value) =
            credentials.map_err(|failure| ControlError::Settings(failure.detail))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// All of an answer's body, as it was sent.
///
/// # Errors
/// When it breaks off, or is too large.
pub async fn body(mut response: Response) -> Result<Vec<u8>, ControlError> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(broken)? {
        add(&mut body, &bytes)?;
    }
    Ok(body)
}

/// Takes what has come of an answer.
///
/// # Errors
/// When it is too large with it.
pub fn add(body: &mut Vec<u8>, bytes: &[u8]) -> Result<(), ControlError> {
    if body.len() + bytes.len() > MAX_ANSWER_BYTES {
        return Err(ControlError::TooLarge);
    }
    body.extend_from_slice(bytes);
    Ok(())
}

/// An error and everything behind it.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e| cause(*e)).collect()
}

/// An error with what is behind it, in words; what is only handed on is said once.
pub fn all_causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<_> = causes(error).iter().map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// What is behind an error; an I/O error hides what it was made of.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(hidden) => Some(hidden),
        None => error.source(),
    }
}

/// The URL could hold a secret.
fn broken(error: reqwest::Error) -> ControlError {
    ControlError::Broken(error.without_url())
}

impl Redirects {
    /// On the same server only: nobody else is to see the credentials, or stands for this one.
    fn policy(self) -> Policy {
        match self {
            Self::Refused => Policy::none(),
            Self::OnTheSameServer => Policy::custom(|attempt| {
                let first = attempt.previous().first();
                let same = first.is_some_and(|first| first.origin() == attempt.url().origin());
                let few = attempt.previous().len() <= MAX_REDIRECTS;
                if same && few { attempt.follow() } else { attempt.stop() }
            }),
        }
    }
}

/// Resolves every name to the addresses of this host.
struct AlwaysTo(String);

impl Resolve for AlwaysTo {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found = Resolver::system().resolve(&host, 0).await;
            let found = found.map_err(|error| Unresolved { host: host.clone(), error })?;
            let all: Vec<_> = found.iter().copied().collect();
            Ok(Box::new(all.into_iter()) as Addrs)
        })
    }
}
