//! Questions to the daemon's API.

use std::time::Duration;

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use thiserror::Error;
use url::Url;

use crate::target::Tls;
use crate::target::request::AGENT;
use crate::transport::SetupError;
use crate::transport::tls;
use crate::web::api::{ProbeList, TargetList};

/// An answer is waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const MAX_BYTES: usize = 32 << 20;

/// Why there is no way to a daemon.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is none of HTTP.
    #[error("`{0}`, expected http://HOST:PORT")]
    Url(Url),
    /// TLS cannot be used.
    #[error("{0}")]
    Tls(#[from] SetupError),
    /// The HTTP library does not start.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// Nobody answers: what is at the bottom of it.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The daemon refuses.
    #[error("the daemon answers with status {0}")]
    Status(StatusCode),
    /// The answer breaks off.
    #[error(transparent)]
    BreaksOff(reqwest::Error),
    /// The answer is larger than any of a daemon.
    #[error("an answer of more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// Somebody else answers.
    #[error("not an answer of llm-prober: {0}")]
    NotOurs(serde_json::Error),
}

/// A way to a daemon.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    /// To the daemon whose page is at `url`.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub fn new(url: &Url) -> Result<Self, ClientError> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientError::Url(url.clone()));
        }
        let mut base = url.clone();
        base.set_path(&format!("{}/api/v1/targets", url.path().trim_end_matches('/')));
        let tls = if url.scheme() == "https" {
            tls::client_config(&Tls::default()).map(|shared| shared.as_ref().clone())
        } else {
            tls::trusting_nobody()
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls?)
            .no_proxy() // the daemon is near
            .timeout(PATIENCE)
            .user_agent(AGENT)
            .build()?;
        Ok(Self { http, base })
    }

    /// The targets, as many as one answer holds.
    ///
    /// # Errors
    /// When there is no answer of the daemon's.
    pub async fn targets(&self) -> Result<TargetList, AskError> {
        let mut url = self.base.clone();
        url.set_query(Some("limit=1000"));
        self.get(url).await
    }

    /// The probes of a target.
    ///
    /// # Errors
    /// As [`Client::targets`].
    pub async fn probes(&self, target: &str) -> Result<ProbeList, AskError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(target).push("probes");
        }
        self.get(url).await
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, AskError> {
        let response = self.http.get(url).send().await;
        let mut response = response.map_err(|e| AskError::NoAnswer(cause(&e)))?;
        if !response.status().is_success() {
            return Err(AskError::Status(response.status()));
        }
        let mut body = Vec::new();
        let breaks_off = |e: reqwest::Error| AskError::BreaksOff(e.without_url());
        while let Some(bytes) = response.chunk().await.map_err(breaks_off)? {
            body.extend_from_slice(&bytes);
            if body.len() > MAX_BYTES {
                return Err(AskError::TooLarge);
            }
        }
        serde_json::from_slice(&body).map_err(AskError::NotOurs)
    }
}

/// What is at the bottom of an error: the library's own words only say that there is one.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}
