//! Which model to ask for, where the configuration leaves it out: the first of the server's list.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::HeaderMap;
use parking_lot::Mutex;
use serde_json::Value;

use crate::answer::failure::{Failure, FailureReason};
use crate::config::labels::check_value;
use crate::explain::{self, Spoken, explain_no_list};
use crate::target::Target;
use crate::transport::authority::host_and_port;
use crate::transport::control::{
    self, Control, ControlError, Redirects, Unresolved, all_causes, causes,
};
use crate::transport::resolver::Resolver;
use crate::transport::spoken;

/// A list of this many pages is taken as far as that, and so is one of this many names.
const MOST_PAGES: usize = 20;
const MOST_NAMES: usize = 10_000;
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
        let mut known = self.0.lock();
        if known.is_none() {
            *known = found;
        }
    }

    /// The name, if it is known yet.
    #[must_use]
    pub fn known(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// The name; asks the server where it is not known. What the server says passes the same check as
    /// a configured name: it becomes a label and stands in pages and in the log.
    ///
    /// # Errors
    /// The failure a probe would have met: the list is on the same server.
    pub async fn get(&self, target: &Target) -> Result<String, Failure> {
        if let Some(name) = self.known() {
            return Ok(name);
        }
        let names = list(target).await?;
        let none = if names.is_empty() {
            Failure::new(FailureReason::Empty, "the model list is empty")
        } else {
            let why = "no model of the list has a usable name, expected one of at most 200 bytes \
                       without control characters";
            Failure::new(FailureReason::Malformed, why)
        };
        let usable = names.into_iter().find(|name| check_value(name, true).is_ok());
        let name = usable.ok_or_else(|| explained(target, none, None))?;
        self.0.lock().replace(name.clone());
        Ok(name)
    }

    /// Forgets a found name, so that the next probe asks again: the server may serve another
    /// model now. A configured name stays.
    pub fn forget(&self, target: &Target) {
        if target.model.is_none() {
            self.0.lock().take();
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
        next = page.next.filter(|_| names.len() < MOST_NAMES);
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
    let url = target.below(place);
    let own = target.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let auth = target.auth.as_ref().map(|auth| (auth, target.dialect.key()));
    let headers = control::headers(&url, target.dialect.headers().iter().copied().chain(own), auth);
    let headers = headers.map_err(|e| failure(&e, target))?;
    let verified = target.tls.server_name.as_deref();
    let control = Control::new(&url, &target.tls, verified, Redirects::Refused);
    let control = control.map_err(|e| failure(&e, target))?;
    let response = send(&control, headers, target).await?;
    let status = response.status();
    if !status.is_success() {
        let reason = match status.as_u16() {
            429 => FailureReason::Throttled,
            _ => FailureReason::HttpStatus,
        };
        let failure = Failure::new(reason, format!("the model list answers with status {status}"));
        return Err(Refused { failure, status: Some(status.as_u16()) });
    }
    Ok(control::body(response).await.map_err(|e| failure(&e, target))?)
}

/// A server of plain HTTP may wait for the end of a TLS client's request for ever, so the port is
/// looked at meanwhile.
async fn send(
    control: &Control,
    headers: HeaderMap,
    target: &Target,
) -> Result<reqwest::Response, Refused> {
    let answer = control.get(headers);
    let Some(address) = encrypted(target).await else {
        return answer.await.map_err(|e| failure(&e, target).into());
    };
    let (name, plain) = (verified(target), explain::tls::plain_http(&target.url));
    let plain = || Failure::new(FailureReason::Tls, plain).into();
    let error = match spoken::unless_plain(answer, address, &name).await {
        None => return Err(plain()),
        Some(Ok(response)) => return Ok(response),
        Some(Err(error)) => error,
    };
    if !was_answered_in_tls(&error) && spoken::look(address, &name).await == Spoken::PlainHttp {
        return Err(plain());
    }
    Err(failure(&error, target).into())
}

/// The address of a server that is spoken to in TLS; that there is none, the client says itself.
async fn encrypted(target: &Target) -> Option<SocketAddr> {
    let (host, port) = host_and_port(&target.url).ok()?;
    if target.url.scheme() != "https" {
        return None;
    }
    Resolver::system().resolve(&host, port).await.ok()?.first().copied()
}

fn was_answered_in_tls(error: &ControlError) -> bool {
    let is_tls = |e: &rustls::Error| !matches!(e, rustls::Error::InvalidMessage(_));
    causes(error).iter().any(|e| e.downcast_ref().is_some_and(is_tls))
}

/// The name that the server's certificate is to be for.
fn verified(target: &Target) -> String {
    let host = || host_and_port(&target.url).map_or_else(|_| String::new(), |(host, _)| host);
    target.tls.server_name.clone().unwrap_or_else(host)
}

fn failure(error: &ControlError, target: &Target) -> Failure {
    let broken = match error {
        ControlError::AddressAsName => {
            let why = "the model list cannot be asked for where tls.server_name is an address, \
                       expected `model` in the configuration";
            return Failure::new(FailureReason::Internal, why);
        }
        ControlError::Settings(why) => return Failure::new(FailureReason::Internal, why),
        ControlError::TooLarge => {
            return Failure::new(FailureReason::TooLarge, "the model list is too large");
        }
        ControlError::Broken(broken) => broken,
    };
    let causes = causes(broken);
    let unresolved = causes.iter().find_map(|e| e.downcast_ref::<Unresolved>());
    let tls = causes.iter().find_map(|e| e.downcast_ref::<rustls::Error>());
    let not_http = |e: &hyper::Error| e.is_parse();
    let reason = if let Some(unresolved) = unresolved {
        return Failure::new(FailureReason::Resolve, unresolved.to_string());
    } else if let Some(tls) = tls {
        let why = explain::tls::refused(tls, &target.tls, &verified(target));
        return Failure::new(FailureReason::Tls, why);
    } else if broken.is_connect() {
        FailureReason::Connect
    } else if causes.iter().any(|e| e.downcast_ref().is_some_and(not_http)) {
        FailureReason::Malformed
    } else {
        FailureReason::Truncated
    };
    Failure::new(reason, all_causes(broken))
}
