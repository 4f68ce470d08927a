//! The configuration in force, as a file would say it: defaults filled in, all of it said.
//!
//! Nothing is left out here that must not be shown: that is `redact.rs`'s, and it goes by what each
//! key says of itself.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::effective_sweep;
use super::percent::HumanPercent;
use super::quantity::HumanSize;
use super::raw::WEEKDAYS;
use super::resolved::Config;
use super::time_of_day::{offset, time};
use crate::answer::slo::{ObjectiveKind, Slo};
use crate::regression::comparison::{Comparison, Timing};
use crate::regression::detect::Tolerance;
use crate::target::gpu_settings::{GpuId, GpuSettings, Watch};
use crate::target::hours::ActiveHours;
use crate::target::schedule::Arrival;
use crate::target::secret::Secret;
use crate::target::tokenizer::TargetTokenizer;
use crate::target::{Addresses, Auth, Budget, ConnectionMode, ServerMetrics, Target};
use crate::text::units::HumanDuration;
use crate::workload::{Cancel, LimitKey, Part, Prefix, Validator, Workload};

/// A value of a file whose keys keep their order.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Node {
    Leaf(Value),
    List(Vec<Node>),
    Keys(IndexMap<String, Node>),
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Value::Object(map) => {
                Self::Keys(map.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
            leaf => Self::Leaf(leaf),
        }
    }
}

/// A mapping; a value that is `null` is left out.
fn keys<'a>(keys: impl IntoIterator<Item = (&'a str, Value)>) -> Node {
    let written = keys.into_iter().filter(|(_, value)| !value.is_null());
    Node::Keys(written.map(|(key, value)| (key.to_owned(), value.into())).collect())
}

/// A mapping or list, unless it is empty.
fn unless_empty(value: Value) -> Value {
    let empty = value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty);
    if empty { Value::Null } else { value }
}

/// The whole file.
pub(super) fn effective(config: &Config) -> Node {
    let targets = &config.targets;
    let workloads = targets.iter().flat_map(|t| &t.workloads);
    let workloads = workloads.map(|w| (w.name.clone(), workload(w))).collect();
    let slos = targets.iter().flat_map(|t| &t.slos).map(|s| (s.name.clone(), slo(s).into()));
    let mut file = IndexMap::new();
    let mut put = |key: &str, node| file.insert(key.to_owned(), node);
    if let Some(seed) = config.seed {
        put("seed", json!(seed).into());
    }
    put("gpu", gpu(&config.gpu).into());
    put("workloads", Node::Keys(workloads));
    put("slos", Node::Keys(slos.collect()));
    if let Some(most) = config.max_in_flight {
        put("max_in_flight", json!(most).into());
    }
    if config.budget != Budget::default() {
        put("budget", budget(&config.budget).into());
    }
    put("targets", Node::List(targets.iter().map(|t| target(t)).collect()));
    if !config.comparisons.is_empty() {
        put("comparisons", Node::List(config.comparisons.iter().map(|c| comparison(c)).collect()));
    }
    if !config.sweeps.is_empty() {
        let sweeps = config.sweeps.iter().map(|sweep| keys(effective_sweep::keys_of(sweep)));
        put("sweeps", Node::List(sweeps.collect()));
    }
    put("change_detection", change_detection(config).into());
    Node::Keys(file)
}

fn human(duration: Duration) -> Value {
    json!(HumanDuration(duration).to_string())
}

fn percent(share: f64) -> Value {
    json!(HumanPercent(share).to_string())
}

fn change_detection(config: &Config) -> Value {
    let settings = &config.change_detection;
    let percent = |tolerance: Tolerance| percent(tolerance.delta());
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

fn workload(workload: &Workload) -> Node {
    let part = Some(workload.judged).filter(|part| *part != Part::Answer);
    let part = part.map(|part| ("in".to_owned(), json!(part.as_str())));
    let checks = workload.validators.iter().map(|v| (v.name().to_owned(), validator(v)));
    keys([
        ("weight", json!(workload.weight)),
        ("prompts", json!(workload.prompts.len())),
        (
            "documents",
            match workload.documents.len() {
                0 => Value::Null,
                documents => json!(documents),
            },
        ),
        ("audio", json!(workload.audio.as_ref().map(|audio| &audio.file))),
        (
            "prefix",
            match workload.prefix {
                Prefix::Tiles(tiles) => json!({"tiles": tiles.number}),
                prefix => json!(prefix.as_str()),
            },
        ),
        (
            "prefix_tokens",
            match workload.prefix {
                Prefix::Tiles(tiles) => json!(tiles.tokens),
                _ => Value::Null,
            },
        ),
        ("max_output_tokens", json!(workload.max_output_tokens)),
        ("limit_key", json!(workload.limit_key.map_or("auto", LimitKey::as_str))),
        ("extra_body", unless_empty(json!(workload.extra_body))),
        ("stall_timeout", workload.stall_timeout.map_or(Value::Null, human)),
        (
            "cancel",
            match workload.cancel {
                None => Value::Null,
                Some(Cancel::AfterOutputTokens(tokens)) => json!({"after_output_tokens": tokens}),
                Some(Cancel::After(time)) => json!({"after": human(time)}),
                Some(Cancel::Slow { bytes_per_second }) => {
                    json!({"bytes_per_second": bytes_per_second})
                }
            },
        ),
        (
            "conversation",
            workload.conversation.map_or(Value::Null, |conversation| {
                json!({
                    "turns": conversation.turns,
                    "think_time": human(conversation.think_time),
                })
            }),
        ),
        ("expect", unless_empty(Value::Object(checks.chain(part).collect()))),
    ])
}

fn validator(validator: &Validator) -> Value {
    match validator {
        Validator::MinOutputTokens(least) => json!(least),
        Validator::MinDistinctRatio(least) => json!(least),
        Validator::Contains(text) => json!(text),
        Validator::Regex(pattern) => json!(pattern.as_str()),
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
    }
}

fn slo(slo: &Slo) -> Value {
    let mut view = json!({"objective": slo.objective, "window": human(slo.window)});
    for objective in &slo.objectives {
        view[objective.kind.as_str()] = match objective.kind {
            ObjectiveKind::TokensPerSecond => json!(objective.threshold),
            ObjectiveKind::Deadline => objective.deadline.map_or(Value::Null, |deadline| {
                json!({"ttft": human(deadline.ttft), "per_token": human(deadline.per_token)})
            }),
            _ => human(Duration::from_secs_f64(objective.threshold)),
        };
    }
    if let Some(names) = &slo.workloads {
        view["workloads"] = json!(names);
    }
    view
}

fn target(target: &Target) -> Node {
    let limits = &target.limits;
    let headers = target.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
    let names = |names: Vec<&str>| json!(names);
    keys([
        ("name", json!(target.name)),
        ("url", json!(target.url.as_str())),
        ("api", json!(target.dialect.name())),
        ("model", json!(target.model)),
        ("stream", json!(target.stream)),
        ("usage", json!(target.usage.as_str())),
        ("auth", target.auth.as_ref().map_or(Value::Null, auth)),
        ("headers", unless_empty(Value::Object(headers.collect()))),
        ("extra_body", unless_empty(json!(target.extra_body))),
        ("tls", if target.url.scheme() == "https" { tls(target) } else { Value::Null }),
        (
            "connection",
            json!(match target.connection {
                ConnectionMode::Reuse => "reuse",
                ConnectionMode::Fresh => "fresh",
            }),
        ),
        ("interval", human(target.schedule.interval)),
        (
            "arrival",
            match target.schedule.arrival {
                Arrival::Constant => json!("constant"),
                Arrival::Poisson => json!("poisson"),
                Arrival::Gamma { shape } => json!({"gamma": {"shape": shape}}),
                Arrival::Recorded { speed } => json!({"recorded": {"speed": speed}}),
            },
        ),
        ("active_hours", unless_empty(target.active_hours.iter().map(active_hours).collect())),
        ("warm_up", Some(target.warm_up).filter(|n| *n > 0).map_or(Value::Null, |n| json!(n))),
        ("cold_after", target.cold_after.map_or(Value::Null, human)),
        (
            "prefix_cache_check",
            target.cache_check.map_or(
                Value::Null,
                |check| json!({"every": human(check.every), "input_tokens": check.input_tokens}),
            ),
        ),
        ("timeout", human(limits.timeout)),
        ("first_token_timeout", limits.first_token_timeout.map_or(Value::Null, human)),
        ("stall_timeout", human(limits.stall_timeout)),
        ("tail_timeout", human(limits.tail_timeout)),
        ("resolve_every", human(target.resolve_every)),
        (
            "addresses",
            json!(match target.addresses {
                Addresses::First => "first",
                Addresses::Each => "each",
            }),
        ),
        ("max_in_flight", json!(target.max_in_flight)),
        ("max_in_prefill", json!(target.max_in_prefill)),
        ("max_body_size", json!(HumanSize(limits.max_body_bytes as u64).to_string())),
        ("tokenizer", json!(target.tokenizer.as_ref().map(TargetTokenizer::name))),
        ("workloads", names(target.workloads.iter().map(|w| w.name.as_str()).collect())),
        ("slos", names(target.slos.iter().map(|s| s.name.as_str()).collect())),
        ("version", unless_empty(json!(target.version))),
        ("labels", unless_empty(json!(target.labels))),
        (
            "price",
            target.price.map_or(Value::Null, |p| {
                json!({"input_per_million": p.input_per_million,
                       "output_per_million": p.output_per_million})
            }),
        ),
        ("budget", budget(&target.budget)),
        ("server_metrics", target.server_metrics.as_ref().map_or(Value::Null, server_metrics)),
        ("gpus", unless_empty(target.gpus.ids.iter().map(gpu_id).collect())),
        ("gpus_exclusive", json!((!target.gpus.ids.is_empty()).then_some(target.gpus.exclusive))),
    ])
}

fn active_hours(hours: &ActiveHours) -> Value {
    let days = hours.days.iter().zip(WEEKDAYS).filter(|(begins, _)| **begins);
    json!({
        "days": days.map(|(_, name)| name).collect::<Vec<_>>(),
        "from": time(hours.from),
        "to": time(hours.to),
        "utc_offset": offset(hours.utc_offset),
    })
}

fn gpu(settings: &GpuSettings) -> Value {
    let enabled = match settings.watch {
        Watch::Auto => json!("auto"),
        Watch::Always => json!(true),
        Watch::Never => json!(false),
    };
    let mut view = json!({
        "enabled": enabled,
        "processes": settings.processes,
        "retry": human(settings.retry),
    });
    if let Some(file) = &settings.library {
        view["library"] = json!(file);
    }
    view
}

fn gpu_id(id: &GpuId) -> Value {
    match id {
        GpuId::Index(index) => json!(index),
        GpuId::Uuid(uuid) => json!(uuid),
    }
}

fn comparison(comparison: &Comparison) -> Node {
    let (interval, speed) = match &comparison.timing {
        Timing::Drawn(schedule) => (human(schedule.interval), None),
        Timing::Recorded(replay) => (Value::Null, Some(replay.speed())),
    };
    let workloads: Vec<_> = comparison.workloads.iter().map(|w| w.name.as_str()).collect();
    keys([
        ("name", json!(comparison.name)),
        ("baseline", json!(comparison.baseline.name)),
        ("candidate", json!(comparison.candidate.name)),
        ("workloads", json!(workloads)),
        ("interval", interval),
        ("arrivals", json!(speed.map(|_| "recorded"))),
        ("speed", json!(speed)),
        ("order", json!(comparison.order.as_str())),
        ("tolerance", percent(comparison.tolerance.delta())),
        ("failure_margin", percent(comparison.failure_margin)),
        ("slo_margin", percent(comparison.slo_margin)),
        ("false_alarm_every", human(comparison.false_alarm_every)),
        (
            "agreement",
            comparison.answers.map_or(
                Value::Null,
                |rules| json!({"length_ratio": rules.length_ratio, "exact": rules.exact}),
            ),
        ),
    ])
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

fn tls(target: &Target) -> Value {
    let mut view = serde_json::Map::new();
    view.extend(target.tls.ca_file.as_ref().map(|f| ("ca_file".to_owned(), json!(f))));
    view.extend(target.tls.certificate.iter().flat_map(|files| {
        [("cert_file", &files.cert_file), ("key_file", &files.key_file)]
            .map(|(key, file)| (key.to_owned(), json!(file)))
    }));
    view.extend(target.tls.server_name.as_ref().map(|n| ("server_name".to_owned(), json!(n))));
    view.insert("insecure_skip_verify".to_owned(), json!(target.tls.insecure_skip_verify));
    Value::Object(view)
}

fn budget(budget: &Budget) -> Value {
    let mut view = serde_json::Map::new();
    let tokens = [
        ("output_tokens_per_hour", budget.output_tokens_per_hour),
        ("output_tokens_per_day", budget.output_tokens_per_day),
    ];
    view.extend(tokens.into_iter().filter_map(|(key, n)| Some((key.to_owned(), json!(n?)))));
    let dollars = [
        ("dollars_per_hour", budget.dollars_per_hour),
        ("dollars_per_day", budget.dollars_per_day),
    ];
    view.extend(dollars.into_iter().filter_map(|(key, n)| Some((key.to_owned(), json!(n?)))));
    unless_empty(Value::Object(view))
}

fn server_metrics(source: &ServerMetrics) -> Value {
    let mut view = serde_json::Map::new();
    view.insert("url".to_owned(), json!(source.url.as_str()));
    view.extend(source.model.as_ref().map(|m| ("model".to_owned(), json!(m))));
    let labels = Some(&source.labels).filter(|labels| !labels.is_empty());
    view.extend(labels.map(|labels| ("labels".to_owned(), json!(labels))));
    view.insert("timeout".to_owned(), human(source.timeout));
    view.extend(source.auth.as_ref().map(|a| ("auth".to_owned(), auth(a))));
    Value::Object(view)
}
