//! llama.cpp's server. The KV cache's usage was dropped when slots came to share one cache; the
//! tokens taken from the prompt cache are counted in newer builds only, and `prompt_tokens` is
//! without them. It counts no requests.

use super::description::Engine;
use crate::server_metrics::sample::Sample;

pub(super) static LLAMA_CPP: Engine = Engine {
    name: "llama_cpp",
    markers: &["llamacpp_"],
    model_label: "model",
    repeated: &[],
    read: |page| {
        let hits = page.sum(&["llamacpp:prompt_tokens_cached_total"]);
        let computed = page.sum(&["llamacpp:prompt_tokens_total"]);
        Sample {
            running: page.sum(&["llamacpp:requests_processing"]),
            waiting: page.sum(&["llamacpp:requests_deferred"]),
            kv_cache_usage: page.ratio(&["llamacpp:kv_cache_usage_ratio"]),
            prefix_cache_queries: hits.zip(computed).map(|(hits, computed)| hits + computed),
            prefix_cache_hits: hits,
            generated_tokens: page.sum(&["llamacpp:tokens_predicted_total"]),
            ..Sample::default()
        }
    },
};
