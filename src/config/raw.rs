//! The serde mirror of the file: nothing is checked here but form.
//!
//! What later checks complain about is [`Spanned`]. No `flatten` and no untagged enums: both lose
//! positions. None of these types is `Debug`: they hold prompts and header values.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_yaml::Spanned;

use super::gpu_words::{GpuName, WatchWord};
use super::percent::HumanPercent;
use super::quantity::{HumanCount, HumanSize};
use crate::units::HumanDuration;

/// A mapping whose keys are names of the user's choice.
pub(super) type Named<T> = IndexMap<Spanned<String>, T>;
/// A value that may be absent.
pub(super) type Maybe<T> = Option<Spanned<T>>;

/// The whole file.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub seed: Option<u64>,
    pub defaults: Defaults,
    pub workloads: Named<Workload>,
    pub slos: Named<Slo>,
    pub tokenizers: Named<Tokenizer>,
    pub gpu: Gpu,
    pub targets: Maybe<Vec<Target>>,
    pub comparisons: Maybe<Vec<Comparison>>,
    pub change_detection: ChangeDetection,
}

/// Adds the keys that stand in `defaults` and at a target alike.
macro_rules! with_settings {
    ($(#[$meta:meta])* struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub(super) struct $name {
            $(pub $field: $type,)*
            pub api: Maybe<String>,
            pub stream: Option<bool>,
            pub usage: Option<Usage>,
            pub interval: Maybe<HumanDuration>,
            pub arrival: Maybe<Arrival>,
            pub timeout: Maybe<HumanDuration>,
            pub first_token_timeout: Maybe<HumanDuration>,
            pub stall_timeout: Maybe<HumanDuration>,
            pub tail_timeout: Maybe<HumanDuration>,
            pub resolve_every: Maybe<HumanDuration>,
            pub addresses: Option<Addresses>,
            pub connection: Option<Connection>,
            pub max_in_flight: Maybe<u64>,
            pub max_body_size: Maybe<HumanSize>,
            pub tokenizer: Maybe<String>,
            pub workloads: Maybe<Vec<Spanned<String>>>,
            pub slos: Maybe<Vec<Spanned<String>>>,
        }
    };
}

with_settings! {
    #[derive(Deserialize, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Defaults {}
}

with_settings! {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Target {
        name: Spanned<String>,
        url: Spanned<String>,
        model: Maybe<String>,
        auth: Maybe<Auth>,
        headers: Option<Named<Spanned<String>>>,
        extra_body: Option<serde_json::Map<String, serde_json::Value>>,
        tls: Maybe<Tls>,
        labels: Option<Named<Spanned<String>>>,
        version: Option<Named<Spanned<String>>>,
        price: Option<Price>,
        budget: Option<Budget>,
        server_metrics: Maybe<ServerMetrics>,
        gpus: Maybe<Vec<Spanned<GpuName>>>,
        gpus_exclusive: Maybe<bool>,
    }
}

/// `poisson`, `constant` or `{gamma: {shape: 0.5}}`.
#[derive(Deserialize, Clone)]
#[serde(rename_all = "snake_case")]
pub(super) enum Arrival {
    Constant,
    Poisson,
    Gamma(Gamma),
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Gamma {
    pub shape: Spanned<f64>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Usage {
    Auto,
    Final,
    Continuous,
    None,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum LimitKey {
    Auto,
    MaxTokens,
    MaxCompletionTokens,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Connection {
    Reuse,
    Fresh,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Addresses {
    First,
    Each,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workload {
    pub weight: Maybe<f64>,
    pub prompts: Spanned<Prompts>,
    pub sample: Maybe<f64>,
    pub prefix: Option<Prefix>,
    pub max_output_tokens: Maybe<u64>,
    pub limit_key: Option<LimitKey>,
    pub extra_body: Maybe<serde_json::Map<String, serde_json::Value>>,
    pub stall_timeout: Maybe<HumanDuration>,
    pub expect: Maybe<Expect>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Prompts {
    Inline(Vec<String>),
    File(PathBuf),
    Requests(PathBuf),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Prefix {
    Unique,
    Shared,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub contains: Maybe<String>,
    pub regex: Maybe<String>,
    pub min_output_tokens: Maybe<u64>,
    pub json_schema: Maybe<PathBuf>,
    pub tool_call: Maybe<ToolCall>,
    pub finish: Maybe<Vec<Spanned<String>>>,
    pub min_distinct_ratio: Maybe<f64>,
    #[serde(rename = "in")]
    pub part: Maybe<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolCall {
    pub name: Maybe<String>,
    pub arguments_schema: Maybe<PathBuf>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    Answer,
    Reasoning,
    ToolCalls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slo {
    pub objective: Spanned<f64>,
    pub window: Maybe<HumanDuration>,
    pub ttft: Maybe<HumanDuration>,
    pub itl: Maybe<HumanDuration>,
    pub request_latency: Maybe<HumanDuration>,
    pub longest_gap: Maybe<HumanDuration>,
    pub tokens_per_second: Maybe<f64>,
    pub workloads: Maybe<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tokenizer {
    pub file: Spanned<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Gpu {
    pub enabled: Option<WatchWord>,
    pub processes: bool,
    pub library: Maybe<PathBuf>,
    pub retry: Maybe<HumanDuration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub bearer_token_file: Maybe<PathBuf>,
    pub bearer_token_env: Maybe<String>,
    pub header: Option<AuthHeader>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthHeader {
    pub name: Spanned<String>,
    pub value_file: Maybe<PathBuf>,
    pub value_env: Maybe<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub ca_file: Maybe<PathBuf>,
    pub server_name: Maybe<String>,
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// A mapping, or its `url` alone.
#[derive(Default)]
pub(super) struct ServerMetrics {
    /// Alone: without a place of its own.
    text: Option<String>,
    pub url: Maybe<String>,
    pub model: Maybe<String>,
    pub labels: Option<Named<Spanned<String>>>,
    pub timeout: Maybe<HumanDuration>,
    pub auth: Maybe<Auth>,
}

impl ServerMetrics {
    /// The URL, as it is written.
    pub fn text(&self) -> &str {
        let url = self.url.as_ref().map(|url| url.value.as_str());
        url.or(self.text.as_deref()).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for ServerMetrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ServerMetricsVisitor)
    }
}

struct ServerMetricsVisitor;

impl<'de> Visitor<'de> for ServerMetricsVisitor {
    type Value = ServerMetrics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, a path, or a mapping with `url`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ServerMetrics, E> {
        Ok(ServerMetrics { text: Some(text.to_owned()), ..ServerMetrics::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ServerMetrics, A::Error> {
        let ServerMetricsMap { url, model, labels, timeout, auth } =
            ServerMetricsMap::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ServerMetrics { text: None, url: Some(url), model, labels, timeout, auth })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerMetricsMap {
    url: Spanned<String>,
    model: Maybe<String>,
    labels: Option<Named<Spanned<String>>>,
    timeout: Maybe<HumanDuration>,
    auth: Maybe<Auth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    pub input_per_million: Spanned<f64>,
    pub output_per_million: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    pub output_tokens_per_day: Maybe<HumanCount>,
    pub dollars_per_day: Maybe<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Comparison {
    pub name: Spanned<String>,
    pub baseline: Spanned<String>,
    pub candidate: Spanned<String>,
    pub tolerance: Maybe<HumanPercent>,
    pub failure_margin: Maybe<HumanPercent>,
    pub slo_margin: Maybe<HumanPercent>,
    pub interval: Maybe<HumanDuration>,
    pub arrivals: Maybe<Arrivals>,
    pub speed: Maybe<f64>,
    pub order: Option<Order>,
    pub workloads: Maybe<Vec<Spanned<String>>>,
    pub false_alarm_every: Maybe<HumanDuration>,
    pub agreement: Option<Agreement>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Arrivals {
    Recorded,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    Simultaneous,
    BackToBack,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agreement {
    pub length_ratio: Maybe<f64>,
    pub exact: Maybe<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangeDetection {
    pub enabled: Option<bool>,
    pub tolerance: Tolerances,
    pub failure_margin: Maybe<HumanPercent>,
    pub slo_margin: Maybe<HumanPercent>,
    pub reference: Maybe<HumanDuration>,
    pub min_samples: Maybe<HumanCount>,
    pub false_alarm_every: Maybe<HumanDuration>,
    pub state_dir: Maybe<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tolerances {
    pub ttft: Maybe<HumanPercent>,
    pub itl: Maybe<HumanPercent>,
    pub request_latency: Maybe<HumanPercent>,
}
