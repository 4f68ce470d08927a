//! vLLM. `gpu_` in front of the cache's names is the older form; the first releases of the prefix
//! cache had a gauge of the hit rate, -1 without a cache.

use super::description::Engine;
use crate::server_metrics::sample::Sample;

pub(super) static VLLM: Engine = Engine {
    name: "vllm",
    markers: &["vllm_"],
    model_label: "model_name",
    repeated: &[],
    read: |page| Sample {
        running: page.sum(&["vllm:num_requests_running"]),
        waiting: page.sum(&["vllm:num_requests_waiting"]),
        kv_cache_usage: page.ratio(&["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]),
        prefix_cache_queries: page
            .counter(&["vllm:prefix_cache_queries", "vllm:gpu_prefix_cache_queries"]),
        prefix_cache_hits: page.counter(&["vllm:prefix_cache_hits", "vllm:gpu_prefix_cache_hits"]),
        prefix_cache_hit_ratio: page.ratio(&["vllm:gpu_prefix_cache_hit_rate"]),
        preemptions: page.counter(&["vllm:num_preemptions"]),
        finished: page.counter(&["vllm:request_success"]),
        generated_tokens: page.counter(&["vllm:generation_tokens"]),
        queue_time: page.totals(&["vllm:request_queue_time_seconds"]),
        prefill_time: page.totals(&["vllm:request_prefill_time_seconds"]),
        request_prompt_tokens: page.totals(&["vllm:request_prompt_tokens"]),
        ..Sample::default()
    },
};
