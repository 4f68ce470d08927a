//! Facts about a target as a whole: their `workload` label is empty.

use prometheus::metrics::MetricType;

use super::family::{Family, counter, family, gauge, histogram};
use crate::answer::slo::{Objective, ObjectiveKind, Slo};
use crate::metrics::target::TargetMetrics;

pub(in crate::metrics) static TARGET: &[Family<TargetMetrics>] = &[
    family(
        "target_info",
        MetricType::Info,
        &["url", "api", "tokenizer"],
        "What the target is: its URL without credentials and query, its API, its tokenizer \
         (empty: none), and one label per version fact that is configured. Always 1.",
        |t, s| {
            let target = &t.target;
            let tokenizer = target.tokenizer.as_ref().map_or("", |t| t.name());
            let values = [&public_url(&target.url), target.dialect.name(), tokenizer];
            let facts = target.version.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            s.info(&values, facts)
        },
    ),
    gauge(
        "ratelimit_limit",
        &["unit"],
        "Requests or tokens that the server allows per period, from the last response headers \
         that say so.",
        |t, s| t.rate_limits.iter().try_for_each(|r| s.late(&[r.unit], &r.limit)),
    ),
    gauge(
        "ratelimit_remaining",
        &["unit"],
        "Requests or tokens that are left in the period, from the last response headers that say \
         so.",
        |t, s| t.rate_limits.iter().try_for_each(|r| s.late(&[r.unit], &r.remaining)),
    ),
    gauge(
        "tls_certificate_expiry_timestamp_seconds",
        &[],
        "Unix time at which the certificate of the last TLS connection expires. Absent on plain \
         HTTP.",
        |t, s| s.late(&[], &t.certificate_expiry),
    ),
    gauge(
        "address_success",
        &["address"],
        "With `addresses: each`: whether the last probe that was sent to this address of the target \
         succeeded. At most 16 addresses; one that the resolver does not name any more is left out \
         after five minutes, or at once if its last probe failed. A probe that misses an SLO at one \
         address counts against it only if the last probe at every other address missed it, too; \
         else it counts for nothing there.",
        |t, s| {
            t.addresses().iter().try_for_each(|known| match known.success {
                Some(success) => {
                    s.gauge(&[&known.address.to_string()], f64::from(u8::from(success)))
                }
                None => Ok(()),
            })
        },
    ),
    gauge(
        "budget_remaining_ratio",
        &["period"],
        "The share of the target's budget of this hour or day (UTC) that is neither spent nor put aside \
         for probes under way, of tokens or dollars whichever is less. At 0 its probes are skipped. \
         Only for periods with a limit.",
        |t, s| {
            let left = t.budget_remaining();
            left.into_iter().try_for_each(|(period, left)| s.gauge(&[period.as_str()], left))
        },
    ),
    gauge(
        "prefix_cache_working",
        &[],
        "Whether the last look found the server's prefix cache to work (1) or not (0): of a prompt that \
         was sent twice, the server took at least half the second time from its cache; where it does \
         not say so, its first token took at most 0.7 of the first time. Only with \
         `prefix_cache_check`; absent before the first look.",
        |t, s| s.late(&[], &t.cache.working),
    ),
    gauge(
        "prefix_cache_check_cached_ratio",
        &[],
        "The share of the tokens of the second prompt that the server says to have taken from its \
         cache, at the last look. Only where it does.",
        |t, s| s.late(&[], &t.cache.cached),
    ),
    gauge(
        "prefix_cache_check_ttft_ratio",
        &[],
        "The time to first token of the second prompt / that of the first, at the last look.",
        |t, s| s.late(&[], &t.cache.ttft_ratio),
    ),
    counter(
        "cold_probes_total",
        &[],
        "Probes that began after the target had not been probed for `cold_after`, so that it may have \
         gone to sleep. They are in the cost and in the figures of cold probes alone. Only for targets \
         with `cold_after`.",
        |t, s| t.cold.as_ref().map_or(Ok(()), |cold| s.counter(&[], cold.probes.get())),
    ),
    counter("cold_probe_failures_total", &[], "Those of them that failed.", |t, s| {
        t.cold.as_ref().map_or(Ok(()), |cold| s.counter(&[], cold.failures.get()))
    }),
    histogram(
        "cold_time_to_first_token_seconds",
        &[],
        "Time from sending the request to the first generated token of probes that may have found the \
         target cold. Only for targets with `cold_after`.",
        |t, s| t.cold.as_ref().map_or(Ok(()), |cold| s.histogram(&[], &cold.time_to_first_token)),
    ),
    counter(
        "probes_beside_sweep_total",
        &[],
        "Probes that were under way while a sweep of the same host and port was: their times are those \
         of its load. They are in no other figure but the cost, the budget, and whether the target \
         answers. Only for targets whose host and port is swept.",
        |t, s| s.maybe_counter(&[], t.beside_sweep.get()),
    ),
    gauge(
        "slo_objective_ratio",
        &["slo"],
        "The share of probes that shall be good, as configured.",
        |t, s| t.target.slos.iter().try_for_each(|o| s.gauge(&[&o.name], o.objective)),
    ),
    gauge(
        "slo_threshold_seconds",
        &["slo", "objective"],
        "The longest duration that is good, as configured.",
        |t, s| {
            let durations = thresholds(t, |kind| {
                !matches!(kind, ObjectiveKind::TokensPerSecond | ObjectiveKind::Deadline)
            });
            durations
                .into_iter()
                .try_for_each(|(slo, o)| s.gauge(&[&slo.name, o.kind.as_str()], o.threshold))
        },
    ),
    gauge(
        "slo_threshold_tokens_per_second",
        &["slo", "objective"],
        "The least output tokens per second that are good, as configured.",
        |t, s| {
            let rates = thresholds(t, |kind| kind == ObjectiveKind::TokensPerSecond);
            rates
                .into_iter()
                .try_for_each(|(slo, o)| s.gauge(&[&slo.name, o.kind.as_str()], o.threshold))
        },
    ),
    gauge(
        "slo_deadline_seconds",
        &["slo", "part"],
        "When tokens are due, as configured: the first one (`ttft`) after the request was sent, and \
         each further one (`per_token`) after the one before. Nine tenths of the deadlines met are \
         good. Only for SLOs with a `deadline`.",
        |t, s| {
            thresholds(t, |kind| kind == ObjectiveKind::Deadline).into_iter().try_for_each(
                |(slo, o)| match o.deadline {
                    Some(deadline) => {
                        s.gauge(&[&slo.name, "ttft"], deadline.ttft.as_secs_f64())?;
                        s.gauge(&[&slo.name, "per_token"], deadline.per_token.as_secs_f64())
                    }
                    None => Ok(()),
                },
            )
        },
    ),
];

fn thresholds(
    target: &TargetMetrics,
    wanted: impl Fn(ObjectiveKind) -> bool,
) -> Vec<(&Slo, &Objective)> {
    let slos = target.target.slos.iter();
    let all = slos.flat_map(|slo| slo.objectives.iter().map(move |o| (&**slo, o)));
    all.filter(|(_, o)| wanted(o.kind)).collect()
}

/// Keys travel in user names, passwords and queries.
fn public_url(url: &url::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both can only fail on a URL that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}
