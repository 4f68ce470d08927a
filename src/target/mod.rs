//! A target: one endpoint to probe, fully resolved and validated. Knows no YAML.

pub mod aws;
pub mod budget;
pub mod client_certificate;
pub mod gpu_settings;
pub mod hours;
pub mod learned;
pub mod request;
pub mod schedule;
pub mod secret;
pub mod tokenizer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use strum::{IntoStaticStr, VariantArray};

use crate::answer::slo::Slo;
use crate::dialect::{Shape, SharedDialect};
use crate::target::gpu_settings::TargetGpus;
use crate::target::hours::ActiveHours;
use crate::target::schedule::Schedule;
use crate::target::secret::Secret;
use crate::target::tokenizer::TargetTokenizer;
use crate::workload::Workload;

/// Credentials of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// A header of the provider's own, such as `api-key: …`.
    Header {
        /// Header name.
        name: String,
        /// Header value.
        value: Secret,
    },
}

/// Whether each probe makes its own connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionMode {
    /// Use an idle connection where there is one.
    Reuse,
    /// Connect anew for each probe.
    Fresh,
}

/// Which counts of tokens a server is asked for with a streamed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum UsageMode {
    /// Once, at the end; not at all from a server that refuses the question by its name.
    Auto,
    /// Once, at the end.
    Final,
    /// With every event, so that several tokens in one are told apart; from a server that refuses
    /// it, once at the end.
    Continuous,
    /// Not at all.
    None,
}

impl UsageMode {
    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Which of the addresses behind a target's name are probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Whichever answers first, as every client does.
    First,
    /// Every one in turn, each with a series of its own.
    Each,
}

/// TLS settings; meaningful for `https` only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// PEM file of the accepted authorities, or of servers' own certificates, instead of the
    /// system's.
    pub ca_file: Option<std::path::PathBuf>,
    /// Name to verify and send as SNI instead of the URL's host.
    pub server_name: Option<String>,
    /// What is shown to a server that asks for a certificate of its clients.
    pub certificate: Option<client_certificate::ClientCertificate>,
    /// Accept any certificate. For test rigs; said aloud in the log at load.
    pub insecure_skip_verify: bool,
}

/// Bounds of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The whole request, connection set-up included.
    pub timeout: Duration,
    /// Until the first content of a streamed answer, from the start of the probe.
    pub first_token_timeout: Option<Duration>,
    /// The longest time without progress after the first content.
    pub stall_timeout: Duration,
    /// The longest wait for what follows a finished answer.
    pub tail_timeout: Duration,
    /// Response body bytes.
    pub max_body_bytes: usize,
}

/// Price in dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Prompt tokens.
    pub input_per_million: f64,
    /// Generated tokens.
    pub output_per_million: f64,
}

/// How much a target, or all of them together, may cost per UTC hour and day; probes beyond are skipped
/// and counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// Generated tokens.
    pub output_tokens_per_hour: Option<u64>,
    /// Generated tokens.
    pub output_tokens_per_day: Option<u64>,
    /// Dollars, by [`Price`].
    pub dollars_per_hour: Option<f64>,
    /// Dollars, by [`Price`].
    pub dollars_per_day: Option<f64>,
}

/// How a target's prefix cache is looked after: the same prompt twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheCheck {
    /// From one look to the next.
    pub every: Duration,
    /// Tokens of the prompt.
    pub input_tokens: u32,
}

/// The metrics page of the inference server behind a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMetrics {
    /// Where it is.
    pub url: Url,
    /// Only series of this model; `None` takes the target's, or the only one there is.
    pub model: Option<String>,
    /// Only series with these labels.
    pub labels: BTreeMap<String, String>,
    /// The longest wait for the page.
    pub timeout: Duration,
    /// Credentials of its own; `None` sends the target's to the target's own host and port.
    pub auth: Option<Auth>,
}

/// One endpoint and everything needed to probe it.
#[derive(Clone, PartialEq)]
pub struct Target {
    /// Name, a label value, unique.
    pub name: String,
    /// Base URL, without credentials: what its dialect's path follows, so with the version (`…/v1`)
    /// where that path has none. A query is kept on
    /// every request; it may hold a key, so people see what [`crate::explain::shown`] leaves of it.
    pub url: Url,
    /// What it is asked in.
    pub dialect: SharedDialect,
    /// Model name; `None` asks the server's model list.
    pub model: Option<String>,
    /// Ask for a streamed answer.
    pub stream: bool,
    /// Which counts of tokens to ask for with it.
    pub usage: UsageMode,
    /// Credentials.
    pub auth: Option<Auth>,
    /// Further request headers, not secret.
    pub headers: Vec<(String, String)>,
    /// Keys merged into the request body; a null removes the key.
    pub extra_body: serde_json::Map<String, serde_json::Value>,
    /// TLS settings.
    pub tls: Tls,
    /// Connection reuse.
    pub connection: ConnectionMode,
    /// Which of its addresses are probed.
    pub addresses: Addresses,
    /// How often its name is looked up beside its probes.
    pub resolve_every: Duration,
    /// Bounds.
    pub limits: Limits,
    /// Arrival process.
    pub schedule: Schedule,
    /// When it is probed at all; always, if there are none.
    pub active_hours: Vec<ActiveHours>,
    /// Probes under way at most; further arrivals are skipped and counted.
    pub max_in_flight: usize,
    /// Of those the ones that wait for their first token; `None`: all of them may.
    pub max_in_prefill: Option<usize>,
    /// The first probes, which count nowhere.
    pub warm_up: u32,
    /// After so long without a probe it may be cold; `None` makes no difference.
    pub cold_after: Option<Duration>,
    /// Whether its prefix cache is looked after.
    pub cache_check: Option<CacheCheck>,
    /// The mix, at least one workload.
    pub workloads: Vec<Arc<Workload>>,
    /// The SLOs it is held to.
    pub slos: Vec<Arc<Slo>>,
    /// Counts tokens where the server does not.
    pub tokenizer: Option<TargetTokenizer>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
    /// Version facts, labels of `target_info`: `serving_image`, `model_version`, `hardware`, …
    pub version: BTreeMap<String, String>,
    /// Price.
    pub price: Option<Price>,
    /// Budget.
    pub budget: Budget,
    /// What the server itself says about its load; `None` does not look.
    pub server_metrics: Option<ServerMetrics>,
    /// Where it runs, as far as that is this machine.
    pub gpus: TargetGpus,
}

/// What of a target is another server's now: figures from before are of something else.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Moved {
    /// The URL.
    Url,
    /// The model.
    Model,
    /// Both.
    UrlAndModel,
}

impl Moved {
    /// Every one.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// From what has changed, if anything has.
    #[must_use]
    pub fn of(url: bool, model: bool) -> Option<Self> {
        match (url, model) {
            (true, true) => Some(Self::UrlAndModel),
            (true, false) => Some(Self::Url),
            (false, true) => Some(Self::Model),
            (false, false) => None,
        }
    }
}

impl Target {
    /// What makes `next`, a target of the same name, another server or model than this one.
    #[must_use]
    pub fn moved_to(&self, next: &Self) -> Option<Moved> {
        Moved::of(self.url != next.url, self.model != next.model)
    }

    /// What kind of answers it is asked for.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape { stream: self.stream }
    }

    /// The URL of a place below its base, given by path and query. The base's own query stays.
    #[must_use]
    pub fn below(&self, place: &str) -> Url {
        let (path, query) = place.split_once('?').map_or((place, None), |(p, q)| (p, Some(q)));
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        let queries = self.url.query().into_iter().chain(query);
        let query = queries.collect::<Vec<_>>().join("&");
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        url
    }

    /// The bounds of a probe with `workload`, which may have some of its own.
    #[must_use]
    pub fn limits_of(&self, workload: &Workload) -> Limits {
        let stall_timeout = workload.stall_timeout.unwrap_or(self.limits.stall_timeout);
        Limits { stall_timeout, ..self.limits }
    }
}

/// By hand, and brief: header values and expected answers are not for logs.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}
