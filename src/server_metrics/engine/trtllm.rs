//! `trtllm-serve`, TensorRT-LLM's own server.

use super::description::Engine;
use crate::server_metrics::sample::Sample;

pub(super) static TRTLLM: Engine = Engine {
    name: "trtllm",
    markers: &["trtllm_"],
    model_label: "model_name",
    repeated: &[],
    read: |page| Sample {
        running: page.sum(&["trtllm_num_requests_running"]),
        waiting: page.sum(&["trtllm_num_requests_waiting"]),
        kv_cache_usage: page.ratio(&["trtllm_kv_cache_utilization"]),
        prefix_cache_hit_ratio: page.ratio(&["trtllm_kv_cache_hit_rate"]),
        finished: page.counter(&["trtllm_request_success"]),
        generated_tokens: page.counter(&["trtllm_generation_tokens"]),
        queue_time: page.totals(&["trtllm_request_queue_time_seconds"]),
        prefill_time: page.totals(&["trtllm_request_prefill_time_seconds"]),
        ..Sample::default()
    },
};
