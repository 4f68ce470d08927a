//! One entry of `targets`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_yaml::{Location, Spanned};

use super::context::{Context, optional, setting};
use super::occasions::{self, Occasions};
use super::{access, catalog, cost, endpoint, gpu, labels, server_metrics, timing};
use crate::answer::slo::Slo;
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::labels::check_value;
use crate::config::raw::{self, DEFAULT_API, DEFAULT_MAX_IN_FLIGHT, DEFAULT_STREAM, IN_FLIGHT};
use crate::dialect::{self, Dialect, SharedDialect};
use crate::target::{Addresses, ConnectionMode, Target, UsageMode};
use crate::workload::Workload;

/// Checks everything, then builds the target if nothing failed.
pub(super) fn resolve(
    raw: &raw::Target,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Target> {
    let named = report.check(raw.name.referenced, check_value(&raw.name.value, true));
    let url = report.check(raw.url.referenced, endpoint::url(&raw.url.value));
    let dialect = api(setting!(raw, context, api), report);
    let model = optional(raw.model.as_ref(), |model| self::model(model, report));
    let auth = optional(raw.auth.as_ref(), |auth| access::auth(auth, context, report));
    let headers = access::headers(raw.headers.as_ref(), report);
    let tls = endpoint::tls(raw.tls.as_ref(), url.as_ref(), context, report);
    let limits = timing::limits(raw, context, report);
    let resolve_every = timing::resolve_every(setting!(raw, context, resolve_every), report);
    let schedule = timing::schedule(raw, context, report);
    let max_in_flight = max_in_flight(setting!(raw, context, max_in_flight), report);
    let max_in_prefill = optional(setting!(raw, context, max_in_prefill), |most| {
        in_flight("max_in_prefill", most, &IN_FLIGHT, report)
    });
    let workloads = workloads(setting!(raw, context, workloads), context, report);
    let schedule = schedule.zip(workloads.as_deref()).and_then(|(schedule, workloads)| {
        occasions::recorded(schedule, workloads, setting!(raw, context, arrival), report)
    });
    let occasions = occasions::resolve(
        setting!(raw, context, active_hours),
        setting!(raw, context, warm_up),
        setting!(raw, context, cold_after),
        setting!(raw, context, prefix_cache_check),
        report,
    );
    let form_fits =
        dialect.as_deref().zip(workloads.as_deref()).is_none_or(|(dialect, workloads)| {
            captured_fits(raw, dialect, workloads, context, report).is_some()
        });
    let slos = slos(setting!(raw, context, slos), dialect.as_deref(), context, report);
    let named_model = match dialect.as_deref() {
        Some(dialect) if raw.model.is_none() && !dialect.lists_models() => {
            report.add(raw.name.referenced, no_model(dialect))
        }
        _ => Some(()),
    };
    let tokenizer = setting!(raw, context, tokenizer);
    let tokenizer = optional(tokenizer, |name| context.tokenizers.find(name, report));
    let workloads = workloads.map(|workloads| match &tokenizer {
        Ok(Some(tokenizer)) => {
            workloads.iter().map(|workload| context.counted_by(workload, tokenizer)).collect()
        }
        _ => workloads,
    });
    let price = optional(raw.price.as_ref(), |price| cost::price(price, report));
    let budget = cost::budget(raw, report);
    let server_metrics = optional(raw.server_metrics.as_ref(), |source| {
        server_metrics::resolve(source, url.as_ref(), context, report)
    });
    let gpus = gpu::target(raw, context.gpu.as_ref(), report);
    let user_labels = labels::labels(raw.labels.as_ref(), report);
    let version = labels::version(raw.version.as_ref(), report);
    named.and(named_model).filter(|()| form_fits)?;
    let writes = dialect.as_deref().is_none_or(|dialect| dialect.kind().writes());
    let Occasions { active_hours, warm_up, cold_after, cache_check } = occasions?;
    Some(Target {
        name: raw.name.value.clone(),
        url: url?,
        dialect: dialect?,
        model: model.ok()?,
        // What is no text comes in one piece, whatever was asked for.
        stream: writes && raw.stream.or(context.defaults.stream).unwrap_or(DEFAULT_STREAM),
        usage: usage(raw.usage.or(context.defaults.usage)),
        auth: auth.ok()?,
        headers: headers?,
        extra_body: raw.extra_body.clone().unwrap_or_default(),
        tls: tls?,
        connection: connection(raw.connection.or(context.defaults.connection)),
        addresses: addresses(raw.addresses.or(context.defaults.addresses)),
        resolve_every: resolve_every?,
        limits: limits?,
        schedule: schedule?,
        active_hours,
        max_in_flight: max_in_flight?,
        max_in_prefill: max_in_prefill.ok()?,
        warm_up,
        cold_after,
        cache_check,
        workloads: workloads?,
        slos,
        tokenizer: tokenizer.ok()?,
        labels: user_labels?,
        version: version?,
        price: price.ok()?,
        budget: budget?,
        server_metrics: server_metrics.ok()?,
        gpus: gpus?,
    })
}

/// Checks `defaults` by itself: a mistake shows even where every target overrides it.
pub(super) fn check_defaults(context: &Context<'_>, report: &mut Report<'_>) {
    let defaults = context.defaults;
    api(defaults.api.as_ref(), report);
    timing::check_defaults(defaults, report);
    max_in_flight(defaults.max_in_flight.as_ref(), report);
    if let Some(most) = &defaults.max_in_prefill {
        in_flight("max_in_prefill", most, &IN_FLIGHT, report);
    }
    occasions::resolve(
        defaults.active_hours.as_ref(),
        defaults.warm_up.as_ref(),
        defaults.cold_after.as_ref(),
        defaults.prefix_cache_check.as_ref(),
        report,
    );
    workloads(defaults.workloads.as_ref(), context, report);
    slos(defaults.slos.as_ref(), None, context, report);
    if let Some(name) = &defaults.tokenizer {
        context.tokenizers.find(name, report);
    }
}

fn usage(raw: Option<raw::Usage>) -> UsageMode {
    match raw {
        None | Some(raw::Usage::Auto) => UsageMode::Auto,
        Some(raw::Usage::Final) => UsageMode::Final,
        Some(raw::Usage::Continuous) => UsageMode::Continuous,
        Some(raw::Usage::None) => UsageMode::None,
    }
}

fn connection(raw: Option<raw::Connection>) -> ConnectionMode {
    match raw {
        None | Some(raw::Connection::Reuse) => ConnectionMode::Reuse,
        Some(raw::Connection::Fresh) => ConnectionMode::Fresh,
    }
}

fn addresses(raw: Option<raw::Addresses>) -> Addresses {
    match raw {
        None | Some(raw::Addresses::First) => Addresses::First,
        Some(raw::Addresses::Each) => Addresses::Each,
    }
}

fn api(raw: Option<&Spanned<String>>, report: &mut Report<'_>) -> Option<SharedDialect> {
    let name = raw.map_or(DEFAULT_API, |api| api.value.as_str());
    let found = dialect::by_name(name);
    let found = found.ok_or_else(|| catalog::unknown("api", name, dialect::names()));
    report.check(raw.map_or(Location::UNKNOWN, |api| api.referenced), found)
}

fn model(raw: &Spanned<String>, report: &mut Report<'_>) -> Option<String> {
    report.check(raw.referenced, check_value(&raw.value, true))?;
    Some(raw.value.clone())
}

fn max_in_flight(raw: Option<&Spanned<u64>>, report: &mut Report<'_>) -> Option<usize> {
    let Some(raw) = raw else { return Some(DEFAULT_MAX_IN_FLIGHT) };
    in_flight("max_in_flight", raw, &IN_FLIGHT, report)
}

/// A number of probes under way.
pub(super) fn in_flight(
    key: &str,
    raw: &Spanned<u64>,
    range: &RangeInclusive<usize>,
    report: &mut Report<'_>,
) -> Option<usize> {
    match usize::try_from(raw.value) {
        Ok(count) if range.contains(&count) => Some(count),
        _ => {
            let range = range_in_words(range);
            report.add(raw.referenced, format!("{key} out of range, expected {range}"))
        }
    }
}

/// All of the file's workloads where none are named.
fn workloads(
    raw: Option<&Spanned<Vec<Spanned<String>>>>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<Arc<Workload>>> {
    let Some(names) = raw else { return Some(context.workloads.all()) };
    if names.value.is_empty() {
        let why = "no workloads, expected at least one (leave the key out for all)";
        return report.add(names.referenced, why);
    }
    Some(context.workloads.find_all(&names.value, report))
}

/// Captured requests are sent as they are, so only to a target of the API they were made for.
fn captured_fits(
    raw: &raw::Target,
    dialect: &dyn Dialect,
    workloads: &[Arc<Workload>],
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<()> {
    for workload in workloads {
        let captured = workload.prompts.first().and_then(|p| p.captured.as_deref());
        let Some(captured) = captured.filter(|c| dialect.captured_form() != Some(c.form)) else {
            continue;
        };
        let named = setting!(raw, context, workloads).map(|names| names.referenced);
        let (name, form, api) = (&workload.name, captured.form.as_str(), dialect.name());
        let can = dialect::all().find(|p| p.captured_form() == Some(captured.form));
        let other = can.map_or_else(String::new, |p| format!("api {} or ", p.name()));
        let why = format!(
            "workload `{name}` holds captured {form} requests, which api {api} cannot send; \
             expected {other}`workloads` without it"
        );
        return report.add(named.unwrap_or(raw.name.referenced), why);
    }
    Some(())
}

/// Why a target cannot do without a model.
fn no_model(dialect: &dyn Dialect) -> String {
    format!(
        "no model, and servers of api {} have no list of theirs; expected `model`",
        dialect.name()
    )
}

/// All of the file's SLOs where none are named; an empty list means none. One that is named has to
/// bound what the API has: of the others what does not apply is not counted.
fn slos(
    raw: Option<&Spanned<Vec<Spanned<String>>>>,
    dialect: Option<&dyn Dialect>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Vec<Arc<Slo>> {
    let Some(names) = raw else { return context.slos.all() };
    let found = context.slos.find_all(&names.value, report);
    for slo in &found {
        let Some(dialect) = dialect else { continue };
        let mut objectives = slo.objectives.iter().map(|objective| objective.kind);
        if let Some(kind) = objectives.find(|kind| !dialect.kind().has(*kind)) {
            let why = format!(
                "SLO `{}` bounds {}, but answers of api {} come in one piece and have no such \
                 figure; expected SLOs of request_latency alone",
                slo.name,
                kind.as_str(),
                dialect.name()
            );
            let name = names.value.iter().find(|name| name.value == slo.name);
            report.add::<()>(name.map_or(names.referenced, |name| name.referenced), why);
        }
    }
    found
}
