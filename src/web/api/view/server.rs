//! What a target's server says about itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::server_metrics::{Look, Sample};

/// The newest look at the server's own metrics page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerState {
    /// When, Unix seconds.
    pub seen_unix_seconds: f64,
    /// Why it says nothing; left out where it says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Which engine's names were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Requests that are being worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<f64>,
    /// Requests that wait to be worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<f64>,
    /// Used share of the KV cache, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_cache_usage: Option<f64>,
    /// Looked up in the prefix cache since the server's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_cache_queries: Option<f64>,
    /// Found there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_cache_hits: Option<f64>,
    /// Share of hits, where the server computes it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_cache_hit_ratio: Option<f64>,
    /// Requests that had to start again, since the server's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<f64>,
}

impl From<Look> for ServerState {
    fn from(look: Look) -> Self {
        let sample = look.result.unwrap_or_default();
        let Sample { engine, running, waiting, kv_cache_usage, .. } = sample;
        Self {
            seen_unix_seconds: look.unix_seconds,
            problem: look.result.err().map(|problem| problem.to_string()),
            engine: (!engine.is_empty()).then(|| engine.to_owned()),
            running,
            waiting,
            kv_cache_usage,
            prefix_cache_queries: sample.prefix_cache_queries,
            prefix_cache_hits: sample.prefix_cache_hits,
            prefix_cache_hit_ratio: sample.prefix_cache_hit_ratio,
            preemptions: sample.preemptions,
        }
    }
}
