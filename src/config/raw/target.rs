//! `targets`, and the keys that stand in `defaults` and at a target alike.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_yaml::Spanned;

use super::access::{Auth, Tls};
use super::parts::{Maybe, Named};
use super::server_metrics::ServerMetrics;
use crate::config::gpu_words::GpuName;
use crate::config::keys::range::above;
use crate::config::quantity::{HumanCount, HumanSize};
use crate::dialect;
use crate::text::units::HumanDuration;
use crate::workload::synthetic::MOST_TOKENS;

pub(in crate::config) const DEFAULT_API: &str = "openai-chat";
pub(in crate::config) const DEFAULT_STREAM: bool = true;
pub(in crate::config) const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);
/// Beyond a week a draw from the distribution of gaps could overflow.
pub(in crate::config) const INTERVALS: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(7 * 86_400);
/// Outside, the distribution is all zeros and overflows, or constant.
pub(in crate::config) const SHAPES: RangeInclusive<f64> = 0.01..=1_000.0;
pub(in crate::config) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
pub(in crate::config) const DEFAULT_STALL_TIMEOUT: Duration = Duration::from_secs(20);
pub(in crate::config) const TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(86_400);
pub(in crate::config) const DEFAULT_TAIL_TIMEOUT: Duration = Duration::from_secs(2);
/// An answer is looked at every tenth of a second at most.
pub(in crate::config) const TAIL_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60);
pub(in crate::config) const DEFAULT_RESOLVE_EVERY: Duration = Duration::from_secs(30);
pub(in crate::config) const RESOLVE_INTERVALS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3_600);
pub(in crate::config) const DEFAULT_MAX_IN_FLIGHT: usize = 4;
pub(in crate::config) const IN_FLIGHT: RangeInclusive<usize> = 1..=10_000;
pub(in crate::config) const IN_FLIGHT_IN_ALL: RangeInclusive<usize> = 1..=1_000_000;
pub(in crate::config) const DEFAULT_MAX_BODY: HumanSize = HumanSize(8 << 20);
pub(in crate::config) const BODY_SIZES: RangeInclusive<HumanSize> =
    HumanSize(1 << 10)..=HumanSize(1 << 30);
pub(in crate::config) const MAX_DOLLARS: f64 = 1e9;
pub(in crate::config) const DEFAULT_SPEED: f64 = 1.0;
pub(in crate::config) const SPEEDS: RangeInclusive<f64> = 0.01..=100.0;
pub(in crate::config) const WARM_UPS: RangeInclusive<u32> = 0..=1_000;
pub(in crate::config) const COLD_AFTER: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);
pub(in crate::config) const DEFAULT_CHECK_EVERY: Duration = Duration::from_secs(600);
pub(in crate::config) const CHECK_EVERY: RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_secs(86_400);
pub(in crate::config) const DEFAULT_CHECK_TOKENS: u32 = 1_024;
pub(in crate::config) const CHECK_TOKENS: RangeInclusive<u32> = 64..=MOST_TOKENS;

/// Adds the keys that stand in `defaults` and at a target alike.
macro_rules! with_settings {
    ($(#[$meta:meta])* $($words:ident)+ { $($own:tt)* }) => {
        keys! {
            $(#[$meta])*
            $($words)+ {
                $($own)*
                /// The API that the server speaks.
                api: Maybe<String> => shown
                    .among(dialect::names())
                    .default(DEFAULT_API),
                /// Ask for a streamed answer. Without it there is no time to first token.
                stream: Option<bool> => shown.default(DEFAULT_STREAM),
                /// Which counts of tokens are asked for.
                usage: Option<Usage> => shown.default("auto"),
                /// The mean time between two probes of a target.
                interval: Maybe<HumanDuration> => shown.default(DEFAULT_INTERVAL).range(INTERVALS),
                /// How the times between probes are spread.
                arrival: Maybe<Arrival> => shown.default("poisson"),
                /// The times of the week in which a target is probed; arrivals outside of all of them
                /// are skipped, and counted.
                active_hours: Maybe<Vec<ActiveHours>> => inside.otherwise("always"),
                /// So many probes at each start of probing, after a change of the target too, count
                /// nowhere but in the cost.
                warm_up: Maybe<u64> => shown.default(0_u32).range(WARM_UPS),
                /// After so long without a probe a target may have gone cold, as where servers scale
                /// to zero. The next probe is then in figures of its own,
                /// `llm_prober_cold_time_to_first_token_seconds` and its like, and in no others.
                cold_after: Maybe<HumanDuration> => shown
                    .otherwise("no probe is taken for cold")
                    .range(COLD_AFTER),
                /// Whether the server's prefix cache works: now and then the same prompt twice. Such
                /// probes are in figures of their own, `llm_prober_prefix_cache_working` and its
                /// like, and in the cost.
                prefix_cache_check: Maybe<PrefixCacheCheck> => inside.otherwise("not looked at"),
                /// The longest that the whole request may take, connection set-up included.
                timeout: Maybe<HumanDuration> => shown.default(DEFAULT_TIMEOUT).range(TIMEOUTS),
                /// The longest until the first token of a streamed answer, from the start of the
                /// probe; at most `timeout`.
                first_token_timeout: Maybe<HumanDuration> => shown
                    .otherwise("only `timeout` holds")
                    .range(TIMEOUTS),
                /// The longest time without progress after the first token, at most `timeout`.
                /// Pings, comments and empty events are no progress. It does not hold for requests
                /// with tools, nor while the server thinks without showing it, unless the workload
                /// has a `stall_timeout` of its own. A shorter `timeout` lowers the default.
                stall_timeout: Maybe<HumanDuration> => shown
                    .default(DEFAULT_STALL_TIMEOUT)
                    .range(TIMEOUTS),
                /// How long usage or an end marker is waited for after the answer has finished.
                tail_timeout: Maybe<HumanDuration> => shown
                    .default(DEFAULT_TAIL_TIMEOUT)
                    .range(TAIL_TIMEOUTS),
                /// How often the server's name is looked up anew, beside the probes.
                resolve_every: Maybe<HumanDuration> => shown
                    .default(DEFAULT_RESOLVE_EVERY)
                    .range(RESOLVE_INTERVALS),
                /// Which of the server's addresses are probed.
                addresses: Option<Addresses> => shown.default("first"),
                /// Whether probes share connections.
                connection: Option<Connection> => shown.default("reuse"),
                /// Probes under way at the same time, at most. Arrivals beyond are skipped, and
                /// counted.
                max_in_flight: Maybe<u64> => shown
                    .default(DEFAULT_MAX_IN_FLIGHT)
                    .range(IN_FLIGHT),
                /// Of those the ones that wait for their first token, at most.
                max_in_prefill: Maybe<u64> => shown
                    .otherwise("all of them may")
                    .range(IN_FLIGHT),
                /// A larger answer is a failure.
                max_body_size: Maybe<HumanSize> => shown
                    .default(DEFAULT_MAX_BODY)
                    .range(BODY_SIZES),
                /// The name of one of `tokenizers`: it counts tokens where the server sends no
                /// usage.
                tokenizer: Maybe<String> => shown.otherwise("none"),
                /// The names of the workloads that the target is probed with.
                workloads: Maybe<Vec<Spanned<String>>> => shown.otherwise("all of the file"),
                /// The names of the SLOs that the target is held to; `[]` for none.
                slos: Maybe<Vec<Spanned<String>>> => shown.otherwise("all of the file"),
            }
        }
    };
}

with_settings! {
    optional struct Defaults {}
}

with_settings! {
    struct Target {
        /// A unique name, the label `target` of every series.
        name: Spanned<String> => shown,
        /// The base URL, such as `http://host:8000/v1`. The path of the API is added; a query, such
        /// as `?api-version=2024-10-21`, is kept.
        url: Spanned<String> => address,
        /// The model to ask for.
        model: Maybe<String> => shown.otherwise("the first of the server's model list"),
        /// Credentials. Secrets come from files or environment variables, are read anew when they
        /// are needed and are never shown.
        auth: Maybe<Auth> => inside.otherwise("none"),
        /// Further request headers. No secrets here: they belong under `auth`.
        headers: Option<Named<Spanned<String>>> => masked.otherwise("none"),
        /// Keys that are merged into every request, such as `{temperature: 0}`; `null` removes a
        /// key.
        extra_body: Option<serde_json::Map<String, serde_json::Value>> => settings.otherwise("none"),
        /// How the server's certificate is verified.
        tls: Maybe<Tls> => inside,
        /// Labels of every series of the target.
        labels: Option<Named<Spanned<String>>> => shown.otherwise("none"),
        /// Labels of `llm_prober_target_info` alone: what is being served. A change of them begins a
        /// new reference for change detection.
        version: Option<Named<Spanned<String>>> => shown.otherwise("none"),
        /// What tokens cost, in dollars.
        price: Option<Price> => inside.otherwise("unknown"),
        /// What probes may use in an hour and in a day of UTC. Probes beyond are skipped, and counted.
        budget: Option<Budget> => inside.otherwise("no limit"),
        /// The inference server's own metrics page (vLLM, SGLang, TGI, llama.cpp, Triton,
        /// trtllm-serve, Dynamo), looked at right before and after each probe: load and KV cache at
        /// send, time to first token by load. Its `url` alone will do.
        server_metrics: Maybe<ServerMetrics> => address.otherwise("not looked at"),
        /// The GPUs of this machine that the target runs on, by index or UUID. Gives the energy per
        /// token of probes that run there alone.
        gpus: Maybe<Vec<Spanned<GpuName>>> => shown.otherwise("none known"),
        /// Nobody else uses the target or its GPUs.
        gpus_exclusive: Maybe<bool> => shown.default(false),
    }
}

choices! {
    enum Arrival {
        /// always the same
        "constant" => Constant,
        /// as from many independent users
        "poisson" => Poisson,
        /// Gaps of a gamma distribution.
        "gamma" => Gamma(Gamma) inside,
        /// When the requests arrived that the workloads hold (`requests`, `mooncake` or
        /// `burstgpt`), in their order, again and again. `interval` does not count then.
        "recorded" => Recorded(Recorded) inside,
    }
}

keys! {
    optional struct Recorded {
        /// So many times as fast as recorded.
        speed: Maybe<f64> => shown.default(DEFAULT_SPEED).range(SPEEDS),
    }
}

keys! {
    optional struct ActiveHours {
        /// The days on which they begin.
        days: Option<Vec<Weekday>> => shown.otherwise("every day"),
        /// When they begin.
        from: Maybe<String> => shown.default("00:00"),
        /// When they end; not after `from` means on the next day.
        to: Maybe<String> => shown.default("00:00"),
        /// What the clocks there say while it is midnight in UTC, such as `+02:00`.
        utc_offset: Maybe<String> => shown.default("+00:00"),
    }
}

pub(in crate::config) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

choices! {
    #[derive(Clone, Copy)]
    enum Weekday {
        /// Monday
        "mon" => Mon,
        /// Tuesday
        "tue" => Tue,
        /// Wednesday
        "wed" => Wed,
        /// Thursday
        "thu" => Thu,
        /// Friday
        "fri" => Fri,
        /// Saturday
        "sat" => Sat,
        /// Sunday
        "sun" => Sun,
    }
}

keys! {
    optional struct PrefixCacheCheck {
        /// From one look to the next.
        every: Maybe<HumanDuration> => shown.default(DEFAULT_CHECK_EVERY).range(CHECK_EVERY),
        /// Tokens of the prompt, by the target's `tokenizer`, else about so many.
        input_tokens: Maybe<u64> => shown.default(DEFAULT_CHECK_TOKENS).range(CHECK_TOKENS),
    }
}

keys! {
    struct Gamma {
        /// Below 1 the arrivals are burstier than `poisson`, above 1 more even.
        shape: Spanned<f64> => shown.range(SHAPES),
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum Usage {
        /// once, at the end; not where the server refuses the question
        "auto" => Auto,
        /// once, at the end
        "final" => Final,
        /// with every event, so that ITL is exact where one holds several tokens; once at the end
        /// where the server refuses it
        "continuous" => Continuous,
        /// none
        "none" => None,
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum Connection {
        /// a connection is used again
        "reuse" => Reuse,
        /// a new connection for every probe
        "fresh" => Fresh,
    }
}

choices! {
    #[derive(Clone, Copy)]
    enum Addresses {
        /// the address that answers first, as usual clients do
        "first" => First,
        /// every address in turn, with `llm_prober_address_success{address}`; a probe that misses an
        /// SLO at one address counts against it only if the last probe at every other address missed
        /// it, too
        "each" => Each,
    }
}

keys! {
    struct Price {
        /// Dollars for a million input tokens.
        input_per_million: Spanned<f64> => shown.range(0.0..=MAX_DOLLARS),
        /// Dollars for a million output tokens.
        output_per_million: Spanned<f64> => shown.range(0.0..=MAX_DOLLARS),
    }
}

keys! {
    struct Budget {
        /// Output tokens of all probes in an hour.
        output_tokens_per_hour: Maybe<HumanCount> => shown
            .otherwise("no limit")
            .range(HumanCount(1)..),
        /// Output tokens of all probes in a day.
        output_tokens_per_day: Maybe<HumanCount> => shown
            .otherwise("no limit")
            .range(HumanCount(1)..),
        /// Dollars of all probes in an hour; needs a `price`.
        dollars_per_hour: Maybe<f64> => shown.otherwise("no limit").range(above(0.0, MAX_DOLLARS)),
        /// Dollars of all probes in a day; needs a `price`.
        dollars_per_day: Maybe<f64> => shown.otherwise("no limit").range(above(0.0, MAX_DOLLARS)),
    }
}
