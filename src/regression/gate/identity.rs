//! Under which conditions a profile was taken. Figures taken under other conditions say nothing
//! about a release, so profiles that differ here are not compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, sha256};
use super::mix::{self, Asked};
use crate::answer::deadline::Deadline;
use crate::answer::slo::Slo;
use crate::target::{ConnectionMode, Target};
use crate::workload::Workload;

/// The conditions. What a release may change (serving image, other `version` labels, URL, price,
/// prober version) is in [`super::profile::Taken`] instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The wire protocol.
    pub api: String,
    /// The model that was asked for; absent when none was found.
    pub model: Option<String>,
    /// The target's `version` label of this name.
    pub model_version: Option<String>,
    /// The target's `version` label of this name.
    pub hardware: Option<String>,
    /// Whether answers were streamed.
    pub stream: bool,
    /// `reuse` or `fresh`.
    pub connection: String,
    /// Probes under way at a time.
    pub concurrency: u32,
    /// Fingerprint of `extra_body`, where there is one.
    pub extra_body_sha256: Option<String>,
    /// The target's tokenizer.
    pub tokenizer: Option<TokenizerFile>,
    /// Who counted the output tokens of most answers.
    pub token_source: Option<String>,
    /// Whose clock stamped most answers.
    pub clock: Option<String>,
    /// What was asked.
    pub mix: Vec<Asked>,
    /// What decided whether a response was good.
    pub slos: Vec<Bounds>,
}

/// A tokenizer file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerFile {
    /// The name in the configuration.
    pub name: String,
    /// Of the file, as `sha256sum` prints it.
    pub sha256: String,
}

impl TokenizerFile {
    /// A tokenizer whose file has these bytes.
    #[must_use]
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), sha256: sha256(bytes) }
    }
}

/// The bounds of one SLO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Its name.
    pub name: String,
    /// Seconds, tokens per second or a share, by objective.
    pub objectives: BTreeMap<String, f64>,
    /// The workloads it covers; absent for all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub workloads: Option<Vec<String>>,
}

impl Bounds {
    fn of(slo: &Slo) -> Self {
        let mut objectives = BTreeMap::new();
        for objective in &slo.objectives {
            let kind = objective.kind.as_str();
            objectives.insert(kind.to_owned(), objective.threshold);
            if let Some(Deadline { ttft, per_token }) = objective.deadline {
                objectives.insert(format!("{kind}.ttft"), ttft.as_secs_f64());
                objectives.insert(format!("{kind}.per_token"), per_token.as_secs_f64());
            }
        }
        Self { name: slo.name.clone(), objectives, workloads: slo.workloads.clone() }
    }
}

impl Identity {
    /// What is known of `target` before it is probed with `workloads`.
    #[must_use]
    pub fn of(
        target: &Target,
        workloads: &[Arc<Workload>],
        concurrency: u32,
        tokenizer: Option<TokenizerFile>,
    ) -> Self {
        let version = |key: &str| target.version.get(key).cloned();
        let mut slos: Vec<_> = target.slos.iter().map(|slo| Bounds::of(slo)).collect();
        slos.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            api: target.dialect.name().to_owned(),
            model: target.model.clone(),
            model_version: version("model_version"),
            hardware: version("hardware"),
            stream: target.stream,
            connection: match target.connection {
                ConnectionMode::Reuse => "reuse",
                ConnectionMode::Fresh => "fresh",
            }
            .to_owned(),
            concurrency,
            extra_body_sha256: extra_body(target),
            tokenizer,
            token_source: None,
            clock: None,
            mix: mix::of(workloads),
            slos,
        }
    }
}

fn extra_body(target: &Target) -> Option<String> {
    let mut digest = Digest::new();
    for (key, value) in &target.extra_body {
        digest.add(key);
        digest.add(value.to_string());
    }
    (!target.extra_body.is_empty()).then(|| digest.finish())
}

/// One condition.
pub struct Condition {
    /// As `--allow-different` names it.
    pub name: &'static str,
    /// What differs, for people; empty where nothing does.
    differences: fn(&Identity, &Identity) -> Vec<String>,
}

/// Two texts side by side where they differ.
fn apart(a: Option<&str>, b: Option<&str>) -> Vec<String> {
    let shown = |text: Option<&str>| text.unwrap_or("not stated").to_owned();
    if a == b { Vec::new() } else { vec![format!("{} / {}", shown(a), shown(b))] }
}

fn fingerprints(a: Option<&String>, b: Option<&String>) -> Vec<String> {
    let shown = |sha256: Option<&String>| {
        sha256.map_or_else(|| "none".to_owned(), |s| format!("SHA-256 {s:.8}…"))
    };
    if a == b { Vec::new() } else { vec![format!("{} / {}", shown(a), shown(b))] }
}

/// The same, where one of two may not have been observed.
fn observed(a: Option<&str>, b: Option<&str>) -> Vec<String> {
    if a.is_some() && b.is_some() { apart(a, b) } else { Vec::new() }
}

/// Every condition. The registration line of a new one goes here.
pub static CONDITIONS: [Condition; 13] = [
    Condition { name: "api", differences: |a, b| apart(Some(&a.api), Some(&b.api)) },
    Condition {
        name: "model",
        differences: |a, b| observed(a.model.as_deref(), b.model.as_deref()),
    },
    Condition {
        name: "model_version",
        differences: |a, b| apart(a.model_version.as_deref(), b.model_version.as_deref()),
    },
    Condition {
        name: "hardware",
        differences: |a, b| apart(a.hardware.as_deref(), b.hardware.as_deref()),
    },
    Condition {
        name: "stream",
        differences: |a, b| apart(Some(&a.stream.to_string()), Some(&b.stream.to_string())),
    },
    Condition {
        name: "connection",
        differences: |a, b| apart(Some(&a.connection), Some(&b.connection)),
    },
    Condition {
        name: "concurrency",
        differences: |a, b| {
            apart(Some(&a.concurrency.to_string()), Some(&b.concurrency.to_string()))
        },
    },
    Condition {
        name: "extra_body",
        differences: |a, b| {
            fingerprints(a.extra_body_sha256.as_ref(), b.extra_body_sha256.as_ref())
        },
    },
    Condition {
        name: "tokenizer",
        differences: |a, b| {
            let sha256 = |i: &Identity| i.tokenizer.as_ref().map(|t| t.sha256.clone());
            fingerprints(sha256(a).as_ref(), sha256(b).as_ref())
        },
    },
    Condition {
        name: "token_source",
        differences: |a, b| observed(a.token_source.as_deref(), b.token_source.as_deref()),
    },
    Condition {
        name: "clock",
        differences: |a, b| observed(a.clock.as_deref(), b.clock.as_deref()),
    },
    Condition { name: "mix", differences: |a, b| mix::differences(&a.mix, &b.mix) },
    Condition { name: "slos", differences: |a, b| slo_differences(&a.slos, &b.slos) },
];

fn slo_differences(a: &[Bounds], b: &[Bounds]) -> Vec<String> {
    let names =
        |slos: &[Bounds]| slos.iter().map(|s| s.name.clone()).collect::<Vec<_>>().join(", ");
    if names(a) != names(b) {
        return vec![format!("{} / {}", names(a), names(b))];
    }
    let differing = a.iter().zip(b).filter(|(a, b)| a != b);
    differing.map(|(a, _)| format!("the bounds of {} differ", a.name)).collect()
}

/// One thing in which two profiles are unlike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The condition's name.
    pub condition: &'static str,
    /// What differs: baseline / candidate.
    pub what: String,
}

/// In what two profiles are unlike.
#[must_use]
pub fn differences(baseline: &Identity, candidate: &Identity) -> Vec<Difference> {
    let of = |condition: &Condition| {
        let name = condition.name;
        let found = (condition.differences)(baseline, candidate).into_iter();
        found.map(move |what| Difference { condition: name, what }).collect::<Vec<_>>()
    };
    CONDITIONS.iter().flat_map(of).collect()
}
