//! Which model to ask for, where the configuration leaves it out: the first of the server's list.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::HOST;
use serde_json::Value;
use url::Url;

use crate::failure::{Failure, FailureReason};
use crate::request::{AGENT, authority, authorization};
use crate::target::Target;
use crate::transport::{host_and_port, tls};

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

/// The names in a list of models: OpenAI's `{"data": […]}`, Ollama's and others' `{"models": […]}`,
/// or the list alone; `None` for what is no such list, or one that names none of its models.
fn names(list: &Value) -> Option<impl Iterator<Item = &str>> {
    let list = match list {
        Value::Object(object) => object.get("data").or_else(|| object.get("models"))?,
        other => other,
    };
    let list = list.as_array()?;
    let nameless = !list.is_empty() && !list.iter().any(|model| name(model).is_some());
    (!nameless).then(|| list.iter().filter_map(name))
}

fn name(model: &Value) -> Option<&str> {
    let keys = ["id", "name", "model"];
    let name = keys.iter().find_map(|key| model.get(*key)?.as_str()).or(model.as_str());
    name.filter(|name| !name.is_empty())
}

async fn first_model(target: &Target) -> Result<String, Failure> {
    let limit = target.limits.timeout.min(LONGEST_WAIT);
    let list = tokio::time::timeout(limit, fetch_list(target)).await.unwrap_or_else(|_| {
        Err(Failure::new(FailureReason::Timeout, format!("no model list in {limit:?}")))
    })?;
    let list: Value = serde_json::from_slice(&list).unwrap_or_default();
    let mut names = names(&list).ok_or_else(|| {
        Failure::new(FailureReason::Malformed, "the model list is not {\"data\": [{\"id\": …}]}")
    })?;
    let first = names.next().map(str::to_owned);
    first.ok_or_else(|| Failure::new(FailureReason::Empty, "the model list is empty"))
}

async fn fetch_list(target: &Target) -> Result<Vec<u8>, Failure> {
    let (client, url) = client(target).await?;
    let mut request = client.get(url).header(HOST, authority(&target.url));
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
    Ok(body)
}

/// A client that goes where probes go, and the list's URL for it: with the name that the
/// certificate is for, which need not be the host's.
async fn client(target: &Target) -> Result<(reqwest::Client, Url), Failure> {
    let mut url = target.url.clone();
    url.set_path(&format!("{}/models", target.url.path().trim_end_matches('/')));
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
    Ok((client.map_err(|e| internal(e.to_string()))?, url))
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

fn failure(error: &reqwest::Error) -> Failure {
    let mut causes: Vec<&(dyn Error + 'static)> = vec![error];
    while let Some(cause) = causes.last().and_then(|e| cause(*e)) {
        causes.push(cause);
    }
    let not_http = |e: &hyper::Error| e.is_parse();
    let reason = if causes.iter().any(|e| e.is::<rustls::Error>()) {
        FailureReason::Tls
    } else if error.is_connect() {
        FailureReason::Connect
    } else if causes.iter().any(|e| e.downcast_ref().is_some_and(not_http)) {
        FailureReason::Malformed
    } else {
        FailureReason::Truncated
    };
    let mut texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
    texts.dedup();
    Failure::new(reason, format!("asking for the model list: {}", texts.join(": ")))
}

/// What is behind an error; an I/O error hides what it was made of.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(hidden) => Some(hidden),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_many_shapes() {
        let check = |list: &str, expect: Option<&[&str]>| {
            let value: Value = serde_json::from_str(list).unwrap();
            let found = names(&value).map(Iterator::collect::<Vec<_>>);
            assert_eq!(found.as_deref(), expect, "{list}");
        };
        check(r#"{"object":"list","data":[{"id":"a"},{"id":"b"}]}"#, Some(&["a", "b"]));
        check(r#"[{"id":"a","type":"chat"},{"id":"b"}]"#, Some(&["a", "b"]));
        check(r#"["a", "b"]"#, Some(&["a", "b"]));
        check(r#"{"models":[{"name":"a","model":"a:latest"}]}"#, Some(&["a"]));
        check(r#"{"data":[{"name":"a"},{"id":""},7]}"#, Some(&["a"]));
        check(r#"{"models":[{"name":"x"}],"data":[{"id":"a"}]}"#, Some(&["a"]));
        check(r#"{"data":[]}"#, Some(&[]));
        for other in [
            r#"{"data":{}}"#,
            r#"{"data":[{"object":"model"}]}"#,
            r#"{"error":"x"}"#,
            "7",
            "null",
            r#""a""#,
        ] {
            check(other, None);
        }
    }
}
