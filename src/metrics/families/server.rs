//! What the inference server itself says. One naming for all engines; a figure that a page does not
//! have, or that cannot be read now, is absent.

use std::fmt;

use prometheus::metrics::MetricType;

use super::family::{Family, counter, family, gauge, histogram};
use crate::metrics::samples::SampleWriter;
use crate::metrics::secondary::Secondary;
use crate::metrics::target::TargetMetrics;
use crate::server_metrics::Sample;

/// The newest look at the page; `workload` is empty.
pub(in crate::metrics) static SERVER: &[Family<TargetMetrics>] = &[
    gauge(
        "server_metrics_up",
        &[],
        "Whether the last look at the server's metrics page succeeded (1): it came in time and \
         something on it is known. Looks are taken around each probe. Only for targets with \
         server_metrics, absent before the first look.",
        |t, s| t.server_up().map_or(Ok(()), |up| s.gauge(&[], i64::from(up))),
    ),
    gauge(
        "server_metrics_timestamp_seconds",
        &[],
        "Unix time of the look at the server's metrics page that the other server metrics are \
         from. Absent while the page cannot be read.",
        |t, s| t.server_state().map_or(Ok(()), |(_, at)| s.gauge(&[], at)),
    ),
    family(
        "server_info",
        MetricType::Info,
        &["engine"],
        "Which inference server it is, by the names on its metrics page. Always 1.",
        |t, s| t.server_state().map_or(Ok(()), |(x, _)| s.info(&[x.engine], std::iter::empty())),
    ),
    gauge(
        "server_requests_running",
        &[],
        "Requests that the server is working on, all clients together, as it says on its metrics \
         page.",
        |t, s| state(t, s, |x| x.running),
    ),
    gauge(
        "server_requests_waiting",
        &[],
        "Requests that wait for the server to begin, all clients together, as it says on its \
         metrics page. Of Dynamo's frontend: all without a first token.",
        |t, s| state(t, s, |x| x.waiting),
    ),
    gauge(
        "server_kv_cache_usage_ratio",
        &[],
        "Used share of the server's KV cache, as it says on its metrics page; of several engines \
         behind one page the fullest.",
        |t, s| state(t, s, |x| x.kv_cache_usage),
    ),
    gauge(
        "server_prefix_cache_hit_ratio",
        &[],
        "Share of the prompt that the server found in its prefix cache, as the server itself \
         averages it. Most servers count queries and hits instead.",
        |t, s| state(t, s, |x| x.prefix_cache_hit_ratio),
    ),
    counter(
        "server_prefix_cache_queries_total",
        &[],
        "Prompt tokens that the server looked up in its prefix cache since it was started, as it \
         says on its metrics page (blocks in old releases of vLLM).",
        |t, s| total(t, s, |x| x.prefix_cache_queries),
    ),
    counter(
        "server_prefix_cache_hits_total",
        &[],
        "Those of the queries that the server found in its prefix cache.",
        |t, s| total(t, s, |x| x.prefix_cache_hits),
    ),
    counter(
        "server_preemptions_total",
        &[],
        "Requests that had to give back their KV cache and were begun again, since the server \
         was started, as it says on its metrics page. SGLang calls them retracted.",
        |t, s| total(t, s, |x| x.preemptions),
    ),
];

/// The load that each probe met.
pub(in crate::metrics) static SERVER_LOAD: &[Family<Secondary>] = &[
    histogram(
        "server_requests_waiting_at_send",
        &[],
        "Requests that waited at the server right before each probe was sent, the probe itself not \
         in it. Probes without a look in time (100 ms) are not in it. Only for targets with \
         server_metrics.",
        |x, s| x.server.at_send.as_ref().map_or(Ok(()), |a| s.histogram(&[], &a.waiting)),
    ),
    histogram(
        "server_requests_running_at_send",
        &[],
        "Requests that the server was working on right before each probe was sent, the probe \
         itself not in it. Only for targets with server_metrics.",
        |x, s| x.server.at_send.as_ref().map_or(Ok(()), |a| s.histogram(&[], &a.running)),
    ),
    histogram(
        "server_kv_cache_usage_at_send_ratio",
        &[],
        "Used share of the server's KV cache right before each probe was sent. Only for targets \
         with server_metrics.",
        |x, s| x.server.at_send.as_ref().map_or(Ok(()), |a| s.histogram(&[], &a.kv_cache_usage)),
    ),
    histogram(
        "time_to_first_token_by_waiting_seconds",
        &["waiting"],
        "As time_to_first_token_seconds, by how many requests waited at the server right before \
         the probe was sent. A class has no series before its first probe.",
        |x, s| {
            let split = x.server.at_send.iter().flat_map(|a| a.ttft_by_waiting.iter());
            split.into_iter().try_for_each(|(class, h)| s.histogram(&[class], h))
        },
    ),
    histogram(
        "time_to_first_token_by_in_flight_seconds",
        &["in_flight"],
        "As time_to_first_token_seconds, by how many requests waited or were worked on at the \
         server right before the probe was sent: where it rises steeply the server is full. A \
         class has no series before its first probe.",
        |x, s| {
            let split = x.server.at_send.iter().flat_map(|a| a.ttft_by_in_flight.iter());
            split.into_iter().try_for_each(|(class, h)| s.histogram(&[class], h))
        },
    ),
    histogram(
        "time_to_first_token_by_own_in_flight_seconds",
        &["in_flight"],
        "As time_to_first_token_seconds, by how many other probes of the target were under way when \
         the probe began. No series before the first probe that began beside another one.",
        |x, s| x.own.iter().try_for_each(|(class, h)| s.histogram(&[class], h)),
    ),
    histogram(
        "time_to_first_token_part_seconds",
        &["part"],
        "What the time to first token is made of; the parts of a probe add up to it. queue, load \
         and prefill as the server reports, in the response or by its own histograms around the \
         probe where exactly one request was added to them. The rest, which is the network and \
         what the server does outside of these stages, is network where queue and prefill are \
         known, network_and_queue or network_and_prefill where one of them is not. Probes with \
         neither, or with stages that are longer than the whole, are not in it.",
        |x, s| x.server.ttft_parts.iter().try_for_each(|(part, h)| s.histogram(&[part], h)),
    ),
];

type Figure = fn(&Sample) -> Option<f64>;

fn known(target: &TargetMetrics, figure: Figure) -> Option<f64> {
    target.server_state().and_then(|(sample, _)| figure(&sample))
}

fn state(
    target: &TargetMetrics,
    samples: &mut SampleWriter<'_, '_>,
    figure: Figure,
) -> fmt::Result {
    known(target, figure).map_or(Ok(()), |value| samples.gauge(&[], value))
}

fn total(
    target: &TargetMetrics,
    samples: &mut SampleWriter<'_, '_>,
    figure: Figure,
) -> fmt::Result {
    known(target, figure).map_or(Ok(()), |value| samples.counter(&[], value))
}
