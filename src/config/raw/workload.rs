//! `workloads`.

use std::ops::{Bound, RangeInclusive};
use std::path::PathBuf;

use serde_yaml::Spanned;

use super::expect::Expect;
use super::parts::Maybe;
use super::target::TIMEOUTS;
use crate::config::keys::range::above;
use crate::text::units::HumanDuration;

pub(in crate::config) const DEFAULT_WEIGHT: f64 = 1.0;
pub(in crate::config) const MAX_WEIGHT: f64 = 1e6;
pub(in crate::config) const SAMPLES_KEPT: (Bound<f64>, Bound<f64>) = above(0.0, 1.0);
pub(in crate::config) const DEFAULT_MAX_OUTPUT_TOKENS: u32 = 64;
pub(in crate::config) const OUTPUT_TOKENS: RangeInclusive<u32> = 1..=1_000_000;

keys! {
    struct Workload {
        /// How often it is drawn, relative to the other workloads.
        weight: Maybe<f64> => shown.default(DEFAULT_WEIGHT).range(above(0.0, MAX_WEIGHT)),
        /// Where the prompts come from.
        prompts: Spanned<Prompts> => counted,
        /// The share of captured requests to keep, drawn with the seed; only beside
        /// `prompts: {requests: …}`.
        sample: Maybe<f64> => private.otherwise("all of them").range(SAMPLES_KEPT),
        /// What stands in front of each prompt.
        prefix: Option<Prefix> => shown.otherwise("`unique`; for captured requests `shared`"),
        /// The longest answer that is asked for. Of captured requests no own limit is higher; their
        /// default is 1024.
        max_output_tokens: Maybe<u64> => shown
            .default(DEFAULT_MAX_OUTPUT_TOKENS)
            .range(OUTPUT_TOKENS),
        /// What that limit is called in a request.
        limit_key: Option<LimitKey> => shown.default("auto"),
        /// Keys that are merged into the request after the target's, such as
        /// `{reasoning_effort: low}`.
        extra_body: Maybe<serde_json::Map<String, serde_json::Value>> => settings.otherwise("none"),
        /// The longest time without progress, instead of the targets' own, and always.
        stall_timeout: Maybe<HumanDuration> => shown.otherwise("the target's own").range(TIMEOUTS),
        /// What answers must be like: all of it must hold, else the probe failed.
        expect: Maybe<Expect> => inside.otherwise("any text"),
    }
}

choices! {
    enum Prompts {
        /// The prompts themselves, a list of texts.
        "inline" => Inline(Vec<String>) private,
        /// A file with one prompt per line: text or JSON.
        "file" => File(PathBuf) shown,
        /// Requests of real users from a gateway's log, one JSON object per line:
        /// `{"timestamp": …, "body": {…}}` with an OpenAI request as the body, or bare bodies. Each
        /// goes out with its own messages and parameters, but the target's model and streaming. Keys
        /// that tell who asked (`user`, `metadata`, `prompt_cache_key`, names of participants and
        /// the like), `n`, `best_of` and `store` are left out.
        "requests" => Requests(PathBuf) private,
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum Prefix {
        /// a nonce, so that no prefix cache is measured by accident
        "unique" => Unique,
        /// nothing: each prompt is sent as it stands
        "shared" => Shared,
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum LimitKey {
        /// `max_tokens`, until a refusal asks for `max_completion_tokens`
        "auto" => Auto,
        /// always so
        "max_tokens" => MaxTokens,
        /// always so
        "max_completion_tokens" => MaxCompletionTokens,
    }
}
