//! Which model to ask for, where the configuration leaves it out: the first of the server's list.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::HOST;
use serde_json::Value;
use url::Url;

use crate::explain::{self, Spoken, explain_no_list};
use crate::failure::{Failure, FailureReason};
use crate::request::{AGENT, authority, authorization};
use crate::target::Target;
use crate::transport::{host_and_port, spoken, tls};

/// A list of models is small.
const MAX_LIST_BYTES: usize = 4 << 20;
/// A list of this many pages is taken as far as that.
const MOST_PAGES: usize = 20;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The model name of a target: configured, or found once and kept.
#[derive(Debug, Default)]
pub struct ModelName(Mutex<Option<String>>);

impl ModelName {
    /// Starts with the configured name, if there is one.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        Self(Mutex::new(target.model.clone()))
    }

    /// Takes over a name that was found.
    pub fn go_on_from(&self, before: &Self) {
        let found = before.known();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = found;
        }
    }

    /// The name, if it is known yet.
    #[must_use]
    pub fn known(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name; asks the server where it is not known.
    ///
    /// # Errors
    /// The failure a probe would have met: the list is on the same server.
    pub async fn get(&self, target: &Target) -> Result<String, Failure> {
        if let Some(name) = self.known() {
            return Ok(name);
        }
        let first = list(target).await?.into_iter().next();
        let empty = || Failure::new(FailureReason::Empty, "the model list is empty");
        let name = first.ok_or_else(|| explained(target, empty(), None))?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(name.clone());
        Ok(name)
    }

    /// Forgets a found name, so that the next probe asks again: the server may serve another
    /// model now. A configured name stays.
    pub fn forget(&self, target: &Target) {
        if target.model.is_none() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// The names of the models that the target's server lists.
///
/// # Errors
/// The failure a probe would have met, with its explanation.
pub async fn list(target: &Target) -> Result<Vec<String>, Failure> {
    let limit = target.limits.timeout.min(LONGEST_WAIT);
    let list = tokio::time::timeout(limit, every_page(target)).await.unwrap_or_else(|_| {
        Err(Failure::new(FailureReason::Timeout, format!("no model list in {limit:?}")).into())
    });
    list.map_err(|Refused { failure, status }| explained(target, failure, status))
}

async fn every_page(target: &Target) -> Result<Vec<String>, Refused> {
    let (mut names, mut next) = (Vec::new(), Some(target.dialect.models().to_owned()));
    for _ in 0..MOST_PAGES {
        let Some(place) = next else { break };
        let page = fetch_page(target, &place).await?;
        let page: Value = serde_json::from_slice(&page).unwrap_or_default();
        let page = target.dialect.model_page(&page).ok_or_else(|| {
            let why = "the model list is not {\"data\": [{\"id\": …}]}";
            Failure::new(FailureReason::Malformed, why)
        })?;
        names.extend(page.names);
        next = page.next;
    }
    Ok(names)
}

/// No list, and the status of the answer if there was one.
struct Refused {
    failure: Failure,
    status: Option<u16>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, status: None }
    }
}

fn explained(target: &Target, failure: Failure, status: Option<u16>) -> Failure {
    let explanation = Some(explain_no_list(target, &failure, status));
    Failure { explanation, ..failure }
}

async fn fetch_page(target: &Target, place: &str) -> Result<Vec<u8>, Refused> {
    let (client, url, address) = client(target, place).await?;
    let mut request = client.get(url).header(HOST, authority(&target.url));
    for (name, value) in target.dialect.headers() {
        if !target.headers.iter().any(|(own, _)| own == name) {
            request = request.header(*name, *value);
        }
    }
    for (name, value) in &target.headers {
        request = request.header(name, value);
    }
    if let Some((name, value)) = authorization(target)? {
        request = request.header(name, value);
    }
    let mut response = send(request, target, address).await?;
    let status = response.status();
    if !status.is_success() {
        let reason = match status.as_u16() {
            429 => FailureReason::Throttled,
            _ => FailureReason::HttpStatus,
        };
        let failure = Failure::new(reason, format!("the model list answers with status {status}"));
        return Err(Refused { failure, status: Some(status.as_u16()) });
    }
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|e| failure(e, target))? {
        body.extend_from_slice(&bytes);
        if body.len() > MAX_LIST_BYTES {
            return Err(Failure::new(FailureReason::TooLarge, "the model list is too large").into());
        }
    }
    Ok(body)
}

/// A server of plain HTTP may wait for the end of a TLS client's request for ever, so the port is
/// looked at meanwhile.
async fn send(
    request: reqwest::RequestBuilder,
    target: &Target,
    address: Option<SocketAddr>,
) -> Result<reqwest::Response, Refused> {
    let Some(address) = address.filter(|_| target.url.scheme() == "https") else {
        return request.send().await.map_err(|e| failure(e, target).into());
    };
    let (name, plain) = (verified(target), explain::tls::plain_http(&target.url));
    let plain = || Failure::new(FailureReason::Tls, plain).into();
    let error = match spoken::unless_plain(request.send(), address, &name).await {
        None => return Err(plain()),
        Some(Ok(response)) => return Ok(response),
        Some(Err(error)) => error,
    };
    if !was_answered_in_tls(&error) && spoken::look(address, &name).await == Spoken::PlainHttp {
        return Err(plain());
    }
    Err(failure(error, target).into())
}

fn was_answered_in_tls(error: &reqwest::Error) -> bool {
    let is_tls = |e: &rustls::Error| !matches!(e, rustls::Error::InvalidMessage(_));
    causes(error).iter().any(|e| e.downcast_ref().is_some_and(is_tls))
}

/// The name that the server's certificate is to be for.
fn verified(target: &Target) -> String {
    let host = || host_and_port(&target.url).map_or_else(|_| String::new(), |(host, _)| host);
    target.tls.server_name.clone().unwrap_or_else(host)
}

/// A client that goes where probes go, and the list's URL for it: with the name that the
/// certificate is for, which need not be the host's.
async fn client(
    target: &Target,
    place: &str,
) -> Result<(reqwest::Client, Url, Option<SocketAddr>), Failure> {
    let mut url = target.below(place);
    let tls = if url.scheme() == "https" {
        if let Some(name) = &target.tls.server_name {
            verify_as(&mut url, name)?;
        }
        tls::client_config(&target.tls).map(|shared| shared.as_ref().clone())
    } else {
        tls::trusting_nobody()
    };
    let (host, port) = host_and_port(&target.url).map_err(internal)?;
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let addresses: Vec<_> =
        found.map_err(|e| Failure::new(FailureReason::Resolve, format!("{host}: {e}")))?.collect();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.map_err(internal)?)
        .resolve_to_addrs(url.host_str().unwrap_or(&host), &addresses)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy() // the measured path has none either
        .user_agent(AGENT)
        .build();
    Ok((client.map_err(|e| internal(e.to_string()))?, url, addresses.first().copied()))
}

/// Puts the certificate's name in place of the host's.
fn verify_as(url: &mut Url, name: &str) -> Result<(), Failure> {
    // The client would connect to an address instead of just verifying it.
    if name.parse::<IpAddr>().is_ok() || url.set_host(Some(name)).is_err() {
        let why = "the model list cannot be asked for where tls.server_name is an address, \
                   expected `model` in the configuration";
        return Err(internal(why.to_owned()));
    }
    Ok(())
}

fn internal(problem: String) -> Failure {
    Failure::new(FailureReason::Internal, problem)
}

fn failure(error: reqwest::Error, target: &Target) -> Failure {
    let error = error.without_url(); // it could hold a secret
    let causes = causes(&error);
    let tls = causes.iter().find_map(|e| e.downcast_ref::<rustls::Error>());
    let not_http = |e: &hyper::Error| e.is_parse();
    let reason = if let Some(tls) = tls {
        let why = explain::tls::refused(tls, &target.tls, &verified(target));
        return Failure::new(FailureReason::Tls, why);
    } else if error.is_connect() {
        FailureReason::Connect
    } else if causes.iter().any(|e| e.downcast_ref().is_some_and(not_http)) {
        FailureReason::Malformed
    } else {
        FailureReason::Truncated
    };
    let mut texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
    texts.dedup();
    Failure::new(reason, texts.join(": "))
}

/// An error and everything behind it.
fn causes(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |e| cause(*e)).collect()
}

/// What is behind an error; an I/O error hides what it was made of.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(hidden) => Some(hidden),
        None => error.source(),
    }
}
