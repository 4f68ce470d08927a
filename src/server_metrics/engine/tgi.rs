//! Text Generation Inference. It tells nothing about its KV cache.

use super::description::Engine;
use crate::server_metrics::sample::Sample;

pub(super) static TGI: Engine = Engine {
    name: "tgi",
    markers: &["tgi_"],
    model_label: "model",
    repeated: &[],
    read: |page| Sample {
        running: page.sum(&["tgi_batch_current_size"]),
        waiting: page.sum(&["tgi_queue_size"]),
        finished: page.counter(&["tgi_request_success"]),
        generated_tokens: page.sum(&["tgi_request_generated_tokens_sum"]),
        queue_time: page.totals(&["tgi_request_queue_duration"]),
        request_prompt_tokens: page.totals(&["tgi_request_input_length"]),
        ..Sample::default()
    },
};
