//! `slos`.

use std::ops::{Bound, RangeInclusive};
use std::time::Duration;

use serde_yaml::Spanned;

use super::parts::Maybe;
use crate::config::keys::range::{above, between};
use crate::text::units::HumanDuration;

pub(in crate::config) const DEFAULT_WINDOW: Duration = Duration::from_secs(30 * 86_400);
/// Below a day it can only be a rehearsal of the alerts (`llm-prober rules`).
pub(in crate::config) const WINDOWS: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(366 * 86_400);
/// Seconds (more than eleven days), or tokens per second.
pub(in crate::config) const MAX_THRESHOLD: f64 = 1e6;

const THRESHOLDS: (Bound<Duration>, Bound<Duration>) =
    above(Duration::ZERO, Duration::from_secs(1_000_000));

keys! {
    struct Slo {
        /// Bounds that others use, each of which a key here overrides.
        preset: Option<Preset> => shown.otherwise("none"),
        /// The share of good probes, such as 0.99. Above 0.9306: below, a burn-rate alert at 14.4
        /// could never fire. Only a `preset` has one of its own.
        objective: Maybe<f64> => shown
            .otherwise("the preset's; without a preset the key is needed")
            .range(between(0.9306, 1.0)),
        /// The time that the objective is for; `llm-prober rules` writes alerts that fit it.
        window: Maybe<HumanDuration> => shown.default(DEFAULT_WINDOW).range(WINDOWS),
        /// Time to first token, at most.
        ttft: Maybe<HumanDuration> => shown.otherwise("no bound").range(THRESHOLDS),
        /// Inter-token latency, at most.
        itl: Maybe<HumanDuration> => shown.otherwise("no bound").range(THRESHOLDS),
        /// The whole request, at most.
        request_latency: Maybe<HumanDuration> => shown.otherwise("no bound").range(THRESHOLDS),
        /// The longest silence between two tokens, at most.
        longest_gap: Maybe<HumanDuration> => shown.otherwise("no bound").range(THRESHOLDS),
        /// Output speed for one user, at least.
        tokens_per_second: Maybe<f64> => shown
            .otherwise("no bound")
            .range(above(0.0, MAX_THRESHOLD)),
        /// When each token is due. Good is an answer of which nine tenths of the tokens are in time:
        /// what comes early is read later, a late token shifts the deadlines after it, and is missed
        /// once for each `per_token` that it is late, and once more.
        deadline: Maybe<Deadline> => inside.otherwise("no bound"),
        /// The names of the workloads that it covers.
        workloads: Maybe<Vec<Spanned<String>>> => shown.otherwise("all"),
    }
}

keys! {
    struct Deadline {
        /// The first token, after the request was sent.
        ttft: Spanned<HumanDuration> => shown.range(THRESHOLDS),
        /// Each further token, after the one before.
        per_token: Spanned<HumanDuration> => shown.range(THRESHOLDS),
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum Preset {
        /// MLPerf Inference, Llama 2 70B interactive: `{objective: 0.99, ttft: 450ms, itl: 40ms}`
        "mlperf-interactive" => MlperfInteractive,
        /// MLPerf Inference, Llama 2 70B server: `{objective: 0.99, ttft: 2s, itl: 200ms}`
        "mlperf-server" => MlperfServer,
        /// a person who reads along: `{objective: 0.99, ttft: 500ms, itl: 50ms, longest_gap: 1s}`
        "chat" => Chat,
        /// a suggestion while somebody types: `{objective: 0.95, ttft: 200ms, request_latency: 1s}`
        "code-completion" => CodeCompletion,
        /// nobody waits for each token: `{objective: 0.95, request_latency: 30s}`
        "batch" => Batch,
    }
}
