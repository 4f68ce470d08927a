//! `/probe?target=NAME&workload=NAME`: one probe per request, with metrics of its own, as
//! Prometheus' multi-target exporters do it.
//!
//! The probe has a connection of its own and leaves no trace: neither in the daemon's series nor
//! in its history, its flight records or its budget.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::Instant;

use super::api::{ApiQuery, Refusal};
use super::probe_debug;
use super::scrape::SCRAPE_TIMEOUT;
use super::site::Site;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::gpu::EnergyMeter;
use crate::load::{Admission, Limits, Prober, Stop};
use crate::metrics::{Format, Metrics};
use crate::probe::sink::TargetSinks;
use crate::probe::{Probe, Probing};
use crate::target::Target;
use crate::target::budget::Ledger;
use crate::workload::Mix;

/// Left of that patience for the answer: so much at most, or a tenth.
const OFFSET: f64 = 0.5;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    target: Option<String>,
    workload: Option<String>,
    #[serde(default)]
    debug: bool,
}

pub(super) async fn probe(
    State(site): State<Site>,
    headers: HeaderMap,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Refusal> {
    if !site.options.probe {
        let message = "probes on demand are served with --web.enable-probe";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    let patience = patience(&headers)?;
    let (config, target) = choose(&site.daemon, &wanted, patience)?;
    let _permit = site.probes.try_acquire().map_err(|_| {
        let message = "too many probes on demand are under way, try again later";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, message)
    })?;
    let refuse = |why: &dyn std::fmt::Display| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why.to_string())
    };
    let transport = site.daemon.dial(&target).map_err(|e| refuse(&e))?;
    let probing = Arc::new(Probing::new(Arc::clone(&target), transport));
    let energy = Arc::clone(site.daemon.energy());
    let probe = make(&probing, energy, patience).await;
    let probe = probe.ok_or_else(|| refuse(&"no prompt"))?;
    let options = site.daemon.metrics.options();
    let metrics = Metrics::of_one(options, &config, &probe, probing.transport.addresses());
    if wanted.debug {
        return Ok(probe_debug::page(&target, probe, &metrics, &config, site.options.recordings));
    }
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let format = Format::negotiate(accept);
    let body = metrics.encode(format).map_err(|e| refuse(&e))?;
    Ok(([(header::CONTENT_TYPE, format.content_type())], body).into_response())
}

/// What the scraper's own time-out leaves.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For the request.
    request: Duration,
    /// For everything, finding out the model's name included.
    all: Duration,
}

/// None where the scraper says nothing.
fn patience(headers: &HeaderMap) -> Result<Option<Patience>, Refusal> {
    let Some(value) = headers.get(SCRAPE_TIMEOUT) else { return Ok(None) };
    let seconds = value.to_str().ok().and_then(|text| text.parse::<f64>().ok());
    let patience = seconds.filter(|s| *s > 0.0).and_then(|s| {
        let offset = OFFSET.min(s / 10.0);
        let left = |used| Duration::try_from_secs_f64(s - used).ok();
        Some(Patience { request: left(offset)?, all: left(offset / 2.0)? })
    });
    patience.map(Some).ok_or_else(|| {
        let message = format!("{SCRAPE_TIMEOUT} is no time, expected seconds, such as 10");
        Refusal::new(StatusCode::BAD_REQUEST, message)
    })
}

/// As the blackbox exporter answers for a module that it does not know.
fn unknown(what: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, what)
}

/// The target as it is to be probed: with the wanted workload only, and no more patience than the
/// scraper has. And a configuration of nothing but it.
fn choose(
    daemon: &Daemon,
    wanted: &Wanted,
    patience: Option<Patience>,
) -> Result<(Config, Arc<Target>), Refusal> {
    let config = daemon.config();
    let name = wanted.target.as_deref();
    let name = name.ok_or_else(|| unknown("no target, expected /probe?target=NAME"))?;
    let found = config.targets.iter().find(|t| t.name == name);
    let found = found.ok_or_else(|| unknown("there is no target of this name"))?;
    let mut target = Target::clone(found);
    if let Some(name) = &wanted.workload {
        target.workloads.retain(|workload| workload.name == *name);
    } else {
        let drawn = Mix::new(&target.workloads, rand::random()).draw();
        target.workloads = drawn.into_iter().map(|draw| draw.workload).collect();
    }
    if target.workloads.is_empty() {
        return Err(unknown("the target has no workload of this name"));
    }
    let limits = &mut target.limits;
    limits.timeout = patience.map_or(limits.timeout, |p| limits.timeout.min(p.request));
    limits.stall_timeout = limits.stall_timeout.min(limits.timeout);
    let known = daemon.metrics.target(&target.name).map(|metrics| metrics.model());
    target.model = target.model.or(known.filter(|m| !m.is_empty()).map(|m| (*m).clone()));
    let target = Arc::new(target);
    Ok((config.only(&target), target))
}

/// Gives the probe up when the scraper goes away, and when finding out the model's name has taken
/// up its patience.
async fn make(
    probing: &Arc<Probing>,
    energy: Arc<EnergyMeter>,
    patience: Option<Patience>,
) -> Option<Probe> {
    let draw = Mix::new(&probing.target.workloads, rand::random()).draw()?;
    let (stop, sinks) = (Stop::default(), TargetSinks::default());
    let cancel = stop.probes.clone();
    let _given_up = cancel.clone().drop_guard();
    let admission = Admission::new(Limits::only_in_flight(1), Ledger::default());
    let prober = Arc::new(Prober::new(Arc::clone(probing), admission, sinks, energy, stop));
    let permit = prober.admit(&draw, Instant::now()).ok()?;
    let mut probe = std::pin::pin!(prober.probe(permit, draw, None));
    let end_of_patience = tokio::time::sleep(patience.map_or(Duration::MAX, |p| p.all));
    tokio::select! {
        biased;
        probe = &mut probe => return Some(probe),
        () = end_of_patience => cancel.cancel(),
    }
    Some(probe.await)
}
