//! The figures of a profile, and how each is held to a limit.

use strum::IntoStaticStr;

use super::estimate::{Estimate, Quantile, rate, ratio};
use super::samples::Samples;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Output tokens per second.
    TokensPerSecond,
    /// A share, 0 to 1.
    Ratio,
    /// Dollars.
    Dollars,
}

impl Unit {
    /// As JSON names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a limit means for a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The candidate may be higher than the baseline by the limit, as a share.
    Higher,
    /// The candidate may be lower than the baseline by the limit, as a share.
    Lower,
    /// The candidate itself may be as high as the limit.
    Absolute,
}

/// One figure.
#[derive(Debug)]
pub struct Figure {
    /// The key in a profile, in JSON and of `--limit`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What a limit means.
    pub rule: Rule,
    /// The limit where the user sets none; `None` is not held to any.
    pub limit: Option<f64>,
    /// Below this many probes there cannot be such a figure.
    pub needs: u64,
    pub(super) of: fn(&Samples) -> Option<Estimate>,
}

const P50: Quantile = Quantile(50);
const P95: Quantile = Quantile(95);
const P99: Quantile = Quantile(99);

/// A quantile of a duration, without a limit.
macro_rules! quantile {
    ($name:literal, $title:literal, $quantile:ident, $samples:ident) => {
        Figure {
            name: $name,
            title: $title,
            unit: Unit::Seconds,
            rule: Rule::Higher,
            limit: None,
            needs: $quantile.needs(),
            of: |s| $quantile.of(&s.$samples),
        }
    };
}

/// Every figure, in the order of the table. The registration line of a new one goes here.
pub static FIGURES: [Figure; 13] = [
    quantile!("ttft_p50", "time to first token, p50", P50, ttft),
    Figure { limit: Some(0.15), ..quantile!("ttft_p95", "time to first token, p95", P95, ttft) },
    quantile!("ttft_p99", "time to first token, p99", P99, ttft),
    quantile!("itl_p50", "inter-token latency, p50", P50, itl),
    quantile!("itl_p95", "inter-token latency, p95", P95, itl),
    quantile!("itl_p99", "inter-token latency, p99", P99, itl),
    quantile!("request_latency_p50", "request latency, p50", P50, request_latency),
    quantile!("request_latency_p95", "request latency, p95", P95, request_latency),
    quantile!("request_latency_p99", "request latency, p99", P99, request_latency),
    Figure {
        name: "output_tokens_per_second",
        title: "output tokens per second",
        unit: Unit::TokensPerSecond,
        rule: Rule::Lower,
        limit: Some(0.10),
        needs: P50.needs(),
        of: |s| ratio(&s.speed),
    },
    Figure {
        name: "stream_errors",
        title: "stream errors",
        unit: Unit::Ratio,
        rule: Rule::Absolute,
        limit: Some(0.005),
        needs: 1,
        of: |s| rate(s.counts.stream_errors, s.counts.probes),
    },
    Figure {
        name: "errors",
        title: "all errors",
        unit: Unit::Ratio,
        rule: Rule::Absolute,
        limit: Some(0.005),
        needs: 1,
        of: |s| rate(s.counts.probes - s.counts.succeeded, s.counts.probes),
    },
    Figure {
        name: "cost_per_thousand_good",
        title: "cost of 1000 good responses",
        unit: Unit::Dollars,
        rule: Rule::Higher,
        limit: None,
        needs: P50.needs(),
        of: |s| ratio(&s.cost),
    },
];

/// A figure by its name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|f| f.name == name)
}
