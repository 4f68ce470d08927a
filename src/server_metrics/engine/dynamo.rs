//! Dynamo: a page of its frontend, or of a worker whose engine reports nothing itself. The
//! frontend's queue is every request without a first token, and part of those in flight.

use super::description::Engine;
use crate::server_metrics::sample::Sample;

pub(super) static DYNAMO: Engine = Engine {
    name: "dynamo",
    markers: &["dynamo_frontend_", "dynamo_component_"],
    model_label: "model",
    repeated: &[],
    read: |page| {
        let in_flight = page.sum(&["dynamo_frontend_inflight_requests"]);
        let queued = page.sum(&["dynamo_frontend_queued_requests"]);
        let running = in_flight.zip(queued).map(|(all, queued)| (all - queued).max(0.0));
        Sample {
            running: running.or_else(|| page.sum(&["dynamo_component_inflight_requests"])),
            waiting: queued,
            kv_cache_usage: page.ratio(&[
                "dynamo_component_gpu_cache_usage_percent",
                "dynamo_component_kvstats_gpu_cache_usage_percent",
            ]),
            prefix_cache_hit_ratio: page.ratio(&[
                "dynamo_component_gpu_prefix_cache_hit_rate",
                "dynamo_component_kvstats_gpu_prefix_cache_hit_rate",
            ]),
            finished: page.counter(&["dynamo_frontend_requests"]),
            generated_tokens: page.counter(&["dynamo_frontend_output_tokens"]),
            ..Sample::default()
        }
    },
};
