//! Which model to ask for, where the configuration leaves it out: the first of the server's list.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use crate::failure::{Failure, FailureReason};
use crate::request::{AGENT, authorization};
use crate::target::Target;
use crate::transport::tls;

/// A list of models is small.
const MAX_LIST_BYTES: usize = 4 << 20;
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
        let name = first_model(target).await?;
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

#[derive(Deserialize)]
struct ModelList {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

async fn first_model(target: &Target) -> Result<String, Failure> {
    let base = target.url.as_str().trim_end_matches('/');
    let mut request = client(target)?.get(format!("{base}/models"));
    for (name, value) in &target.headers {
        request = request.header(name, value);
    }
    if let Some((name, value)) = authorization(target)? {
        request = request.header(name, value);
    }
    let mut response = request.send().await.map_err(|e| failure(&e))?;
    let status = response.status();
    if !status.is_success() {
        let reason = match status.as_u16() {
            429 => FailureReason::Throttled,
            _ => FailureReason::HttpStatus,
        };
        return Err(Failure::new(reason, format!("the model list answers with status {status}")));
    }
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|e| failure(&e))? {
        body.extend_from_slice(&bytes);
        if body.len() > MAX_LIST_BYTES {
            return Err(Failure::new(FailureReason::TooLarge, "the model list is too large"));
        }
    }
    let list: ModelList = serde_json::from_slice(&body).map_err(|_| {
        Failure::new(FailureReason::Malformed, "the model list is not {\"data\": [{\"id\": …}]}")
    })?;
    let first = list.data.into_iter().next();
    first.map(|m| m.id).ok_or_else(|| Failure::new(FailureReason::Empty, "the model list is empty"))
}

fn client(target: &Target) -> Result<reqwest::Client, Failure> {
    let internal = |e: String| Failure::new(FailureReason::Internal, e);
    let tls = if target.url.scheme() == "https" {
        tls::client_config(&target.tls).map(|shared| shared.as_ref().clone())
    } else {
        tls::trusting_nobody()
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.map_err(internal)?)
        .timeout(target.limits.timeout.min(LONGEST_WAIT))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy() // the measured path has none either
        .user_agent(AGENT)
        .build()
        .map_err(|e| internal(e.to_string()))
}

fn failure(error: &reqwest::Error) -> Failure {
    let reason = if error.is_timeout() {
        FailureReason::Timeout
    } else if error.is_connect() {
        FailureReason::Connect
    } else {
        FailureReason::Truncated
    };
    Failure::new(reason, format!("asking for the model list: {error}"))
}
