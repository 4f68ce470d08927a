//! The serde mirror of the file, and what is known of each key: nothing is checked here but form.
//!
//! What later checks complain about is [`Spanned`]. No `flatten` and no untagged enums: both lose
//! positions. None of these types is `Debug`: they hold prompts and header values.

mod access;
mod change_detection;
mod comparison;
mod expect;
mod gpu;
mod parts;
mod server_metrics;
mod slo;
mod sweep;
mod target;
mod targets;
mod workload;

use std::path::PathBuf;

use serde_yaml::Spanned;

pub(super) use self::access::{Auth, AuthHeader, Tls};
pub(super) use self::change_detection::{
    ChangeDetection, MARGINS, PERIODS, REFERENCES, SAMPLES, TOLERANCES,
};
pub(super) use self::comparison::*;
pub(super) use self::expect::{DISTINCT_RATIOS, Expect, Part, ToolCall};
pub(super) use self::gpu::{Gpu, RETRIES};
pub(super) use self::parts::{Maybe, Named};
pub(super) use self::server_metrics::{
    DEFAULT_TIMEOUT as DEFAULT_PAGE_TIMEOUT, ServerMetrics, TIMEOUTS as PAGE_TIMEOUTS,
};
pub(super) use self::slo::*;
pub(super) use self::sweep::*;
pub(super) use self::target::*;
use self::targets::Targets;
pub(super) use self::workload::*;

keys! {
    /// The whole file.
    optional struct Raw {
        /// Draws of prompts and arrivals follow from this number.
        seed: Option<u64> => shown.otherwise("a new one at each start"),
        /// What holds for every target. Each of these keys may stand at a target as well, and
        /// overrides what stands here.
        defaults: Defaults => inside,
        /// The prompt mix, by names of your choice: each probe draws a workload by weight, then one
        /// of its prompts.
        workloads: Named<Workload> => inside.otherwise("a small built-in mix, `short` and `context`"),
        /// Service level objectives, by names of your choice. A probe is good when it succeeded and
        /// every bound holds.
        slos: Named<Slo> => inside
            .otherwise("`interactive: {objective: 0.99, ttft: 500ms, itl: 50ms, longest_gap: 1s}`"),
        /// Hugging Face tokenizers, by names of your choice, for servers that do not count tokens.
        tokenizers: Named<Tokenizer> => inside,
        /// The GPUs of this machine, by NVIDIA's library, where there are any.
        gpu: Gpu => inside,
        /// Probes of all targets under way at the same time, at most. Arrivals beyond are skipped, and
        /// counted.
        max_in_flight: Maybe<u64> => shown
            .otherwise("as many as the targets have")
            .range(IN_FLIGHT_IN_ALL),
        /// What the probes of all targets together may use in an hour and in a day of UTC, whatever
        /// budgets of their own they have. Of a target without a `price` they cost no dollars.
        budget: Option<Budget> => inside.otherwise("no limit"),
        /// What is probed: at least one.
        targets: Maybe<Targets> => inside.needed(true),
        /// A candidate beside the stack in use: each round sends one prompt to both, in random
        /// order. These probes come on top of the targets' own, under the same limits and budgets.
        /// `POST /-/comparisons/NAME/start` begins a new run, and so does any change of what is
        /// compared.
        comparisons: Maybe<Vec<Comparison>> => inside.otherwise("none"),
        /// Sweeps that are made again and again, every night say: a target is asked at one level of load
        /// after the other, as by `llm-prober sweep`. Off unless you write one: it loads a server on
        /// purpose. Meanwhile probes of every target at the same host and port are *marked*: they say
        /// whether the target answers and cost what they cost, and are in no other figure. A sweep is
        /// broken off within a second when a request is refused (status 429), when 5 % of a level's
        /// requests fail, and when a first token takes, or has been waited for, ten times as long as the
        /// target's SLOs allow. One at a time at each host and port; the others wait.
        sweeps: Maybe<Vec<Sweep>> => inside.otherwise("none"),
        /// Every target is compared with its own past: a reference is collected, then every probe
        /// is held against it, hour of the day by hour of the day. `POST /-/reference?target=NAME`
        /// begins a new reference, and so does a change of the target's `version`.
        change_detection: ChangeDetection => inside,
    }
}

keys! {
    struct Tokenizer {
        /// A Hugging Face `tokenizer.json`.
        file: Spanned<PathBuf> => shown,
    }
}
