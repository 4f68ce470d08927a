//! The serde mirror of a flight record; nothing is checked here but form.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What every file begins with.
pub const FORMAT: &str = "llm-prober flight record";
/// Of the format. A reader refuses any other.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub format: String,
    pub version: u32,
    pub written_by: String,
    pub probe_id: String,
    pub target: String,
    pub api: String,
    pub stream: bool,
    pub max_body_bytes: usize,
    pub workload: Workload,
    pub slos: Vec<Slo>,
    pub tokenized: Tokenized,
    pub started_unix_nanos: i64,
    pub schedule_delay: u64,
    pub connection: Connection,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    pub send: Option<i64>,
    pub sent: Option<i64>,
    pub first_byte: Option<Arrival>,
    pub response: Option<Response>,
    pub last_read: Option<Arrival>,
    pub ended: i64,
    pub ending: Ending,
    pub clock: Clock,
    /// How many lines follow.
    pub portions: usize,
    pub outcome: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    pub name: String,
    pub max_output_tokens: u32,
    /// What the checks look at, where it is not the answer's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<String>,
    /// Results that were asked for, where it was not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<u64>,
    /// Where the reader was slower than the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u32>,
    pub expect: Vec<Validator>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validator {
    Contains(String),
    Regex(String),
    MinOutputTokens(u64),
    JsonSchema(Schema),
    ToolCall { name: Option<String>, arguments: Option<Schema> },
    Finish(Vec<String>),
    MinDistinctRatio(f64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    pub file: String,
    pub text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    pub name: String,
    pub objective: f64,
    pub window_seconds: u64,
    pub objectives: Vec<Objective>,
    pub workloads: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    pub kind: String,
    pub threshold: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
}

/// In nanoseconds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    pub ttft: u64,
    pub per_token: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokenized {
    pub input: Option<u64>,
    pub output: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_read: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_answer_read: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    pub reused: bool,
    pub resolved: Option<i64>,
    pub connected: Option<i64>,
    pub tls_done: Option<i64>,
    pub certificate_expiry: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    pub read: u32,
    pub task: i64,
    pub kernel: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Complete,
    ResolveFailed(String),
    ConnectFailed(String),
    TlsFailed(String),
    TimedOut,
    FirstTokenTimedOut,
    Stalled,
    TailTimedOut,
    CutOff(String),
    NotHttp(String),
    TooLarge(String),
    Cancelled,
    NoDescriptor,
    /// For so many nanoseconds.
    StoodStill(u64),
    ReaderStopped,
    Internal(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    pub unix_at_start: i64,
    pub unix_at_end: i64,
}

/// Each further line: exactly one of `text` and `base64`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portion {
    pub read: u32,
    pub task: i64,
    pub kernel: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}
