//! SGLang. Its gauge `num_retracted_reqs` is of the last batch only, so just the counter is read.
//! Every rank of a tensor-parallel server may report; they say the same, and the first counts. With
//! data-parallel attention a rank has requests of its own, and a `dp_rank` that tells.

use super::description::Engine;
use crate::server_metrics::sample::Sample;

pub(super) static SGLANG: Engine = Engine {
    name: "sglang",
    markers: &["sglang_"],
    model_label: "model_name",
    repeated: &["tp_rank", "pp_rank", "moe_ep_rank"],
    read: |page| Sample {
        running: page.sum(&["sglang:num_running_reqs"]),
        waiting: page.sum(&["sglang:num_queue_reqs"]),
        kv_cache_usage: page.ratio(&["sglang:token_usage"]),
        prefix_cache_hit_ratio: page.ratio(&["sglang:cache_hit_rate"]),
        preemptions: page.counter(&["sglang:num_retracted_requests"]),
        finished: page.counter(&["sglang:num_requests"]),
        generated_tokens: page.counter(&["sglang:generation_tokens"]),
        queue_time: page.totals(&["sglang:queue_time_seconds"]),
        ..Sample::default()
    },
};
