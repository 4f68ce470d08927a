//! Triton, with what the TensorRT-LLM backend adds. Triton itself knows only how many requests wait
//! for a backend; the backend takes them at once and queues them itself, so its own count of
//! waiting requests, where a release has it, comes first.

use super::description::Engine;
use crate::server_metrics::sample::Sample;

pub(super) static TRITON: Engine = Engine {
    name: "triton",
    markers: &["nv_trt_llm_", "nv_inference_"],
    model_label: "model",
    repeated: &[],
    read: |page| Sample {
        running: page.sum_with(&["nv_trt_llm_request_metrics"], ("request_type", "scheduled")),
        waiting: page
            .sum_with(&["nv_trt_llm_request_metrics"], ("request_type", "waiting"))
            .or_else(|| page.sum(&["nv_inference_pending_request_count"])),
        kv_cache_usage: page
            .ratio_with(&["nv_trt_llm_kv_cache_block_metrics"], ("kv_cache_block_type", "fraction"))
            .or_else(|| {
                let blocks = |kind| {
                    let label = ("kv_cache_block_type", kind);
                    page.sum_with(&["nv_trt_llm_kv_cache_block_metrics"], label)
                };
                let most = blocks("max").filter(|most| *most > 0.0)?;
                Some(blocks("used")? / most).filter(|share| *share <= 1.0)
            }),
        finished: page.sum(&["nv_inference_request_success"]),
        ..Sample::default()
    },
};
