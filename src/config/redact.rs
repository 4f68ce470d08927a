//! The effective configuration as YAML, fit for showing: header values and most of `extra_body`
//! are masked, prompts and expected answers are counted, secrets are named by their place.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::Config;
use super::percent::HumanPercent;
use crate::comparison::{Comparison, Timing};
use crate::detect::Tolerance;
use crate::explain::shown;
use crate::gpu_settings::{GpuId, GpuSettings, Watch};
use crate::schedule::Arrival;
use crate::secret::Secret;
use crate::slo::{ObjectiveKind, Slo};
use crate::target::{Addresses, Auth, ConnectionMode, ServerMetrics, Target};
use crate::units::HumanDuration;
use crate::workload::{LimitKey, Part, Prefix, Validator, Workload};

const MASK: &str = "<secret>";

#[derive(Serialize)]
struct Page<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    gpu: BTreeMap<&'static str, Value>,
    workloads: IndexMap<&'a str, WorkloadView>,
    slos: IndexMap<&'a str, BTreeMap<&'static str, Value>>,
    targets: Vec<TargetView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comparisons: Vec<ComparisonView<'a>>,
    change_detection: Value,
}

#[derive(Serialize)]
struct WorkloadView {
    weight: f64,
    prompts: String,
    prefix: &'static str,
    max_output_tokens: u32,
    limit_key: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra_body: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stall_timeout: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expect: BTreeMap<&'static str, Value>,
}

#[derive(Serialize)]
struct TargetView<'a> {
    name: &'a str,
    url: String,
    api: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    stream: bool,
    usage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra_body: BTreeMap<&'a str, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Value>,
    connection: &'static str,
    interval: String,
    arrival: Value,
    timeout: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_timeout: Option<String>,
    stall_timeout: String,
    tail_timeout: String,
    resolve_every: String,
    addresses: &'static str,
    max_in_flight: usize,
    max_body_size: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer: Option<&'a str>,
    workloads: Vec<&'a str>,
    slos: Vec<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    version: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_metrics: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gpus: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpus_exclusive: Option<bool>,
}

#[derive(Serialize)]
struct ComparisonView<'a> {
    name: &'a str,
    baseline: &'a str,
    candidate: &'a str,
    workloads: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrivals: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
    order: &'static str,
    tolerance: String,
    failure_margin: String,
    slo_margin: String,
    false_alarm_every: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<Value>,
}

/// The text of the page.
///
/// # Errors
/// The library's, if it cannot write a value.
pub(super) fn render(config: &Config) -> Result<String, String> {
    let targets = &config.targets;
    let workloads = targets.iter().flat_map(|t| &t.workloads);
    let slos = targets.iter().flat_map(|t| &t.slos);
    let page = Page {
        seed: config.seed,
        gpu: gpu(&config.gpu),
        workloads: workloads.map(|w| (w.name.as_str(), workload(w))).collect(),
        slos: slos.map(|s| (s.name.as_str(), slo(s))).collect(),
        targets: targets.iter().map(|t| target(t)).collect(),
        comparisons: config.comparisons.iter().map(|c| comparison(c)).collect(),
        change_detection: change_detection(config),
    };
    serde_yaml::to_string(&page).map_err(|e| format!("cannot show the configuration: {e}"))
}

fn change_detection(config: &Config) -> Value {
    let settings = &config.change_detection;
    let percent = |tolerance: Tolerance| HumanPercent(tolerance.delta()).to_string();
    let tolerances = &settings.tolerances;
    let mut view = json!({
        "enabled": settings.enabled,
        "tolerance": {
            "ttft": percent(tolerances.ttft),
            "itl": percent(tolerances.itl),
            "request_latency": percent(tolerances.request_latency),
        },
        "failure_margin": percent(tolerances.failure),
        "slo_margin": percent(tolerances.slo),
        "reference": human(settings.reference),
        "min_samples": settings.min_samples,
        "false_alarm_every": human(settings.false_alarm_every),
    });
    if let Some(folder) = &config.state_dir {
        view["state_dir"] = json!(folder);
    }
    view
}

fn human(duration: Duration) -> String {
    HumanDuration(duration).to_string()
}

fn workload(workload: &Workload) -> WorkloadView {
    let shown = |validator: &Validator| match validator {
        Validator::MinOutputTokens(least) => json!(least),
        Validator::MinDistinctRatio(least) => json!(least),
        Validator::Contains(_) | Validator::Regex(_) => json!("<not shown>"),
        Validator::JsonSchema(schema) => json!(schema.file()),
        Validator::Finish(finishes) => {
            json!(finishes.iter().map(|finish| finish.as_str()).collect::<Vec<_>>())
        }
        Validator::ToolCall(check) => {
            let mut view = serde_json::Map::new();
            view.extend(check.name.as_ref().map(|name| ("name".to_owned(), json!(name))));
            let schema = check.arguments.as_ref();
            view.extend(schema.map(|s| ("arguments_schema".to_owned(), json!(s.file()))));
            Value::Object(view)
        }
    };
    WorkloadView {
        weight: workload.weight,
        prompts: format!("<{} not shown>", workload.prompts.len()),
        prefix: match workload.prefix {
            Prefix::Unique => "unique",
            Prefix::Shared => "shared",
        },
        max_output_tokens: workload.max_output_tokens,
        stall_timeout: workload.stall_timeout.map(human),
        limit_key: workload.limit_key.map_or("auto", LimitKey::as_str),
        extra_body: workload.extra_body.iter().map(|(k, v)| (k.clone(), extra(v))).collect(),
        expect: {
            let part = Some(workload.judged).filter(|part| *part != Part::Answer);
            let part = part.map(|part| ("in", json!(part.as_str())));
            workload.validators.iter().map(|v| (v.name(), shown(v))).chain(part).collect()
        },
    }
}

fn slo(slo: &Slo) -> BTreeMap<&'static str, Value> {
    let bounds = slo.objectives.iter().map(|o| match o.kind {
        ObjectiveKind::TokensPerSecond => (o.kind.as_str(), json!(o.threshold)),
        _ => (o.kind.as_str(), json!(human(Duration::from_secs_f64(o.threshold)))),
    });
    let mut view: BTreeMap<_, _> = bounds.collect();
    view.insert("objective", json!(slo.objective));
    view.insert("window", json!(human(slo.window)));
    view.extend(slo.workloads.as_ref().map(|names| ("workloads", json!(names))));
    view
}

fn target(target: &Target) -> TargetView<'_> {
    TargetView {
        name: &target.name,
        url: shown(&target.url),
        api: target.dialect.name(),
        model: target.model.as_deref(),
        stream: target.stream,
        usage: target.usage.as_str(),
        auth: target.auth.as_ref().map(auth),
        headers: target.headers.iter().map(|(name, _)| (name.as_str(), MASK)).collect(),
        extra_body: target.extra_body.iter().map(|(k, v)| (k.as_str(), extra(v))).collect(),
        tls: (target.url.scheme() == "https").then(|| tls(target)),
        connection: match target.connection {
            ConnectionMode::Reuse => "reuse",
            ConnectionMode::Fresh => "fresh",
        },
        interval: human(target.schedule.interval),
        arrival: match target.schedule.arrival {
            Arrival::Constant => json!("constant"),
            Arrival::Poisson => json!("poisson"),
            Arrival::Gamma { shape } => json!({"gamma": {"shape": shape}}),
        },
        timeout: human(target.limits.timeout),
        first_token_timeout: target.limits.first_token_timeout.map(human),
        stall_timeout: human(target.limits.stall_timeout),
        tail_timeout: human(target.limits.tail_timeout),
        resolve_every: human(target.resolve_every),
        addresses: match target.addresses {
            Addresses::First => "first",
            Addresses::Each => "each",
        },
        max_in_flight: target.max_in_flight,
        max_body_size: format!("{}B", target.limits.max_body_bytes),
        tokenizer: target.tokenizer.as_ref().map(crate::tokenizer::TargetTokenizer::name),
        workloads: target.workloads.iter().map(|w| w.name.as_str()).collect(),
        slos: target.slos.iter().map(|s| s.name.as_str()).collect(),
        version: &target.version,
        labels: &target.labels,
        price: target.price.map(|p| {
            json!({"input_per_million": p.input_per_million,
                   "output_per_million": p.output_per_million})
        }),
        budget: budget(target),
        server_metrics: target.server_metrics.as_ref().map(server_metrics),
        gpus: target.gpus.ids.iter().map(gpu_id).collect(),
        gpus_exclusive: (!target.gpus.ids.is_empty()).then_some(target.gpus.exclusive),
    }
}

fn gpu(settings: &GpuSettings) -> BTreeMap<&'static str, Value> {
    let enabled = match settings.watch {
        Watch::Auto => json!("auto"),
        Watch::Always => json!(true),
        Watch::Never => json!(false),
    };
    let library = settings.library.as_ref().map(|file| ("library", json!(file)));
    let view = [("enabled", enabled), ("processes", json!(settings.processes))];
    let retry = ("retry", json!(human(settings.retry)));
    view.into_iter().chain([retry]).chain(library).collect()
}

fn gpu_id(id: &GpuId) -> Value {
    match id {
        GpuId::Index(index) => json!(index),
        GpuId::Uuid(uuid) => json!(uuid),
    }
}

fn comparison(comparison: &Comparison) -> ComparisonView<'_> {
    let percent = |share| HumanPercent(share).to_string();
    let (interval, speed) = match &comparison.timing {
        Timing::Drawn(schedule) => (Some(human(schedule.interval)), None),
        Timing::Recorded(replay) => (None, Some(replay.speed())),
    };
    ComparisonView {
        name: &comparison.name,
        baseline: &comparison.baseline.name,
        candidate: &comparison.candidate.name,
        workloads: comparison.workloads.iter().map(|w| w.name.as_str()).collect(),
        interval,
        arrivals: speed.map(|_| "recorded"),
        speed,
        order: comparison.order.as_str(),
        tolerance: percent(comparison.tolerance.delta()),
        failure_margin: percent(comparison.failure_margin),
        slo_margin: percent(comparison.slo_margin),
        false_alarm_every: human(comparison.false_alarm_every),
        agreement: comparison
            .answers
            .map(|rules| json!({"length_ratio": rules.length_ratio, "exact": rules.exact})),
    }
}

fn auth(auth: &Auth) -> Value {
    match auth {
        Auth::Bearer(Secret::File(path)) => json!({"bearer_token_file": path}),
        Auth::Bearer(Secret::Env(name)) => json!({"bearer_token_env": name}),
        Auth::Header { name, value: Secret::File(path) } => {
            json!({"header": {"name": name, "value_file": path}})
        }
        Auth::Header { name, value: Secret::Env(variable) } => {
            json!({"header": {"name": name, "value_env": variable}})
        }
    }
}

/// Numbers and switches are settings; a text could be anything.
fn extra(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(_) | Value::Array(_) | Value::Object(_) => json!(MASK),
    }
}

fn tls(target: &Target) -> Value {
    let mut view = serde_json::Map::new();
    view.extend(target.tls.ca_file.as_ref().map(|f| ("ca_file".to_owned(), json!(f))));
    view.extend(target.tls.server_name.as_ref().map(|n| ("server_name".to_owned(), json!(n))));
    view.insert("insecure_skip_verify".to_owned(), json!(target.tls.insecure_skip_verify));
    Value::Object(view)
}

fn budget(target: &Target) -> Option<Value> {
    let budget = target.budget;
    let mut view = serde_json::Map::new();
    let tokens = budget.output_tokens_per_day.map(|n| json!(n));
    view.extend(tokens.map(|n| ("output_tokens_per_day".to_owned(), n)));
    let dollars = budget.dollars_per_day.map(|n| json!(n));
    view.extend(dollars.map(|n| ("dollars_per_day".to_owned(), n)));
    (!view.is_empty()).then_some(Value::Object(view))
}

fn server_metrics(source: &ServerMetrics) -> Value {
    let mut view = serde_json::Map::new();
    view.insert("url".to_owned(), json!(shown(&source.url)));
    view.extend(source.model.as_ref().map(|m| ("model".to_owned(), json!(m))));
    let labels = Some(&source.labels).filter(|labels| !labels.is_empty());
    view.extend(labels.map(|labels| ("labels".to_owned(), json!(labels))));
    view.insert("timeout".to_owned(), json!(human(source.timeout)));
    view.extend(source.auth.as_ref().map(|a| ("auth".to_owned(), auth(a))));
    Value::Object(view)
}
