//! Counts and states of the probes of one workload.

use super::family::{Family, counter, gauge};
use crate::metrics::workload::WorkloadMetrics;

pub(in crate::metrics) static PROBES: &[Family<WorkloadMetrics>] = &[
    counter(
        "probes_total",
        &[],
        "Probes that were sent and are over, failed ones included. Skipped arrivals are not in it, \
         and nor are probes that the prober gave up itself.",
        |w, s| s.counter(&[], w.probes.get()),
    ),
    counter(
        "probe_failures_total",
        &["reason"],
        "Probes that failed, each for exactly one reason. A probe succeeds only if the protocol's \
         own end marker was seen, content was produced, no error was reported in the answer and \
         every validator accepted it. The reason tls is there only for targets with https.",
        |w, s| s.counters(&[], &w.failures),
    ),
    counter(
        "probes_skipped_total",
        &["reason"],
        "Arrivals of the schedule that were not probed, or that the prober's own trouble has spoilt. \
         They are in no other figure, but for what those cost. The reason late is for what was noticed \
         too late, and for probes during which the prober itself stood still. The reason budget is \
         there only for targets with a budget of their own, or from the first on, off_hours only for \
         those with `active_hours`, and prober (no file descriptor was left, or no memory) from the \
         first on.",
        |w, s| s.counters(&[], &w.skipped),
    ),
    counter(
        "probes_given_up_total",
        &[],
        "Probes that the prober gave up itself, because it ended or their target was changed or \
         removed. They say nothing about the server: they are in no SLO, no failure and no latency, \
         only in the cost. No series before the first.",
        |w, s| s.maybe_counter(&[], w.given_up.get()),
    ),
    counter(
        "probes_cancelled_total",
        &[],
        "Probes whose reader stopped reading, as `cancel` of the workload asks, before the answer had \
         come to its end, or was slower than the server. They are neither failures nor in an SLO nor in \
         probes_total; what they had seen until then is in the latencies and tokens, of slow readers \
         in the tokens alone. Only for workloads with `cancel`.",
        |w, s| s.maybe_counter(&[], w.cancelled.get()),
    ),
    gauge("probes_in_flight", &[], "Probes under way now.", |w, s| s.gauge(&[], w.in_flight.get())),
    gauge(
        "probe_success",
        &[],
        "Whether the last finished probe succeeded (1) or failed (0). Absent before the first.",
        |w, s| s.late(&[], &w.success),
    ),
    gauge(
        "last_probe_timestamp_seconds",
        &[],
        "Unix time at which the last probe ended. Absent before the first.",
        |w, s| s.late(&[], &w.last_probe),
    ),
    gauge(
        "last_success_timestamp_seconds",
        &[],
        "Unix time at which the last successful probe ended. Absent before the first.",
        |w, s| s.late(&[], &w.last_success),
    ),
    counter(
        "input_tokens_total",
        &["source"],
        "Prompt tokens of all probes, by who counted them: the server's usage report, or the \
         target's tokenizer. Probes without a count are not in it; a source has no series before \
         its first count.",
        |w, s| s.counters(&[], &w.input_tokens),
    ),
    counter(
        "cached_input_tokens_total",
        &["source"],
        "Prompt tokens that the server reports to have taken from its prefix cache; part of the \
         input tokens. No series before the first report.",
        |w, s| s.counters(&[], &w.cached_input_tokens),
    ),
    counter(
        "output_tokens_total",
        &["source"],
        "Generated tokens of all probes, reasoning included and failed probes too, by who counted \
         them: the server's usage report, else the target's tokenizer, else one per content \
         event. A source has no series before its first count.",
        |w, s| s.counters(&[], &w.output_tokens),
    ),
    counter(
        "reasoning_tokens_total",
        &["source"],
        "Reasoning tokens as the server reports them; part of the output tokens. No series before \
         the first report.",
        |w, s| s.counters(&[], &w.reasoning_tokens),
    ),
    counter(
        "compared_output_tokens_total",
        &["source"],
        "Generated tokens of the probes that both the server and the target's tokenizer counted, \
         as each of them counted: the ratio of both is their disagreement. Only for targets with \
         a tokenizer.",
        |w, s| w.compared_tokens.as_ref().map_or(Ok(()), |counts| s.counters(&[], counts)),
    ),
    counter(
        "connections_total",
        &["kind"],
        "Probes by how their connection came about, new or reused. Probes that got no connection are \
         not in it; a kind has no series before its first probe.",
        |w, s| s.counters(&[], &w.connections),
    ),
    counter(
        "finish_total",
        &["finish"],
        "Probes by why the server says that generation ended. Probes without a finish are not in \
         it; a reason has no series before its first probe.",
        |w, s| s.counters(&[], &w.finishes),
    ),
    counter(
        "validation_failures_total",
        &["validator"],
        "Rejections of an answer, by the kind of the validator; one answer may be rejected by \
         several. `degenerate` and `repetition` need no configuration. A kind has no series before \
         its first rejection.",
        |w, s| s.counters(&[], &w.rejections),
    ),
    counter(
        "degenerate_answers_total",
        &[],
        "Answers whose reasoning or text looks like none: one unit of at most 64 characters, \
         repeated, fills nine tenths of it, or U+FFFD half of it. A text whose unit has at most \
         4 characters, or of U+FFFD, fails as `validation`, too. No series before the first.",
        |w, s| s.maybe_counter(&[], w.degenerate_answers.get()),
    ),
    counter(
        "cost_dollars_total",
        &[],
        "Price of the input and output tokens that were counted, those of confirming probes and of \
         probes that were given up included, by the target's price list. Only for targets with a price.",
        |w, s| w.cost.as_ref().map_or(Ok(()), |cost| s.counter(&[], cost.get())),
    ),
    counter(
        "timestamp_source_total",
        &["source"],
        "Probes with a response, by the clock of their figures: the kernel's receive stamps, or \
         the task's own reading, which includes the prober's scheduling. A clock has no series \
         before its first probe.",
        |w, s| s.counters(&[], &w.timestamp_sources),
    ),
    counter(
        "coalesced_events_total",
        &[],
        "Content events that shared a read with a later one, so that their own instant is only \
         known as an upper bound. They leave no sample in the inter-chunk gaps.",
        |w, s| s.counter(&[], w.coalesced_events.get()),
    ),
];
