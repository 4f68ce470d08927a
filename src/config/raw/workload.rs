//! `workloads`.

use std::ops::{Bound, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use serde_yaml::Spanned;

use super::expect::Expect;
use super::parts::Maybe;
use super::target::TIMEOUTS;
use crate::config::keys::range::above;
use crate::text::units::HumanDuration;
use crate::workload::synthetic::{LEAST_TOKENS, MOST_TOKENS};

pub(in crate::config) const DEFAULT_WEIGHT: f64 = 1.0;
pub(in crate::config) const MAX_WEIGHT: f64 = 1e6;
pub(in crate::config) const SAMPLES_KEPT: (Bound<f64>, Bound<f64>) = above(0.0, 1.0);
pub(in crate::config) const DEFAULT_MAX_OUTPUT_TOKENS: u32 = 64;
pub(in crate::config) const OUTPUT_TOKENS: RangeInclusive<u32> = 1..=1_000_000;
pub(in crate::config) const BYTES_PER_SECOND: RangeInclusive<u32> = 1..=1_000_000;
pub(in crate::config) const PROMPT_TOKENS: RangeInclusive<u32> = LEAST_TOKENS..=MOST_TOKENS;
pub(in crate::config) const DEFAULT_LENGTHS: u32 = 200;
pub(in crate::config) const LENGTHS: RangeInclusive<u32> = 1..=10_000;
pub(in crate::config) const TILES: RangeInclusive<u32> = 1..=10_000;
pub(in crate::config) const TURNS: RangeInclusive<u32> = 2..=100;
pub(in crate::config) const DEFAULT_THINK_TIME: Duration = Duration::from_secs(2);
pub(in crate::config) const THINK_TIMES: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(3_600);

keys! {
    struct Workload {
        /// How often it is drawn, relative to the other workloads.
        weight: Maybe<f64> => shown.default(DEFAULT_WEIGHT).range(above(0.0, MAX_WEIGHT)),
        /// Where the prompts come from.
        prompts: Spanned<Prompts> => counted,
        /// What is to be ordered by each prompt, where the API orders documents.
        documents: Maybe<Vec<String>> => counted.otherwise("two sentences"),
        /// A recording to be written down, where the API transcribes: WAV, MP3, M4A, Ogg, FLAC or
        /// `WebM`, at most 25 MiB.
        audio: Maybe<PathBuf> => shown.otherwise("one second of a tone, in which no words are heard"),
        /// The share of captured requests, or of the rows of a data set, to keep, drawn with the seed;
        /// only beside `requests`, `sharegpt`, `mooncake` or `burstgpt` under `prompts`.
        sample: Maybe<f64> => private.otherwise("all of them").range(SAMPLES_KEPT),
        /// What stands in front of each prompt.
        prefix: Option<Prefix> => shown
            .otherwise("`unique`; for captured requests and `mooncake` `shared`"),
        /// Tokens of each prefix; only beside `prefix: {tiles: …}`.
        prefix_tokens: Maybe<u64> => shown
            .otherwise("half of each prompt that is made; else as many as the prompt has itself")
            .range(PROMPT_TOKENS),
        /// The longest answer that is asked for. Of captured requests and of traces no own limit is
        /// higher; their default is 1024.
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
        /// Users who stop reading, or read slowly. Such a probe is counted in
        /// `llm_prober_probes_cancelled_total`: it is no failure and in no SLO.
        cancel: Maybe<Cancel> => inside.otherwise("every answer is read to its end"),
        /// Users who ask again: each arrival begins a conversation, of which every turn is a probe
        /// that holds all turns and answers before it. It ends early where a turn fails or there is
        /// no place for the next one. Comparisons ask the first turn alone.
        conversation: Maybe<Conversation> => inside.otherwise("one question"),
        /// What answers must be like: all of it must hold, else the probe failed.
        expect: Maybe<Expect> => inside.otherwise("any text"),
    }
}

choices! {
    #[allow(clippy::large_enum_variant)] // one of each workload, while a file is read
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
        /// Texts of plain words, made when they are sent, of so many tokens by the target's
        /// `tokenizer`; without one, a word is taken for a token.
        "synthetic" => Synthetic(Synthetic) inside,
        /// ShareGPT's form, a JSON list or one object per line: `{"conversations": [{"from": "human",
        /// "value": …}, {"from": "gpt", …}]}`. A user's first message is the prompt; with
        /// `conversation` the others follow. Of the answers nothing is sent.
        "sharegpt" => Sharegpt(PathBuf) private,
        /// A trace in Mooncake's form, one object per line: `{"timestamp": 0, "input_length": 6755,
        /// "output_length": 500, "hash_ids": [0, 1, 2]}`, with milliseconds and blocks of 512
        /// tokens. Prompts with the same first blocks begin with the same text.
        "mooncake" => Mooncake(PathBuf) private,
        /// A trace in BurstGPT's form: CSV with the columns `Timestamp` (seconds), `Request tokens`
        /// and `Response tokens`.
        "burstgpt" => Burstgpt(PathBuf) private,
    }
}

keys! {
    struct Synthetic {
        /// How long the prompts are, in tokens, with whatever stands in front of them.
        input_tokens: Spanned<InputTokens> => inside,
        /// Lengths and fixed texts follow from this number.
        seed: Option<u64> => shown.otherwise("the file's `seed`, else 0"),
        /// How many lengths there are to draw from.
        count: Maybe<u64> => shown.default(DEFAULT_LENGTHS).range(LENGTHS),
    }
}

keys! {
    optional struct InputTokens {
        /// Half of the prompts are no longer; together with `p90` and `p99`.
        p50: Maybe<u64> => shown.otherwise("by `mean`").range(PROMPT_TOKENS),
        /// Nine tenths are no longer.
        p90: Maybe<u64> => shown.otherwise("by `mean`").range(PROMPT_TOKENS),
        /// All but a hundredth are no longer.
        p99: Maybe<u64> => shown.otherwise("by `mean`").range(PROMPT_TOKENS),
        /// The mean of a normal distribution, instead of the percentiles.
        mean: Maybe<u64> => shown.otherwise("by percentiles").range(PROMPT_TOKENS),
        /// Its standard deviation.
        stddev: Maybe<u64> => shown.default(0_u32).range(0..=MOST_TOKENS),
    }
}

keys! {
    struct Conversation {
        /// Questions of a conversation, at most.
        turns: Spanned<u64> => shown.range(TURNS),
        /// From the end of an answer to the next question.
        think_time: Maybe<HumanDuration> => shown.default(DEFAULT_THINK_TIME).range(THINK_TIMES),
    }
}

choices! {
    enum Cancel {
        /// After so many tokens of answer or reasoning; seen within 20 ms of their arrival.
        "after_output_tokens" => AfterOutputTokens(Spanned<u64>) shown,
        /// So long after the probe began.
        "after" => After(Spanned<HumanDuration>) shown,
        /// Never, but reads so slowly that a long answer waits at the server: on a connection of its own
        /// with a small buffer, to the end or to the time-out. Counted as the others, without latencies.
        "bytes_per_second" => BytesPerSecond(Spanned<u64>) shown,
    }
}

choices! {
    enum Prefix {
        /// a nonce, so that no prefix cache is measured by accident
        "unique" => Unique,
        /// nothing: each prompt is sent as it stands
        "shared" => Shared,
        /// One of so many fixed texts in turn, and behind it what is unique: contexts that a prefix
        /// cache can hold, or not.
        "tiles" => Tiles(Spanned<u64>) shown,
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
