//! The figures of one request. Content is answer text, reasoning text or a tool call that is not
//! empty; a role-only chunk, an empty delta, usage and end markers are not content.

use std::fmt;

use super::family::{Family, histogram};
use crate::metrics::histogram::Histogram;
use crate::metrics::samples::SampleWriter;
use crate::metrics::secondary::Secondary;
use crate::metrics::workload::WorkloadMetrics;

/// What people look at first: always per workload, and with exemplars but for the last.
pub(in crate::metrics) static PRIMARY: &[Family<WorkloadMetrics>] = &[
    histogram(
        "time_to_first_token_seconds",
        &[],
        "From the first byte of the request handed to the kernel until the first event with \
         generated content (not empty) was received. Connection set-up and the prober's own \
         scheduling are not in it. Streamed answers only; probes that failed after their first \
         content count.",
        |w, s| if w.streamed { s.histogram(&[], &w.time_to_first_token) } else { Ok(()) },
    ),
    histogram(
        "inter_token_latency_seconds",
        &[],
        "Time between first and last content, divided by the output tokens after those of the \
         first content event; one sample per request with at least 2 tokens. The time to the \
         first token is not in it. Also known as time per output token.",
        |w, s| if w.streamed { s.histogram(&[], &w.inter_token_latency) } else { Ok(()) },
    ),
    histogram(
        "request_latency_seconds",
        &[],
        "From the first byte of the request handed to the kernel until the last content was \
         received. Connection set-up and the wait for usage and end marker are not in it. \
         Successful probes only.",
        |w, s| s.histogram(&[], &w.request_latency),
    ),
    histogram(
        "output_tokens_per_second",
        &[],
        "Output tokens per second after the first token, 1 / inter-token latency; one sample per \
         request.",
        |w, s| if w.streamed { s.histogram(&[], &w.output_tokens_per_second) } else { Ok(()) },
    ),
];

/// Of the prober as a whole, or of each target or workload.
pub(in crate::metrics) static SCHEDULE_DELAY: &[Family<Histogram>] = &[histogram(
    "schedule_delay_seconds",
    &[],
    "From the instant that the schedule wanted a probe to begin until it began: lateness of the \
     prober itself. It is in no other figure.",
    |h, s| s.histogram(&[], h),
)];

/// What explains them: without exemplars, per target or per workload.
pub(in crate::metrics) static SECONDARY: &[Family<Secondary>] = &[
    histogram(
        "time_to_first_byte_seconds",
        &[],
        "From the first byte of the request handed to the kernel until the first byte of the \
         response was received, content or not.",
        |x, s| s.histogram(&[], &x.time_to_first_byte),
    ),
    histogram(
        "time_to_first_token_with_connect_seconds",
        &[],
        "From the beginning of the probe, before name resolution, until the first content was \
         received: what a user with a cold connection waits. New connections only.",
        |x, s| streamed(x, s, &x.time_to_first_token_with_connect),
    ),
    histogram(
        "time_to_first_output_token_seconds",
        &[],
        "As time_to_first_token_seconds, but until the first content that is not reasoning.",
        |x, s| streamed(x, s, &x.time_to_first_output_token),
    ),
    histogram(
        "time_to_second_token_seconds",
        &[],
        "From the first content event to the second.",
        |x, s| streamed(x, s, &x.time_to_second_token),
    ),
    histogram(
        "inter_chunk_gap_seconds",
        &[],
        "Each gap between two consecutive content events, one sample per gap. Gaps next to a \
         coalesced event are not in it, because they are not known.",
        |x, s| streamed(x, s, &x.inter_chunk_gap),
    ),
    histogram(
        "longest_gap_seconds",
        &[],
        "The longest silence between two content events of a request, one sample per request.",
        |x, s| streamed(x, s, &x.longest_gap),
    ),
    histogram(
        "phase_duration_seconds",
        &["phase"],
        "Duration of each phase that happened: resolve, connect, tls, send, processing (request \
         sent to first byte), first_token (first byte to first content), decode (first to last \
         content), tail (last content to the end of the body). A phase has no series before it \
         first happens.",
        |x, s| x.phases.iter().try_for_each(|(phase, h)| s.histogram(&[phase], h)),
    ),
    histogram(
        "server_stage_duration_seconds",
        &["stage"],
        "Duration of a stage as the server itself reports it: queue, load, prefill, decode. A \
         stage has no series before the first report.",
        |x, s| x.stages.iter().try_for_each(|(stage, h)| s.histogram(&[stage], h)),
    ),
    histogram(
        "prefill_tokens_per_second",
        &[],
        "Prompt tokens / time to first token; one sample per request. Queueing at the server is \
         in it.",
        |x, s| streamed(x, s, &x.prefill_tokens_per_second),
    ),
    histogram(
        "probe_energy_joules_per_output_token",
        &[],
        "Energy that the target's GPUs together took from before the request until after its end, \
         idle power included, / output tokens; one sample per successful probe that nothing else \
         ran beside on these GPUs, as far as that is known for certain. The driver updates its \
         counters every some 10 to 100 ms. Only for targets with `gpus`.",
        |x, s| x.energy_per_token.as_ref().map_or(Ok(()), |h| s.histogram(&[], h)),
    ),
];

/// A figure that answers in one piece do not have.
fn streamed(x: &Secondary, samples: &mut SampleWriter<'_, '_>, figure: &Histogram) -> fmt::Result {
    if x.streamed { samples.histogram(&[], figure) } else { Ok(()) }
}
