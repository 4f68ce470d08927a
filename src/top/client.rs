//! Questions to the daemon's API.

use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;

use crate::request::AGENT;
use crate::target::Tls;
use crate::transport::tls;
use crate::web::api::{ProbeList, TargetList};

/// An answer is waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const MAX_BYTES: usize = 32 << 20;

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
    pub fn new(url: &Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("`{url}`, expected http://HOST:PORT"));
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
            .build();
        Ok(Self { http: http.map_err(|e| e.to_string())?, base })
    }

    /// The targets, as many as one answer holds.
    ///
    /// # Errors
    /// In words, when there is no answer of the daemon's.
    pub async fn targets(&self) -> Result<TargetList, String> {
        let mut url = self.base.clone();
        url.set_query(Some("limit=1000"));
        self.get(url).await
    }

    /// The probes of a target.
    ///
    /// # Errors
    /// As [`Client::targets`].
    pub async fn probes(&self, target: &str) -> Result<ProbeList, String> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(target).push("probes");
        }
        self.get(url).await
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, String> {
        let response = self.http.get(url).send().await;
        let mut response = response.map_err(|e| format!("no answer: {}", cause(&e)))?;
        if !response.status().is_success() {
            return Err(format!("the daemon answers with status {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(|e| e.without_url().to_string())? {
            body.extend_from_slice(&bytes);
            if body.len() > MAX_BYTES {
                return Err(format!("an answer of more than {} MiB", MAX_BYTES >> 20));
            }
        }
        serde_json::from_slice(&body).map_err(|e| format!("not an answer of llm-prober: {e}"))
    }
}

/// What is at the bottom of an error: the library's own words only say that there is one.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}
